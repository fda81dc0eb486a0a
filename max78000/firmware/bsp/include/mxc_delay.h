/*
 * Waiting without sleeping, so that a debugger can attach.
 */
#ifndef MXC_DELAY_H
#define MXC_DELAY_H

#include <stdint.h>

/* In microseconds, for MXC_Delay(). */
#define MXC_DELAY_SEC(s) ((uint32_t)(s) * 1000000u)
#define MXC_DELAY_MSEC(ms) ((uint32_t)(ms) * 1000u)
#define MXC_DELAY_USEC(us) ((uint32_t)(us))
#define SEC(s) MXC_DELAY_SEC(s)
#define MSEC(ms) MXC_DELAY_MSEC(ms)
#define USEC(us) MXC_DELAY_USEC(us)

/* Wait; uses SysTick and needs SystemCoreClock to be right. Returns E_NO_ERROR. */
int MXC_Delay(uint32_t us);

#endif
