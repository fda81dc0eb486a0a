/*
 * Instruction cache.
 */
#ifndef ICC_H
#define ICC_H

#include "icc_regs.h"

/* Empty the cache and switch it on; the start-up code has done so already. */
void MXC_ICC_Enable(mxc_icc_regs_t *icc);
void MXC_ICC_Disable(mxc_icc_regs_t *icc);

#endif
