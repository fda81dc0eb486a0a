/*
 * Power of the accelerator: one bit per quadrant (3:0) in each register.
 *
 * Source of numbers: [MSDK] gcfr_regs.h.
 */
#ifndef GCFR_REGS_H
#define GCFR_REGS_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    volatile uint32_t reg0; /* 0x0: power */
    volatile uint32_t reg1; /* 0x4: power of the kernel memory */
    volatile uint32_t reg2; /* 0x8: isolation */
    volatile uint32_t reg3; /* 0xC: reset */
} mxc_gcfr_regs_t;

_Static_assert(offsetof(mxc_gcfr_regs_t, reg3) == 0xC, "GCFR");

#endif
