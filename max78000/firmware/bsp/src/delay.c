/*
 * Waiting by SysTick: the core stays awake, so that a debugger can attach meanwhile.
 */
#include "mxc_delay.h"
#include "mxc_device.h"
#include "mxc_errors.h"
#include "systick.h"
#include "tmr.h"

void systick_start(uint32_t time_us)
{
    const uint32_t ticks = time_us * (SystemCoreClock / 1000u) / 1000u;
    SysTick->CTRL = 0;
    SysTick->LOAD = ticks == 0 ? 1 : ticks;
    SysTick->VAL = 0;
    SysTick->CTRL = SysTick_CTRL_CLKSOURCE_Msk | SysTick_CTRL_ENABLE_Msk;
}

bool systick_is_over(void)
{
    return (SysTick->CTRL & SysTick_CTRL_COUNTFLAG_Msk) != 0;
}

void systick_stop(void)
{
    SysTick->CTRL = 0;
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
