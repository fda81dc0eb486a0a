/*
 * Pins: function, direction, pull, supply.
 *
 * Source of the settings: docs/hardware/firmware.md#gpio; [MSDK] gpio_reva.c.
 */
#include <stdbool.h>
#include <stdint.h>

#include "mxc.h"

static int enable_port(const mxc_gpio_regs_t *port)
{
    if (port == MXC_GPIO0) {
        MXC_SYS_ClockEnable(MXC_SYS_PERIPH_CLOCK_GPIO0);
    } else if (port == MXC_GPIO1) {
        MXC_SYS_ClockEnable(MXC_SYS_PERIPH_CLOCK_GPIO1);
    } else if (port == MXC_GPIO2) {
        MXC_SYS_ClockEnable(MXC_SYS_PERIPH_CLOCK_GPIO2);
    } else {
        return E_BAD_PARAM;
    }
    return E_NO_ERROR;
}

static void write_bits(volatile uint32_t *reg, uint32_t mask, bool is_set)
{
    *reg = is_set ? *reg | mask : *reg & ~mask;
}

/* GPIO first and the alternate function last, so that no third one shows in between. */
static void select_function(mxc_gpio_regs_t *port, uint32_t mask, mxc_gpio_func_t func)
{
    port->en0_set = mask;
    if (func == MXC_GPIO_FUNC_OUT) {
        port->outen_set = mask;
    } else {
        port->outen_clr = mask;
    }
    if (func == MXC_GPIO_FUNC_ALT2) {
        port->en1_set = mask;
    } else {
        port->en1_clr = mask;
    }
    port->en2_clr = mask;
    if (func == MXC_GPIO_FUNC_ALT1 || func == MXC_GPIO_FUNC_ALT2) {
        port->en0_clr = mask;
    }
}

int MXC_GPIO_Config(const mxc_gpio_cfg_t *config)
{
    mxc_gpio_regs_t *port = config->port;
    const uint32_t mask = config->mask;
    const mxc_gpio_pad_t pad = config->pad;
    const bool is_up = pad == MXC_GPIO_PAD_PULL_UP || pad == MXC_GPIO_PAD_WEAK_PULL_UP;
    const bool is_down = pad == MXC_GPIO_PAD_PULL_DOWN || pad == MXC_GPIO_PAD_WEAK_PULL_DOWN;
    const bool is_strong = pad == MXC_GPIO_PAD_PULL_UP || pad == MXC_GPIO_PAD_PULL_DOWN;
    const int result = enable_port(port);
    if (result != E_NO_ERROR) {
        return result;
    }
    write_bits(&port->vssel, mask, config->vssel == MXC_GPIO_VSSEL_VDDIOH);
    write_bits(&port->padctrl0, mask, is_up);
    write_bits(&port->padctrl1, mask, is_down);
    write_bits(&port->ps, mask, is_strong);
    write_bits(&port->inen, mask, true);
    select_function(port, mask, config->func);
    return E_NO_ERROR;
}
