/*
 * MAX78000EVKIT: jumpers JH1 for the console, JP1 and JP2 for the LEDs.
 *
 * Source: [MSDK] Libraries/Boards/MAX78000/EvKit_V1/Source/board.c.
 */
#include "board.h"
#include "board_mark.h"
#include "mxc_device.h"
#include "mxc_errors.h"

BOARD_MARK("EvKit_V1");

const board_t bsp_board = {
    .name = "EvKit_V1",
    .leds = {
        /* LED1 green, LED2 red */
        BOARD_LED(MXC_GPIO0, MXC_GPIO_PIN_2),
        BOARD_LED(MXC_GPIO0, MXC_GPIO_PIN_3),
    },
    .n_leds = 2,
    .buttons = {
        BOARD_BUTTON(MXC_GPIO2, MXC_GPIO_PIN_6),
        BOARD_BUTTON(MXC_GPIO2, MXC_GPIO_PIN_7),
    },
    .n_buttons = 2,
    .console_vssel = MXC_GPIO_VSSEL_VDDIOH,
    .cnn_supply = 0x43,
};

/* Both are on whenever the board is. */
int board_power_camera(void)
{
    return E_NO_ERROR;
}

int board_power_microphone(void)
{
    return E_NO_ERROR;
}
