/* The names that generated code takes from a vendor SDK, as far as a bare core needs them. */
#ifndef SHIM_MXC_H
#define SHIM_MXC_H

#include <stdint.h>

typedef struct {
    volatile uint32_t pclkdiv;
} shim_gcr_t;

typedef struct {
    volatile uint32_t reg0, reg1, reg2, reg3;
} shim_gcfr_t;

typedef struct {
    volatile uint32_t out;
} mxc_gpio_regs_t;

typedef struct {
    mxc_gpio_regs_t *port;
    uint32_t mask;
    int pad;
    int func;
} mxc_gpio_cfg_t;

#define MXC_GCR ((shim_gcr_t *)0x40000018)
#define MXC_GCFR ((shim_gcfr_t *)0x40005800)
#define MXC_F_GCR_PCLKDIV_CNNCLKDIV 0x0001c000u
#define MXC_F_GCR_PCLKDIV_CNNCLKSEL 0x00020000u
#define MXC_S_GCR_PCLKDIV_CNNCLKSEL_PCLK 0x00000000u
#define MXC_S_GCR_PCLKDIV_CNNCLKDIV_DIV1 0x00010000u
#define MXC_S_GCR_PCLKDIV_CNNCLKDIV_DIV2 0x00000000u
#define MXC_S_GCR_PCLKDIV_CNNCLKDIV_DIV4 0x00004000u
#define MXC_S_GCR_PCLKDIV_CNNCLKDIV_DIV8 0x00008000u
#define MXC_S_GCR_PCLKDIV_CNNCLKDIV_DIV16 0x0000c000u
#define MXC_GPIO0 ((mxc_gpio_regs_t *)0x40008000)
#define MXC_GPIO1 ((mxc_gpio_regs_t *)0x40009000)
#define MXC_GPIO2 ((mxc_gpio_regs_t *)0x40080400)
#define MXC_GPIO3 ((mxc_gpio_regs_t *)0x40080600)

enum { MXC_ICC0, MXC_SYS_CLOCK_IPO, MXC_SYS_PERIPH_CLOCK_CNN, CNN_IRQn };
enum { MXC_TMR0, MXC_TMR1, MXC_TMR2, MXC_TMR3 };
enum { MXC_GPIO_PAD_NONE, MXC_GPIO_FUNC_OUT };
#define SEC(seconds) ((seconds) * 1000000)
#define MSEC(milliseconds) ((milliseconds) * 1000)

/* The waits of a program, together, and how often each LED was switched on. */
extern uint32_t waited_us;
extern uint32_t lit[2];
/* The accelerator's interrupt, taken when the core sleeps. */
extern void (*handler)(void);

static inline void MXC_ICC_Enable(int cache) { (void)cache; }
static inline void MXC_SYS_Clock_Select(int clock) { (void)clock; }
static inline void MXC_SYS_ClockEnable(int clock) { (void)clock; }
static inline void MXC_SYS_ClockDisable(int clock) { (void)clock; }
static inline void SystemCoreClockUpdate(void) {}
static inline void MXC_Delay(uint32_t microseconds) { waited_us += microseconds; }
#ifdef ON_HOST
void accelerator_runs(void); /* before the core wakes */
#else
static inline void accelerator_runs(void) {}
#endif
static inline void MXC_LP_EnterSleepMode(void)
{
    accelerator_runs();
    if ((*(volatile uint32_t *)0x50100000 & 0x1000) != 0) {
        handler();
    }
}
static inline void MXC_NVIC_SetVector(int irq, void (*vector)(void))
{
    (void)irq;
    handler = vector;
}
static inline void NVIC_EnableIRQ(int irq) { (void)irq; }
static inline void __disable_irq(void) {}
static inline void __enable_irq(void) {}
static inline void __ISB(void) {}
static inline void MXC_TMR_SW_Start(int timer) { (void)timer; }
static inline int MXC_TMR_SW_Stop(int timer) { return timer + 1; }
static inline void MXC_GPIO_Config(const mxc_gpio_cfg_t *config) { (void)config; }
static inline void MXC_GPIO_OutSet(mxc_gpio_regs_t *port, uint32_t mask) { port->out |= mask; }
static inline void MXC_GPIO_OutClr(mxc_gpio_regs_t *port, uint32_t mask) { port->out &= ~mask; }
static inline void LED_On(int led) { lit[led]++; }
static inline void LED_Off(int led) { (void)led; }

#endif
