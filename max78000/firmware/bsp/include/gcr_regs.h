/*
 * Global control: clocks, resets, clock gates.
 *
 * Source of numbers: [MSDK] gcr_regs.h.
 */
#ifndef GCR_REGS_H
#define GCR_REGS_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    volatile uint32_t sysctrl; /* 0x00: 6 flush the cache */
    volatile uint32_t rst0; /* 0x04: write 1, reads 0 when done */
    volatile uint32_t clkctrl; /* 0x08 */
    volatile uint32_t pm; /* 0x0C: power mode */
    uint32_t reserved0[2];
    volatile uint32_t pclkdiv; /* 0x18: clock of ADC and accelerator */
    uint32_t reserved1[2];
    volatile uint32_t pclkdis0; /* 0x24: 1 = clock off */
    volatile uint32_t memctrl; /* 0x28: 2:0 flash wait states */
    volatile uint32_t memz; /* 0x2C: write 1 zeroes a memory */
    uint32_t reserved2[5];
    volatile uint32_t rst1; /* 0x44 */
    volatile uint32_t pclkdis1; /* 0x48 */
    uint32_t reserved3;
    volatile uint32_t revision; /* 0x50: 15:0 */
} mxc_gcr_regs_t;

_Static_assert(offsetof(mxc_gcr_regs_t, pclkdiv) == 0x18, "GCR");
_Static_assert(offsetof(mxc_gcr_regs_t, pclkdis0) == 0x24, "GCR");
_Static_assert(offsetof(mxc_gcr_regs_t, rst1) == 0x44, "GCR");
_Static_assert(offsetof(mxc_gcr_regs_t, revision) == 0x50, "GCR");

/* CLKCTRL */
#define MXC_F_GCR_CLKCTRL_SYSCLK_DIV_POS 6
#define MXC_F_GCR_CLKCTRL_SYSCLK_DIV (7u << 6)
#define MXC_F_GCR_CLKCTRL_SYSCLK_SEL_POS 9
#define MXC_F_GCR_CLKCTRL_SYSCLK_SEL (7u << 9)
#define MXC_F_GCR_CLKCTRL_SYSCLK_RDY (1u << 13)
#define MXC_F_GCR_CLKCTRL_ISO_EN (1u << 18)
#define MXC_F_GCR_CLKCTRL_IPO_EN (1u << 19)
#define MXC_F_GCR_CLKCTRL_IBRO_EN (1u << 20)
#define MXC_F_GCR_CLKCTRL_ISO_RDY (1u << 26)
#define MXC_F_GCR_CLKCTRL_IPO_RDY (1u << 27)
#define MXC_F_GCR_CLKCTRL_IBRO_RDY (1u << 28)

/* PCLKDIV: what cnn_enable() takes */
#define MXC_F_GCR_PCLKDIV_CNNCLKDIV_POS 14
#define MXC_F_GCR_PCLKDIV_CNNCLKDIV (7u << 14)
#define MXC_S_GCR_PCLKDIV_CNNCLKDIV_DIV2 (0u << 14)
#define MXC_S_GCR_PCLKDIV_CNNCLKDIV_DIV4 (1u << 14)
#define MXC_S_GCR_PCLKDIV_CNNCLKDIV_DIV8 (2u << 14)
#define MXC_S_GCR_PCLKDIV_CNNCLKDIV_DIV16 (3u << 14)
#define MXC_S_GCR_PCLKDIV_CNNCLKDIV_DIV1 (4u << 14)
#define MXC_F_GCR_PCLKDIV_CNNCLKSEL_POS 17
#define MXC_F_GCR_PCLKDIV_CNNCLKSEL (1u << 17)
#define MXC_S_GCR_PCLKDIV_CNNCLKSEL_PCLK (0u << 17)
#define MXC_S_GCR_PCLKDIV_CNNCLKSEL_ISO (1u << 17)

/* RST0 and PCLKDIS0: bit of timer 0, the others follow */
#define MXC_F_GCR_RST0_TMR0_POS 5
#define MXC_F_GCR_PCLKDIS0_TMR0_POS 15

#endif
