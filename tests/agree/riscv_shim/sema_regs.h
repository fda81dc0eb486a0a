/* The register through which one core wakes the other. */
#ifndef SHIM_SEMA_REGS_H
#define SHIM_SEMA_REGS_H

#include <stdint.h>

typedef struct {
    volatile uint32_t irq0;
} shim_sema_t;

#define MXC_SEMA ((shim_sema_t *)0x4003e040)
#define MXC_F_SEMA_IRQ0_EN 0x00000001u
#define MXC_F_SEMA_IRQ0_CM4_IRQ 0x00010000u

#endif
