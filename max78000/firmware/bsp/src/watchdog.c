/*
 * Watchdog 0, on the peripheral clock.
 *
 * Source of numbers: [MSDK] wdt_revb.c.
 */
#include "watchdog.h"

#include <stdio.h>

#include "mxc.h"

#define FEED_FIRST 0xA5u
#define FEED_SECOND 0x5Au
#define ENABLE_FIRST 0xFEu
#define ENABLE_SECOND 0xEDu
#define LONGEST_BITS 31u
#define SHORTEST_BITS 16u

static bool is_started;

/* The power of two that is not below a number of cycles. */
static uint32_t bits_of(uint64_t cycles)
{
    uint32_t bits = SHORTEST_BITS;
    while ((uint64_t)1u << bits < cycles) {
        bits++;
    }
    return bits;
}

bool watchdog_has_reset(void)
{
    MXC_SYS_ClockEnable(MXC_SYS_PERIPH_CLOCK_WDT0);
    return (MXC_WDT0->ctrl & MXC_F_WDT_CTRL_RST_LATE) != 0;
}

int watchdog_start(uint32_t period_ms)
{
    const uint32_t bits = bits_of((uint64_t)period_ms * (PeripheralClock / 1000u));
    if (bits > LONGEST_BITS) {
        return E_BAD_PARAM;
    }
    if (watchdog_has_reset()) {
        printf("\n*** the watchdog has reset the board: nobody had fed it in time ***\n");
    }
    MXC_WDT0->ctrl = 0;
    if (period_ms == 0) {
        return E_NO_ERROR;
    }
    const uint32_t control =
        (LONGEST_BITS - bits) << MXC_F_WDT_CTRL_RST_LATE_VAL_POS | MXC_F_WDT_CTRL_RST_EN;
    MXC_WDT0->clksel = 0;
    MXC_WDT0->ctrl = control;
    is_started = true;
    watchdog_feed();
    MXC_WDT0->rst = ENABLE_FIRST;
    MXC_WDT0->rst = ENABLE_SECOND;
    MXC_WDT0->ctrl = control | MXC_F_WDT_CTRL_EN;
    return E_NO_ERROR;
}

void watchdog_feed(void)
{
    if (is_started) {
        MXC_WDT0->rst = FEED_FIRST;
        MXC_WDT0->rst = FEED_SECOND;
    }
}
