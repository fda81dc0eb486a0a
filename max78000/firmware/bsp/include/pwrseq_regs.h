/*
 * Power sequencer: what woke the chip.
 *
 * Source of numbers: [MSDK] pwrseq_regs.h.
 */
#ifndef PWRSEQ_REGS_H
#define PWRSEQ_REGS_H

#include <stddef.h>
#include <stdint.h>

/* The wake status registers are cleared by writing ones. */
typedef struct {
    volatile uint32_t lpcn; /* 0x00 */
    volatile uint32_t lpwkst0, lpwken0; /* 0x04: GPIO0 */
    volatile uint32_t lpwkst1, lpwken1; /* 0x0C: GPIO1 */
    volatile uint32_t lpwkst2, lpwken2; /* 0x14: GPIO2 */
    volatile uint32_t lpwkst3, lpwken3; /* 0x1C: GPIO3 */
    uint32_t reserved0[3];
    volatile uint32_t lppwkst, lppwken; /* 0x30: peripherals */
} mxc_pwrseq_regs_t;

_Static_assert(offsetof(mxc_pwrseq_regs_t, lpwkst3) == 0x1C, "PWRSEQ");
_Static_assert(offsetof(mxc_pwrseq_regs_t, lppwkst) == 0x30, "PWRSEQ");

#endif
