/*
 * I2C, as far as a master needs it.
 *
 * Source of numbers: docs/hardware/board.md#i2c; [MSDK] i2c_regs.h.
 */
#ifndef I2C_REGS_H
#define I2C_REGS_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    volatile uint32_t ctrl; /* 0x00: 0 enable, 1 master */
    volatile uint32_t status; /* 0x04: 0 busy, 1 nothing received, 4 transmit FIFO is full */
    volatile uint32_t intfl0; /* 0x08 */
    uint32_t reserved_0c[4];
    volatile uint32_t rxctrl0; /* 0x1C: 7 flush */
    volatile uint32_t rxctrl1; /* 0x20: 7:0 bytes of a read, 0 is 256 */
    volatile uint32_t txctrl0; /* 0x24: 7 flush */
    volatile uint32_t txctrl1; /* 0x28 */
    volatile uint32_t fifo; /* 0x2C */
    volatile uint32_t mstctrl; /* 0x30: 0 start, 1 restart, 2 stop */
    volatile uint32_t clklo; /* 0x34: peripheral clocks that SCL is low, less one */
    volatile uint32_t clkhi; /* 0x38 */
} mxc_i2c_regs_t;

_Static_assert(offsetof(mxc_i2c_regs_t, rxctrl0) == 0x1C, "I2C");
_Static_assert(offsetof(mxc_i2c_regs_t, clkhi) == 0x38, "I2C");

#define MXC_F_I2C_CTRL_EN (1u << 0)
#define MXC_F_I2C_CTRL_MST_MODE (1u << 1)
#define MXC_F_I2C_STATUS_RX_EM (1u << 1)
#define MXC_F_I2C_STATUS_TX_FULL (1u << 4)
#define MXC_F_I2C_INTFL0_STOP (1u << 6)
#define MXC_F_I2C_INTFL0_ARB_ERR (1u << 8)
#define MXC_F_I2C_INTFL0_TO_ERR (1u << 9)
#define MXC_F_I2C_INTFL0_ADDR_NACK_ERR (1u << 10)
#define MXC_F_I2C_INTFL0_DATA_ERR (1u << 11)
#define MXC_F_I2C_RXCTRL0_FLUSH (1u << 7)
#define MXC_F_I2C_TXCTRL0_FLUSH (1u << 7)
#define MXC_F_I2C_MSTCTRL_START (1u << 0)
#define MXC_F_I2C_MSTCTRL_STOP (1u << 2)

#endif
