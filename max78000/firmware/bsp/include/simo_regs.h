/*
 * Switching regulator of the core supplies.
 *
 * Source of numbers: [MSDK] simo_regs.h.
 */
#ifndef SIMO_REGS_H
#define SIMO_REGS_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint32_t reserved0;
    volatile uint32_t vrego_a; /* 0x04 */
    volatile uint32_t vrego_b; /* 0x08 */
    volatile uint32_t vrego_c; /* 0x0C: supply of the accelerator */
    volatile uint32_t vrego_d; /* 0x10 */
} mxc_simo_regs_t;

_Static_assert(offsetof(mxc_simo_regs_t, vrego_c) == 0x0C, "SIMO");

#endif
