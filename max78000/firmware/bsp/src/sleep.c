/*
 * Sleep until an interrupt.
 *
 * Source of the registers: docs/hardware/firmware.md#sleep; [MSDK] lp_ai85.c.
 */
#include <stdint.h>

#include "lp.h"
#include "mxc_device.h"

static void clear_wake_status(void)
{
    MXC_PWRSEQ->lpwkst0 = UINT32_MAX;
    MXC_PWRSEQ->lpwkst1 = UINT32_MAX;
    MXC_PWRSEQ->lpwkst2 = UINT32_MAX;
    MXC_PWRSEQ->lpwkst3 = UINT32_MAX;
    MXC_PWRSEQ->lppwkst = UINT32_MAX;
}

void MXC_LP_EnterSleepMode(void)
{
    clear_wake_status();
    SCB->SCR &= ~SCB_SCR_SLEEPDEEP_Msk;
    __DSB();
    __WFI();
}
