/*
 * Global control of the low-power peripherals: 0 GPIO2, 1 WDT1, 2 TMR4, 3 TMR5, 4 UART3.
 *
 * Source of numbers: [MSDK] lpgcr_regs.h.
 */
#ifndef LPGCR_REGS_H
#define LPGCR_REGS_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint32_t reserved0[2];
    volatile uint32_t rst; /* 0x8: write 1, reads 0 when done */
    volatile uint32_t pclkdis; /* 0xC: 1 = clock off */
} mxc_lpgcr_regs_t;

_Static_assert(offsetof(mxc_lpgcr_regs_t, pclkdis) == 0xC, "LPGCR");

#endif
