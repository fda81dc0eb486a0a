/*
 * Waiting by SysTick: the core stays awake, so that a debugger can attach meanwhile.
 */
#include "mxc_delay.h"
#include "mxc_device.h"
#include "mxc_errors.h"
#include "systick.h"
#include "tmr.h"

/* Beside a tick of the program, which goes on: what is left to wait, and where its count stood. */
static uint32_t left_ticks, last_value;

static bool is_programs(uint32_t control)
{
    return (control & SysTick_CTRL_TICKINT_Msk) != 0;
}

void systick_start(uint32_t time_us)
{
    const uint32_t ticks = time_us * (SystemCoreClock / 1000u) / 1000u;
    if (is_programs(SysTick->CTRL)) {
        left_ticks = ticks;
        last_value = SysTick->VAL;
        return;
    }
    SysTick->CTRL = 0;
    SysTick->LOAD = ticks == 0 ? 1 : ticks;
    SysTick->VAL = 0;
    SysTick->CTRL = SysTick_CTRL_CLKSOURCE_Msk | SysTick_CTRL_ENABLE_Msk;
}

bool systick_is_over(void)
{
    const uint32_t control = SysTick->CTRL; /* which forgets that it has reached 0 */
    if (!is_programs(control)) {
        return (control & SysTick_CTRL_COUNTFLAG_Msk) != 0;
    }
    const uint32_t value = SysTick->VAL;
    const uint32_t around = value > last_value ? SysTick->LOAD + 1u : 0;
    const uint32_t passed = last_value + around - value;
    last_value = value;
    left_ticks -= passed < left_ticks ? passed : left_ticks;
    return left_ticks == 0;
}

void systick_stop(void)
{
    if (!is_programs(SysTick->CTRL)) {
        SysTick->CTRL = 0;
    }
}

int MXC_Delay(uint32_t us)
{
    while (us > 0) {
        const uint32_t part_us = us < SYSTICK_MAX_US ? us : SYSTICK_MAX_US;
        systick_start(part_us);
        while (!systick_is_over()) {
        }
        us -= part_us;
    }
    systick_stop();
    return E_NO_ERROR;
}

void MXC_TMR_Delay(mxc_tmr_regs_t *tmr, uint32_t us)
{
    (void)tmr;
    (void)MXC_Delay(us);
}
