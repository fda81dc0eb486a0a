/*
 * Pins.
 */
#ifndef GPIO_H
#define GPIO_H

#include <stdint.h>

#include "gpio_regs.h"

typedef enum {
    MXC_GPIO_FUNC_IN,
    MXC_GPIO_FUNC_OUT,
    MXC_GPIO_FUNC_ALT1,
    MXC_GPIO_FUNC_ALT2
} mxc_gpio_func_t;

typedef enum {
    MXC_GPIO_PAD_NONE,
    MXC_GPIO_PAD_PULL_UP,
    MXC_GPIO_PAD_PULL_DOWN,
    MXC_GPIO_PAD_WEAK_PULL_UP,
    MXC_GPIO_PAD_WEAK_PULL_DOWN
} mxc_gpio_pad_t;

typedef enum {
    MXC_GPIO_VSSEL_VDDIO, /* 1.8 V */
    MXC_GPIO_VSSEL_VDDIOH /* 3.3 V on the evaluation boards */
} mxc_gpio_vssel_t;

/* Settings of the pins in `mask`; what is not named is 0: no pull, VDDIO. */
typedef struct {
    mxc_gpio_regs_t *port;
    uint32_t mask;
    mxc_gpio_func_t func;
    mxc_gpio_pad_t pad;
    mxc_gpio_vssel_t vssel;
} mxc_gpio_cfg_t;

#define MXC_GPIO_PIN(n) (1u << (n))
#define MXC_GPIO_PIN_0 MXC_GPIO_PIN(0)
#define MXC_GPIO_PIN_1 MXC_GPIO_PIN(1)
#define MXC_GPIO_PIN_2 MXC_GPIO_PIN(2)
#define MXC_GPIO_PIN_3 MXC_GPIO_PIN(3)
#define MXC_GPIO_PIN_4 MXC_GPIO_PIN(4)
#define MXC_GPIO_PIN_5 MXC_GPIO_PIN(5)
#define MXC_GPIO_PIN_6 MXC_GPIO_PIN(6)
#define MXC_GPIO_PIN_7 MXC_GPIO_PIN(7)

/* Turn the port's clock on and set the pins up. E_BAD_PARAM: not GPIO0, 1 or 2. */
int MXC_GPIO_Config(const mxc_gpio_cfg_t *config);

static inline void MXC_GPIO_OutSet(mxc_gpio_regs_t *port, uint32_t mask) { port->out_set = mask; }
static inline void MXC_GPIO_OutClr(mxc_gpio_regs_t *port, uint32_t mask) { port->out_clr = mask; }
static inline void MXC_GPIO_OutToggle(mxc_gpio_regs_t *port, uint32_t mask) { port->out ^= mask; }

static inline uint32_t MXC_GPIO_InGet(mxc_gpio_regs_t *port, uint32_t mask)
{
    return port->in & mask;
}

static inline uint32_t MXC_GPIO_OutGet(mxc_gpio_regs_t *port, uint32_t mask)
{
    return port->out & mask;
}

#endif
