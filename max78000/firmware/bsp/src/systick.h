/*
 * SysTick as an egg timer, for delays and time-outs. It stops while the core sleeps.
 */
#ifndef SYSTICK_H
#define SYSTICK_H

#include <stdbool.h>
#include <stdint.h>

/* Longest time: 24 bits of counter, and 32 bits for time_us x kHz at 100 MHz. */
#define SYSTICK_MAX_US 40000u

/* Start, for at most SYSTICK_MAX_US. */
void systick_start(uint32_t time_us);

/* Whether the time is over; true only once. */
bool systick_is_over(void);

void systick_stop(void);

#endif
