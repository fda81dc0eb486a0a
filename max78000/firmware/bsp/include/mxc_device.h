/*
 * The chip: clock rates, memories, and the register blocks at their addresses.
 *
 * Source of numbers: [MSDK] max78000.h.
 */
#ifndef MXC_DEVICE_H
#define MXC_DEVICE_H

#include <stdint.h>

#include "cortex_m4.h"
#include "dma_regs.h"
#include "gcfr_regs.h"
#include "gcr_regs.h"
#include "gpio_regs.h"
#include "i2c_regs.h"
#include "i2s_regs.h"
#include "icc_regs.h"
#include "interrupts.h"
#include "lpgcr_regs.h"
#include "pcif_regs.h"
#include "pwrseq_regs.h"
#include "simo_regs.h"
#include "tmr_regs.h"
#include "uart_regs.h"
#include "wdt_regs.h"

#define IPO_FREQ 100000000u /* internal primary oscillator */
#define ISO_FREQ 60000000u /* internal secondary oscillator: the system clock after reset */
#define IBRO_FREQ 7372800u /* internal baud-rate oscillator */
#define INRO_FREQ 8000u /* internal nanoring; 8 kHz unless trimmed to 16 or 30 */
#define ERTCO_FREQ 32768u /* real-time clock crystal */

/* Frequency of the core in Hz; kept by SystemCoreClockUpdate(). */
extern uint32_t SystemCoreClock;
/* Frequency of the peripherals and, at divider 1, of the accelerator. */
#define PeripheralClock (SystemCoreClock / 2u)

#define MXC_FLASH_MEM_BASE 0x10000000u
#define MXC_FLASH_MEM_SIZE 0x00080000u
#define MXC_FLASH_PAGE_SIZE 0x00002000u
#define MXC_SRAM_MEM_BASE 0x20000000u
#define MXC_SRAM_MEM_SIZE 0x00020000u

#define MXC_GCR ((mxc_gcr_regs_t *)0x40000000u)
#define MXC_WDT0 ((mxc_wdt_regs_t *)0x40003000u)
#define MXC_SIMO ((mxc_simo_regs_t *)0x40004400u)
#define MXC_GCFR ((mxc_gcfr_regs_t *)0x40005800u)
#define MXC_PWRSEQ ((mxc_pwrseq_regs_t *)0x40006800u)
#define MXC_GPIO0 ((mxc_gpio_regs_t *)0x40008000u)
#define MXC_GPIO1 ((mxc_gpio_regs_t *)0x40009000u)
#define MXC_GPIO2 ((mxc_gpio_regs_t *)0x40080400u)
#define MXC_PCIF ((mxc_pcif_regs_t *)0x4000E000u)
#define MXC_TMR0 ((mxc_tmr_regs_t *)0x40010000u)
#define MXC_TMR1 ((mxc_tmr_regs_t *)0x40011000u)
#define MXC_TMR2 ((mxc_tmr_regs_t *)0x40012000u)
#define MXC_TMR3 ((mxc_tmr_regs_t *)0x40013000u)
#define MXC_I2C0 ((mxc_i2c_regs_t *)0x4001D000u)
#define MXC_I2C1 ((mxc_i2c_regs_t *)0x4001E000u)
#define MXC_I2C2 ((mxc_i2c_regs_t *)0x4001F000u)
#define MXC_DMA ((mxc_dma_regs_t *)0x40028000u)
#define MXC_ICC0 ((mxc_icc_regs_t *)0x4002A000u)
#define MXC_PTG ((mxc_ptg_regs_t *)0x4003C000u)
#define MXC_UART0 ((mxc_uart_regs_t *)0x40042000u)
#define MXC_I2S ((mxc_i2s_regs_t *)0x40060000u)
#define MXC_LPGCR ((mxc_lpgcr_regs_t *)0x40080000u)

#endif
