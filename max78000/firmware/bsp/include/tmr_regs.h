/*
 * One timer, used as a single 32-bit counter.
 *
 * Source of numbers: [MSDK] tmr_regs.h, tmr_revb.c.
 */
#ifndef TMR_REGS_H
#define TMR_REGS_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    volatile uint32_t cnt; /* 0x00 */
    volatile uint32_t cmp; /* 0x04 */
    volatile uint32_t pwm; /* 0x08 */
    volatile uint32_t intfl; /* 0x0C: 0 compare, 8 write done */
    volatile uint32_t ctrl0; /* 0x10: 3:0 mode, 7:4 log2 of the prescaler, 14 clock, 15 count */
    volatile uint32_t nolcmp; /* 0x14 */
    volatile uint32_t ctrl1; /* 0x18: 1:0 clock, 2 clock is on, 3 clock is ready, 31 32 bits */
} mxc_tmr_regs_t;

_Static_assert(offsetof(mxc_tmr_regs_t, ctrl1) == 0x18, "TMR");

#define MXC_F_TMR_INTFL_WRDONE_A (1u << 8)
#define MXC_S_TMR_CTRL0_MODE_A_ONESHOT 0u
#define MXC_F_TMR_CTRL0_CLKEN_A (1u << 14)
#define MXC_F_TMR_CTRL0_EN_A (1u << 15)
#define MXC_S_TMR_CTRL1_CLKSEL_A_PCLK 0u
#define MXC_F_TMR_CTRL1_CLKEN_A (1u << 2)
#define MXC_F_TMR_CTRL1_CLKRDY_A (1u << 3)
#define MXC_F_TMR_CTRL1_CASCADE (1u << 31)

#endif
