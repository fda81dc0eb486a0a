/*
 * Timers as stopwatches. Other uses go to the registers.
 */
#ifndef TMR_H
#define TMR_H

#include <stdint.h>

#include "tmr_regs.h"

/*
 * Start counting peripheral clocks from 0: 20 ns a tick at 100 MHz, 85.9 s to the end, where the
 * counter stops. Goes on while the core sleeps.
 */
void MXC_TMR_SW_Start(mxc_tmr_regs_t *tmr);

/* Stop, and return the time since the start in microseconds, rounded to the nearest. */
unsigned int MXC_TMR_SW_Stop(mxc_tmr_regs_t *tmr);

/* Ticks since the start of a stopwatch that runs. */
uint32_t MXC_TMR_SW_Ticks(const mxc_tmr_regs_t *tmr);

/* Wait; the vendor's name for it. The timer is left alone. */
void MXC_TMR_Delay(mxc_tmr_regs_t *tmr, uint32_t us);

#endif
