/*
 * The watchdogs.
 *
 * Source of numbers: [MSDK] wdt_regs.h.
 */
#ifndef WDT_REGS_H
#define WDT_REGS_H

#include <stdint.h>

typedef struct {
    volatile uint32_t ctrl; /* 0x00 */
    volatile uint32_t rst; /* 0x04: 0xA5, then 0x5A: count from 0 again */
    volatile uint32_t clksel; /* 0x08: 0 the peripheral clock */
    volatile uint32_t cnt; /* 0x0C */
} mxc_wdt_regs_t;

#define MXC_F_WDT_CTRL_RST_LATE_VAL_POS 4 /* n: reset after 2^(31 - n) cycles */
#define MXC_F_WDT_CTRL_EN (1u << 8)
#define MXC_F_WDT_CTRL_RST_EN (1u << 11)
#define MXC_F_WDT_CTRL_RST_LATE (1u << 31) /* it has reset the chip */

#endif
