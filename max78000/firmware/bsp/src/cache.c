/*
 * Instruction cache of the Arm core.
 *
 * Source of the sequence: docs/hardware/firmware.md#clocks; [MSDK] icc_reva.c.
 */
#include "icc.h"
#include "poll.h"

void MXC_ICC_Disable(mxc_icc_regs_t *icc)
{
    icc->ctrl &= ~MXC_F_ICC_CTRL_EN;
}

void MXC_ICC_Enable(mxc_icc_regs_t *icc)
{
    MXC_ICC_Disable(icc);
    icc->invalidate = 1;
    if (poll_until(&icc->ctrl, MXC_F_ICC_CTRL_RDY, MXC_F_ICC_CTRL_RDY) != E_NO_ERROR) {
        return; /* slower without a cache, but not wrong */
    }
    icc->ctrl |= MXC_F_ICC_CTRL_EN;
    (void)poll_until(&icc->ctrl, MXC_F_ICC_CTRL_RDY, MXC_F_ICC_CTRL_RDY);
}
