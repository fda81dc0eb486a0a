/* The registers from which the RISC-V core starts. */
#ifndef SHIM_FCR_REGS_H
#define SHIM_FCR_REGS_H

#include <stdint.h>

typedef struct {
    uint32_t gap[4];
    volatile uint32_t urvbootaddr; /* at 0x10 */
    volatile uint32_t urvctrl;
} shim_fcr_t;

#define MXC_FCR ((shim_fcr_t *)0x40000800)

#endif
