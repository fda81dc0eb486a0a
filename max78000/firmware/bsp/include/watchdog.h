/*
 * The watchdog: resets the chip if the program does not feed it in time.
 *
 * After such a reset watchdog_start() says on the console that there was one.
 */
#ifndef WATCHDOG_H
#define WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Start it: it bites when nobody has fed it for at least so long, and for less than twice as long.
 * 0: do not. Called when the clock is chosen, which the time is counted by.
 * E_BAD_PARAM: longer than 2^31 cycles of the peripheral clock, 42 s at 50 MHz.
 */
int watchdog_start(uint32_t period_ms);

/* Feed it; does nothing unless it was started. */
void watchdog_feed(void);

/* Whether the last reset was the watchdog's; asked before watchdog_start(), which forgets it. */
bool watchdog_has_reset(void);

#endif
