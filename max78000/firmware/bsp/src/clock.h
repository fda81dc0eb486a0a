/*
 * What the support package itself needs of the clocks.
 */
#ifndef CLOCK_H
#define CLOCK_H

#include "mxc_sys.h"

/* Switch an oscillator on and wait until it is ready; the system clock stays. */
int clock_start_oscillator(mxc_sys_system_clock_t clock);

#endif
