/*
 * Clock of the core, clocks and resets of the peripherals.
 */
#ifndef MXC_SYS_H
#define MXC_SYS_H

#include <stdint.h>

/* Sources of the system clock; the value is CLKCTRL.SYSCLK_SEL. */
typedef enum {
    MXC_SYS_CLOCK_ISO = 0, /* 60 MHz, after reset */
    MXC_SYS_CLOCK_IPO = 4, /* 100 MHz */
    MXC_SYS_CLOCK_IBRO = 5 /* 7.3728 MHz */
} mxc_sys_system_clock_t;

/* Clock gates: the bit in PCLKDIS0, 32 + the bit in PCLKDIS1, or 64 + the bit in LPGCR.PCLKDIS. */
typedef enum {
    MXC_SYS_PERIPH_CLOCK_GPIO0 = 0,
    MXC_SYS_PERIPH_CLOCK_GPIO1 = 1,
    MXC_SYS_PERIPH_CLOCK_DMA = 5,
    MXC_SYS_PERIPH_CLOCK_UART0 = 9,
    MXC_SYS_PERIPH_CLOCK_UART1 = 10,
    MXC_SYS_PERIPH_CLOCK_I2C0 = 13,
    MXC_SYS_PERIPH_CLOCK_TMR0 = 15,
    MXC_SYS_PERIPH_CLOCK_TMR1 = 16,
    MXC_SYS_PERIPH_CLOCK_TMR2 = 17,
    MXC_SYS_PERIPH_CLOCK_TMR3 = 18,
    MXC_SYS_PERIPH_CLOCK_CNN = 25,
    MXC_SYS_PERIPH_CLOCK_I2C1 = 28,
    MXC_SYS_PERIPH_CLOCK_PT = 29,
    MXC_SYS_PERIPH_CLOCK_UART2 = 32 + 1,
    MXC_SYS_PERIPH_CLOCK_TRNG = 32 + 2,
    MXC_SYS_PERIPH_CLOCK_CRC = 32 + 14,
    MXC_SYS_PERIPH_CLOCK_PCIF = 32 + 18,
    MXC_SYS_PERIPH_CLOCK_I2S = 32 + 23,
    MXC_SYS_PERIPH_CLOCK_I2C2 = 32 + 24,
    MXC_SYS_PERIPH_CLOCK_WDT0 = 32 + 27,
    MXC_SYS_PERIPH_CLOCK_GPIO2 = 64 + 0,
    MXC_SYS_PERIPH_CLOCK_TMR4 = 64 + 2,
    MXC_SYS_PERIPH_CLOCK_TMR5 = 64 + 3
} mxc_sys_periph_clock_t;

/*
 * Start an oscillator, wait until it is ready, and run from it undivided.
 * E_BAD_PARAM: not one of the three. E_TIME_OUT: it does not get ready; the clock is what it was.
 */
int MXC_SYS_Clock_Select(mxc_sys_system_clock_t clock);

/* Read the clock registers and set SystemCoreClock. */
void SystemCoreClockUpdate(void);

void MXC_SYS_ClockEnable(mxc_sys_periph_clock_t clock);
void MXC_SYS_ClockDisable(mxc_sys_periph_clock_t clock);

#endif
