/*
 * What is soldered to the chip: pins of LEDs, buttons and console, supply of the accelerator.
 *
 * One board_*.c defines `bsp_board`; everything else is the same on all boards.
 */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

#include "gpio.h"

#define BOARD_MAX_LEDS 3
#define BOARD_MAX_BUTTONS 2

/* An LED is lit, a button pressed, while its pin is low; these pads run at 3.3 V on both boards. */
#define BOARD_LED(port, pin) \
    { port, pin, MXC_GPIO_FUNC_OUT, MXC_GPIO_PAD_NONE, MXC_GPIO_VSSEL_VDDIOH }
#define BOARD_BUTTON(port, pin) \
    { port, pin, MXC_GPIO_FUNC_IN, MXC_GPIO_PAD_PULL_UP, MXC_GPIO_VSSEL_VDDIOH }

typedef struct {
    const char *name;
    mxc_gpio_cfg_t leds[BOARD_MAX_LEDS];
    unsigned int n_leds;
    mxc_gpio_cfg_t buttons[BOARD_MAX_BUTTONS];
    unsigned int n_buttons;
    mxc_gpio_vssel_t console_vssel; /* supply of the pads of UART0 */
    uint32_t cnn_supply; /* SIMO VREGO_C */
} board_t;

extern const board_t bsp_board;

/* Console, LEDs, buttons, supply of the accelerator; done before main(). */
int Board_Init(void);

/*
 * Switch on the supply of the camera, of the microphone; their drivers do so. E_COMM_ERR: the chip
 * that has it does not answer.
 */
int board_power_camera(void);
int board_power_microphone(void);

#endif
