/*
 * Instruction cache of the Arm core.
 *
 * Source of numbers: [MSDK] icc_reva.c.
 */
#ifndef ICC_REGS_H
#define ICC_REGS_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint32_t reserved0[64];
    volatile uint32_t ctrl; /* 0x100: 0 enable, 16 ready */
    uint32_t reserved1[383];
    volatile uint32_t invalidate; /* 0x700: any write */
} mxc_icc_regs_t;

_Static_assert(offsetof(mxc_icc_regs_t, ctrl) == 0x100, "ICC");
_Static_assert(offsetof(mxc_icc_regs_t, invalidate) == 0x700, "ICC");

#define MXC_F_ICC_CTRL_EN (1u << 0)
#define MXC_F_ICC_CTRL_RDY (1u << 16)

#endif
