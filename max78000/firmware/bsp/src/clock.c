/*
 * Oscillators, system clock, clock gates.
 *
 * Source of the sequence: docs/hardware/firmware.md#clocks; [MSDK] sys_ai85.c. The flash wait states
 * of the reset state suit 100 MHz and are left alone.
 */
#include <stddef.h>
#include <stdint.h>

#include "clock.h"
#include "mxc_device.h"
#include "poll.h"

typedef struct {
    mxc_sys_system_clock_t clock;
    uint32_t enable;
    uint32_t ready;
    uint32_t frequency_hz;
} oscillator_t;

static const oscillator_t OSCILLATORS[] = {
    { MXC_SYS_CLOCK_ISO, MXC_F_GCR_CLKCTRL_ISO_EN, MXC_F_GCR_CLKCTRL_ISO_RDY, ISO_FREQ },
    { MXC_SYS_CLOCK_IPO, MXC_F_GCR_CLKCTRL_IPO_EN, MXC_F_GCR_CLKCTRL_IPO_RDY, IPO_FREQ },
    { MXC_SYS_CLOCK_IBRO, MXC_F_GCR_CLKCTRL_IBRO_EN, MXC_F_GCR_CLKCTRL_IBRO_RDY, IBRO_FREQ },
};
#define N_OSCILLATORS (sizeof(OSCILLATORS) / sizeof(OSCILLATORS[0]))

uint32_t SystemCoreClock = ISO_FREQ;

static const oscillator_t *find_oscillator(uint32_t clock)
{
    for (size_t i = 0; i < N_OSCILLATORS; i++) {
        if ((uint32_t)OSCILLATORS[i].clock == clock) {
            return &OSCILLATORS[i];
        }
    }
    return NULL;
}

int clock_start_oscillator(mxc_sys_system_clock_t clock)
{
    const oscillator_t *oscillator = find_oscillator((uint32_t)clock);
    if (oscillator == NULL) {
        return E_BAD_PARAM;
    }
    MXC_GCR->clkctrl |= oscillator->enable;
    return poll_until(&MXC_GCR->clkctrl, oscillator->ready, oscillator->ready);
}

int MXC_SYS_Clock_Select(mxc_sys_system_clock_t clock)
{
    const int result = clock_start_oscillator(clock);
    if (result != E_NO_ERROR) {
        return result;
    }
    const uint32_t others = ~(MXC_F_GCR_CLKCTRL_SYSCLK_SEL | MXC_F_GCR_CLKCTRL_SYSCLK_DIV);
    const uint32_t select = (uint32_t)clock << MXC_F_GCR_CLKCTRL_SYSCLK_SEL_POS;
    MXC_GCR->clkctrl = (MXC_GCR->clkctrl & others) | select;
    const uint32_t ready = MXC_F_GCR_CLKCTRL_SYSCLK_RDY;
    const int switched = poll_until(&MXC_GCR->clkctrl, ready, ready);
    SystemCoreClockUpdate();
    return switched;
}

void SystemCoreClockUpdate(void)
{
    const uint32_t clkctrl = MXC_GCR->clkctrl;
    const oscillator_t *oscillator = find_oscillator(
        (clkctrl & MXC_F_GCR_CLKCTRL_SYSCLK_SEL) >> MXC_F_GCR_CLKCTRL_SYSCLK_SEL_POS);
    if (oscillator != NULL) {
        SystemCoreClock = oscillator->frequency_hz >> ((clkctrl & MXC_F_GCR_CLKCTRL_SYSCLK_DIV) >>
                                                       MXC_F_GCR_CLKCTRL_SYSCLK_DIV_POS);
    }
}

/* The register that gates a clock; see mxc_sys.h for the numbering. */
static volatile uint32_t *gate_register(mxc_sys_periph_clock_t clock)
{
    switch ((uint32_t)clock / 32u) {
    case 0:
        return &MXC_GCR->pclkdis0;
    case 1:
        return &MXC_GCR->pclkdis1;
    default:
        return &MXC_LPGCR->pclkdis;
    }
}

void MXC_SYS_ClockEnable(mxc_sys_periph_clock_t clock)
{
    *gate_register(clock) &= ~(1u << ((uint32_t)clock % 32u));
}

void MXC_SYS_ClockDisable(mxc_sys_periph_clock_t clock)
{
    *gate_register(clock) |= 1u << ((uint32_t)clock % 32u);
}
