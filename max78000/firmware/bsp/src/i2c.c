/*
 * I2C as a master, polled.
 *
 * A transfer starts with its address in the FIFO; the stop is asked for at once, and comes when the
 * FIFO has run empty or the last byte of a read has come.
 *
 * Source of the sequence: docs/hardware/board.md#i2c; [MSDK] i2c_reva.c.
 */
#include "i2c_bus.h"

#include <stdbool.h>

#include "poll.h"

#define SCL_HZ 100000u
#define MOST_BYTES 256u
#define ALL_FLAGS 0x00FFFFFFu
#define FAILURES                                                                             \
    (MXC_F_I2C_INTFL0_ARB_ERR | MXC_F_I2C_INTFL0_TO_ERR | MXC_F_I2C_INTFL0_ADDR_NACK_ERR |   \
     MXC_F_I2C_INTFL0_DATA_ERR)

typedef struct {
    mxc_i2c_regs_t *i2c;
    mxc_sys_periph_clock_t clock;
    uint32_t pins; /* of port 0 */
    mxc_gpio_vssel_t vssel; /* supply of their pads */
} bus_t;

static const bus_t buses[] = {
    { MXC_I2C0, MXC_SYS_PERIPH_CLOCK_I2C0, MXC_GPIO_PIN(10) | MXC_GPIO_PIN(11),
      MXC_GPIO_VSSEL_VDDIOH },
    /* the supply chip of the Feather board is on it */
    { MXC_I2C1, MXC_SYS_PERIPH_CLOCK_I2C1, MXC_GPIO_PIN(16) | MXC_GPIO_PIN(17),
      MXC_GPIO_VSSEL_VDDIO },
    { MXC_I2C2, MXC_SYS_PERIPH_CLOCK_I2C2, MXC_GPIO_PIN(30) | MXC_GPIO_PIN(31),
      MXC_GPIO_VSSEL_VDDIOH },
};

int i2c_begin(mxc_i2c_regs_t *i2c)
{
    for (uint32_t i = 0; i < sizeof(buses) / sizeof(buses[0]); i++) {
        if (buses[i].i2c != i2c) {
            continue;
        }
        const mxc_gpio_cfg_t pins = {
            .port = MXC_GPIO0,
            .mask = buses[i].pins,
            .func = MXC_GPIO_FUNC_ALT1,
            .vssel = buses[i].vssel,
        };
        const uint32_t half_period = PeripheralClock / (2u * SCL_HZ);
        MXC_SYS_ClockEnable(buses[i].clock);
        (void)MXC_GPIO_Config(&pins);
        i2c->ctrl = 0;
        i2c->ctrl = MXC_F_I2C_CTRL_EN | MXC_F_I2C_CTRL_MST_MODE;
        i2c->clklo = half_period - 1u;
        i2c->clkhi = half_period - 1u;
        return E_NO_ERROR;
    }
    return E_BAD_PARAM;
}

static void start(mxc_i2c_regs_t *i2c, uint32_t address_byte)
{
    i2c->rxctrl0 |= MXC_F_I2C_RXCTRL0_FLUSH;
    i2c->txctrl0 |= MXC_F_I2C_TXCTRL0_FLUSH;
    i2c->intfl0 = ALL_FLAGS;
    i2c->mstctrl = MXC_F_I2C_MSTCTRL_START;
    i2c->fifo = address_byte;
}

/* Let go of the bus; whether all of it was acknowledged. */
static int finish(mxc_i2c_regs_t *i2c)
{
    i2c->mstctrl = MXC_F_I2C_MSTCTRL_STOP;
    const int result = poll_until(&i2c->intfl0, MXC_F_I2C_INTFL0_STOP, MXC_F_I2C_INTFL0_STOP);
    if ((i2c->intfl0 & FAILURES) != 0) {
        return E_COMM_ERR;
    }
    return result;
}

int i2c_write(mxc_i2c_regs_t *i2c, uint8_t address, const uint8_t *bytes, uint32_t n_bytes)
{
    start(i2c, (uint32_t)address << 1);
    for (uint32_t i = 0; i < n_bytes && (i2c->intfl0 & FAILURES) == 0; i++) {
        if (poll_until(&i2c->status, MXC_F_I2C_STATUS_TX_FULL, 0) != E_NO_ERROR) {
            break;
        }
        i2c->fifo = bytes[i];
    }
    return finish(i2c);
}

int i2c_read(mxc_i2c_regs_t *i2c, uint8_t address, uint8_t *bytes, uint32_t n_bytes)
{
    if (n_bytes == 0 || n_bytes > MOST_BYTES) {
        return E_BAD_PARAM;
    }
    i2c->rxctrl1 = n_bytes % MOST_BYTES;
    start(i2c, (uint32_t)address << 1 | 1u);
    for (uint32_t i = 0; i < n_bytes; i++) {
        uint32_t left = POLL_LIMIT;
        while ((i2c->status & MXC_F_I2C_STATUS_RX_EM) != 0) {
            const bool has_failed = (i2c->intfl0 & FAILURES) != 0;
            if (has_failed || left-- == 0) {
                (void)finish(i2c);
                return has_failed ? E_COMM_ERR : E_TIME_OUT;
            }
        }
        bytes[i] = (uint8_t)i2c->fifo;
    }
    return finish(i2c);
}
