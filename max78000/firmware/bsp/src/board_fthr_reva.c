/*
 * MAX78000FTHR. Its power controller needs about 180 ms for the 1.8 V rail; nothing here uses that
 * rail, so nobody waits for it.
 *
 * Source: [MSDK] Libraries/Boards/MAX78000/FTHR_RevA/Source/board.c.
 */
#include "board.h"
#include "board_mark.h"
#include "mxc_device.h"

BOARD_MARK("FTHR_RevA");

const board_t bsp_board = {
    .name = "FTHR_RevA",
    .leds = {
        /* one LED of three colours: red, green, blue */
        BOARD_LED(MXC_GPIO2, MXC_GPIO_PIN_0),
        BOARD_LED(MXC_GPIO2, MXC_GPIO_PIN_1),
        BOARD_LED(MXC_GPIO2, MXC_GPIO_PIN_2),
    },
    .n_leds = 3,
    .buttons = {
        BOARD_BUTTON(MXC_GPIO0, MXC_GPIO_PIN_2),
        BOARD_BUTTON(MXC_GPIO1, MXC_GPIO_PIN_7),
    },
    .n_buttons = 2,
    .console_vssel = MXC_GPIO_VSSEL_VDDIO,
    .cnn_supply = 0x43,
};
