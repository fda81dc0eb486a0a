/*
 * Timers as stopwatches: 32 bits, peripheral clock, no prescaler.
 *
 * The vendor's stopwatch prescales by 64 so that it lasts longer; inference takes milliseconds, and
 * ticks of 20 ns tell more.
 *
 * Source of the sequence: docs/hardware/firmware.md#timers; [MSDK] tmr_revb.c.
 */
#include <stdint.h>

#include "mxc.h"
#include "poll.h"

#define TIMER_STRIDE 0x1000u
#define FIRST_COUNT 1u /* Quirk timer-from-one: the counter cannot start at 0 */

static uint32_t timer_index(const mxc_tmr_regs_t *tmr)
{
    return (uint32_t)((uintptr_t)tmr - (uintptr_t)MXC_TMR0) / TIMER_STRIDE;
}

static void reset_timer(uint32_t index)
{
    const uint32_t bit = 1u << (MXC_F_GCR_RST0_TMR0_POS + index);
    MXC_GCR->rst0 = bit;
    (void)poll_until(&MXC_GCR->rst0, bit, 0);
    MXC_SYS_ClockEnable((mxc_sys_periph_clock_t)(MXC_F_GCR_PCLKDIS0_TMR0_POS + index));
}

void MXC_TMR_SW_Start(mxc_tmr_regs_t *tmr)
{
    reset_timer(timer_index(tmr));
    tmr->ctrl1 = MXC_F_TMR_CTRL1_CASCADE | MXC_S_TMR_CTRL1_CLKSEL_A_PCLK;
    tmr->ctrl0 = MXC_S_TMR_CTRL0_MODE_A_ONESHOT | MXC_F_TMR_CTRL0_CLKEN_A;
    (void)poll_until(&tmr->ctrl1, MXC_F_TMR_CTRL1_CLKRDY_A, MXC_F_TMR_CTRL1_CLKRDY_A);
    tmr->cnt = FIRST_COUNT;
    (void)poll_until(&tmr->intfl, MXC_F_TMR_INTFL_WRDONE_A, MXC_F_TMR_INTFL_WRDONE_A);
    tmr->cmp = UINT32_MAX;
    tmr->ctrl0 |= MXC_F_TMR_CTRL0_EN_A;
    (void)poll_until(&tmr->ctrl1, MXC_F_TMR_CTRL1_CLKEN_A, MXC_F_TMR_CTRL1_CLKEN_A);
}

uint32_t MXC_TMR_SW_Ticks(const mxc_tmr_regs_t *tmr)
{
    (void)tmr->cnt; /* the first read may be of before */
    return tmr->cnt - FIRST_COUNT;
}

unsigned int MXC_TMR_SW_Stop(mxc_tmr_regs_t *tmr)
{
    const uint32_t ticks = MXC_TMR_SW_Ticks(tmr);
    tmr->ctrl0 &= ~MXC_F_TMR_CTRL0_EN_A;
    const uint32_t ticks_per_us = PeripheralClock / 1000000u;
    return ticks / ticks_per_us + (ticks % ticks_per_us >= (ticks_per_us + 1u) / 2u);
}
