/*
 * LEDs, buttons and supply, the same on all boards but for the pins.
 */
#include "board.h"

#include "led.h"
#include "mxc.h"
#include "pb.h"

/* Quirk clock-gates: a port without a clock takes no writes. */
static void enable_ports(void)
{
    MXC_SYS_ClockEnable(MXC_SYS_PERIPH_CLOCK_GPIO0);
    MXC_SYS_ClockEnable(MXC_SYS_PERIPH_CLOCK_GPIO1);
    MXC_SYS_ClockEnable(MXC_SYS_PERIPH_CLOCK_GPIO2);
}

int Board_Init(void)
{
    enable_ports();
    MXC_SIMO->vrego_c = bsp_board.cnn_supply;
    (void)LED_Init();
    (void)PB_Init();
    return uart_init();
}

int LED_Init(void)
{
    for (unsigned int i = 0; i < bsp_board.n_leds; i++) {
        LED_Off(i);
        (void)MXC_GPIO_Config(&bsp_board.leds[i]);
    }
    return E_NO_ERROR;
}

void LED_On(unsigned int index)
{
    if (index < bsp_board.n_leds) {
        MXC_GPIO_OutClr(bsp_board.leds[index].port, bsp_board.leds[index].mask);
    }
}

void LED_Off(unsigned int index)
{
    if (index < bsp_board.n_leds) {
        MXC_GPIO_OutSet(bsp_board.leds[index].port, bsp_board.leds[index].mask);
    }
}

void LED_Toggle(unsigned int index)
{
    if (index < bsp_board.n_leds) {
        MXC_GPIO_OutToggle(bsp_board.leds[index].port, bsp_board.leds[index].mask);
    }
}

int PB_Init(void)
{
    for (unsigned int i = 0; i < bsp_board.n_buttons; i++) {
        (void)MXC_GPIO_Config(&bsp_board.buttons[i]);
    }
    return E_NO_ERROR;
}

int PB_Get(unsigned int index)
{
    if (index >= bsp_board.n_buttons) {
        return 0;
    }
    const mxc_gpio_cfg_t *button = &bsp_board.buttons[index];
    return MXC_GPIO_InGet(button->port, button->mask) == 0;
}
