/* What code for the RISC-V core, and for the Arm core that starts it, takes from a vendor SDK besides. */
#ifndef SHIM_RISCV_MXC_H
#define SHIM_RISCV_MXC_H

#include "../firmware_shim/mxc.h"

typedef struct {
    volatile uint32_t pclkdiv; /* at 0x18 */
    uint32_t gap[10];
    volatile uint32_t rst1; /* at 0x44 */
} shim_reset_t;

#undef MXC_GCR
#define MXC_GCR ((shim_reset_t *)0x40000018)

enum { MXC_ICC1 = 100, RISCV_IRQn, MXC_SYS_PERIPH_CLOCK_SMPHR, MXC_SYS_PERIPH_CLOCK_CPU1 };

#endif
