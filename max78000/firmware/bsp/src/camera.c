/*
 * The OVM7692 camera: set up over I2C2, clocked by pulse train 0, read by the parallel interface,
 * whose FIFO the DMA empties.
 *
 * Its module is upside down on the boards: mirrored and flipped, pictures are upright. It sends one
 * line less than it is asked for.
 *
 * Source of numbers: docs/hardware/board.md#camera; [MSDK] ov7692_regs.h, pins_ai85.c, pt_reva.c.
 */
#include "image_sensor.h"

#include "board.h"
#include "dma.h"
#include "i2c_bus.h"
#include "mxc.h"

#define ADDRESS 0x3Cu
#define PRODUCT 0x76u /* in register 0x0A */
#define MOST_ROWS 480u
#define MOST_COLUMNS 640u
#define CLOCK_HZ 12500000u /* the camera takes 6 to 27 MHz */
#define START_MS 10
#define THRESHOLD_WORDS 4u
#define DMA_THRESHOLD_WORDS 1u
#define CHANNEL 0u /* of the DMA */
#define N_LAST_LOOKS 100u /* for words that are in the FIFO when the frame is over */
#define BYTES_565 2u
#define BYTES_888 3u
#define BUS MXC_I2C2

typedef struct {
    uint8_t number, value;
} register_t;

/* What differs from the state after a reset, but for the size. */
static const register_t SETUP[] = {
    { 0x0C, 0xD6 }, /* flipped, mirrored */
    { 0x11, 0x00 }, /* clock not divided */
    { 0x12, 0x06 }, /* RGB565 */
    { 0x81, 0x3F }, /* scale both ways; colour matrix */
    { 0x16, 0x07 }, /* slower pixel clock for small pictures */
    { 0x31, 0x82 }, { 0x37, 0x00 }, { 0x64, 0x11 }, /* clock dividers */
    { 0x13, 0xEF }, { 0x14, 0x30 }, /* exposure, gain and white balance by themselves */
    { 0x0E, 0x00 }, /* awake */
};

static struct {
    uint16_t rows, columns;
    sensor_format_t format;
    uint8_t *picture; /* that is being taken */
} state;

static int write_register(uint8_t number, uint8_t value)
{
    const uint8_t bytes[2] = { number, value };
    return i2c_write(BUS, ADDRESS, bytes, sizeof(bytes));
}

static int write_size(uint8_t number, uint32_t size)
{
    const int result = write_register(number, (uint8_t)(size >> 8));
    return result != E_NO_ERROR ? result : write_register((uint8_t)(number + 1u), (uint8_t)size);
}

/* A square wave at the camera's clock pin. */
static void start_clock(void)
{
    const mxc_gpio_cfg_t pin = {
        .port = MXC_GPIO0,
        .mask = MXC_GPIO_PIN(18),
        .func = MXC_GPIO_FUNC_ALT1,
        .vssel = MXC_GPIO_VSSEL_VDDIOH,
    };
    MXC_SYS_ClockEnable(MXC_SYS_PERIPH_CLOCK_PT);
    (void)MXC_GPIO_Config(&pin);
    MXC_PTG->enable &= ~1u;
    MXC_PTG->trains[0].rate_length =
        MXC_S_PT_RATE_LENGTH_MODE_SQUARE_WAVE | PeripheralClock / (2u * CLOCK_HZ);
    MXC_PTG->trains[0].loop = 0;
    MXC_PTG->enable |= 1u;
}

static void connect_port(void)
{
    const mxc_gpio_cfg_t port_0 = {
        .port = MXC_GPIO0,
        .mask = 0xFFu << 20 | MXC_GPIO_PIN(15), /* D0..D7, VSYNC */
        .func = MXC_GPIO_FUNC_ALT2,
        .vssel = MXC_GPIO_VSSEL_VDDIOH,
    };
    const mxc_gpio_cfg_t port_1 = {
        .port = MXC_GPIO1,
        .mask = MXC_GPIO_PIN(8) | MXC_GPIO_PIN(9), /* HSYNC, pixel clock */
        .func = MXC_GPIO_FUNC_ALT1,
        .vssel = MXC_GPIO_VSSEL_VDDIOH,
    };
    MXC_SYS_ClockEnable(MXC_SYS_PERIPH_CLOCK_PCIF);
    (void)MXC_GPIO_Config(&port_0);
    (void)MXC_GPIO_Config(&port_1);
}

/* Whether it is an OVM7692. */
static int identify(void)
{
    const uint8_t number = 0x0A;
    uint8_t product = 0;
    int result = i2c_write(BUS, ADDRESS, &number, sizeof(number));
    if (result == E_NO_ERROR) {
        result = i2c_read(BUS, ADDRESS, &product, sizeof(product));
    }
    return result == E_NO_ERROR && product != PRODUCT ? E_COMM_ERR : result;
}

static int set_up(uint16_t rows, uint16_t columns)
{
    int result = write_register(0x12, 0x80); /* reset */
    MXC_Delay(MSEC(START_MS));
    for (uint32_t i = 0; i < sizeof(SETUP) / sizeof(SETUP[0]) && result == E_NO_ERROR; i++) {
        result = write_register(SETUP[i].number, SETUP[i].value);
    }
    /* The largest part of the sensor that has the picture's shape. */
    const uint32_t is_wide = (uint32_t)columns * MOST_ROWS > (uint32_t)rows * MOST_COLUMNS;
    const uint32_t from_rows = is_wide ? MOST_COLUMNS * rows / columns : MOST_ROWS;
    const uint32_t from_columns = is_wide ? MOST_COLUMNS : MOST_ROWS * columns / rows;
    const struct {
        uint8_t number;
        uint32_t size;
    } sizes[] = { { 0xC8, from_columns }, { 0xCA, from_rows }, { 0xCC, columns },
                  { 0xCE, (uint32_t)rows + 1u } };
    for (uint32_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]) && result == E_NO_ERROR; i++) {
        result = write_size(sizes[i].number, sizes[i].size);
    }
    return result;
}

int sensor_begin(uint16_t rows, uint16_t columns, sensor_format_t format)
{
    if (rows == 0 || columns == 0 || columns % 2u != 0 || rows > MOST_ROWS - 1u ||
        columns > MOST_COLUMNS) {
        return E_BAD_PARAM;
    }
    if (format == SENSOR_RGB888 && (uint32_t)rows * columns % 4u != 0) {
        return E_BAD_PARAM;
    }
    state.rows = rows;
    state.columns = columns;
    state.format = format;
    int result = board_power_camera();
    start_clock();
    MXC_Delay(MSEC(START_MS));
    if (result == E_NO_ERROR) {
        result = i2c_begin(BUS);
    }
    if (result == E_NO_ERROR) {
        result = identify();
    }
    if (result == E_NO_ERROR) {
        result = set_up(rows, columns);
    }
    connect_port();
    MXC_PCIF->ctrl = MXC_F_PCIF_CTRL_PCIF_SYS | THRESHOLD_WORDS << MXC_F_PCIF_CTRL_FIFO_THRSH_POS |
                     MXC_F_PCIF_CTRL_RX_DMA |
                     DMA_THRESHOLD_WORDS << MXC_F_PCIF_CTRL_RX_DMA_THRSH_POS;
    return result;
}

static uint32_t pixels(void)
{
    return (uint32_t)state.rows * state.columns;
}

static uint32_t picture_bytes(void)
{
    return pixels() * (state.format == SENSOR_RGB888 ? BYTES_888 : BYTES_565);
}

void sensor_start(uint32_t *picture)
{
    /* Two bytes a pixel come at the end of the room for three. */
    const uint32_t first = picture_bytes() - BYTES_565 * pixels();
    state.picture = (uint8_t *)picture;
    MXC_PCIF->int_fl = MXC_F_PCIF_INT_FL_IMG_DONE;
    (void)dma_receive(CHANNEL, DMA_REQUEST_CAMERA, picture + first / sizeof(*picture),
                      BYTES_565 * pixels());
    MXC_PCIF->ctrl |= MXC_S_PCIF_CTRL_READ_MODE_SINGLE;
}

/* Three bytes a pixel from two; a pixel's place is never behind those that are still to be read. */
static void spread(uint8_t *picture)
{
    const uint8_t *from = picture + pixels();
    for (uint32_t i = 0; i < pixels(); i++) {
        const uint32_t high = *from++;
        const uint32_t low = *from++;
        *picture++ = (uint8_t)(high & 0xF8u);
        *picture++ = (uint8_t)((high << 5 | low >> 3) & 0xFCu);
        *picture++ = (uint8_t)(low << 3);
    }
}

bool sensor_wait(void)
{
    while (dma_is_busy(CHANNEL) && (MXC_PCIF->int_fl & MXC_F_PCIF_INT_FL_IMG_DONE) == 0) {
    }
    for (uint32_t n = 0; n < N_LAST_LOOKS && dma_is_busy(CHANNEL); n++) {
    }
    const bool is_whole = dma_bytes_left(CHANNEL) == 0;
    MXC_PCIF->ctrl &= ~MXC_F_PCIF_CTRL_READ_MODE;
    dma_stop(CHANNEL);
    if (is_whole && state.format == SENSOR_RGB888) {
        spread(state.picture);
    }
    return is_whole;
}

bool sensor_take(uint32_t *picture)
{
    sensor_start(picture);
    return sensor_wait();
}
