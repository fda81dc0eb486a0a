/*
 * MAX78000FTHR. Its power controller, a MAX20303 on I2C1, needs about 180 ms for the 1.8 V rail;
 * programs wait longer than that before they ask for the camera.
 *
 * Source: [MSDK] Libraries/Boards/MAX78000/FTHR_RevA/Source/board.c, Source/max20303.c.
 */
#include "board.h"

#include <stdbool.h>

#include "board_mark.h"
#include "i2c_bus.h"
#include "mxc.h"

#define BUS MXC_I2C1
#define ADDRESS 0x28u
#define DATA_OUT 0x0Fu
#define COMMAND 0x17u
#define RESPONSE 0x18u
#define CONFIGURE_LDO1 0x40u /* of the microphone: a switch behind the 1.8 V rail */
#define CONFIGURE_LDO2 0x42u /* of the camera */
#define ENABLED 0x01u
#define IS_SWITCH 0x04u
#define AS_INPUT 0x3Au
#define LEVEL_2V8 0x13u
#define COMMAND_MS 10

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

/* Give the power controller a command, and look whether it was carried out. */
static int set_regulator(uint8_t command, uint8_t mode, uint8_t level)
{
    const uint8_t data[] = { DATA_OUT, mode, level };
    const uint8_t order[] = { COMMAND, command };
    const uint8_t response = RESPONSE;
    uint8_t answer = 0;
    int result = i2c_begin(BUS);
    if (result == E_NO_ERROR) {
        result = i2c_write(BUS, ADDRESS, data, sizeof(data));
    }
    if (result == E_NO_ERROR) {
        result = i2c_write(BUS, ADDRESS, order, sizeof(order));
    }
    MXC_Delay(MSEC(COMMAND_MS));
    if (result == E_NO_ERROR) {
        result = i2c_write(BUS, ADDRESS, &response, sizeof(response));
    }
    if (result == E_NO_ERROR) {
        result = i2c_read(BUS, ADDRESS, &answer, sizeof(answer));
    }
    return result == E_NO_ERROR && answer != command ? E_COMM_ERR : result;
}

int board_power_camera(void)
{
    return set_regulator(CONFIGURE_LDO2, ENABLED, LEVEL_2V8);
}

int board_power_microphone(void)
{
    static bool is_on;
    if (is_on) {
        return E_NO_ERROR;
    }
    const int result = set_regulator(CONFIGURE_LDO1, ENABLED | IS_SWITCH, AS_INPUT);
    is_on = result == E_NO_ERROR;
    return result;
}
