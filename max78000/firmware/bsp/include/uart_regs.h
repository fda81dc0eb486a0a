/*
 * One serial port.
 *
 * Source of numbers: [MSDK] uart_regs.h, uart_revb.c.
 */
#ifndef UART_REGS_H
#define UART_REGS_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    volatile uint32_t ctrl; /* 0x00 */
    volatile uint32_t status; /* 0x04 */
    volatile uint32_t int_en; /* 0x08 */
    volatile uint32_t int_fl; /* 0x0C: write 1 clears */
    volatile uint32_t clkdiv; /* 0x10: clock / baud rate */
    volatile uint32_t osr; /* 0x14: oversampling */
    volatile uint32_t txpeek; /* 0x18 */
    volatile uint32_t pnr; /* 0x1C */
    volatile uint32_t fifo; /* 0x20: 8 deep each way */
} mxc_uart_regs_t;

_Static_assert(offsetof(mxc_uart_regs_t, fifo) == 0x20, "UART");

/* CTRL */
#define MXC_F_UART_CTRL_RX_THD_VAL_POS 0
#define MXC_F_UART_CTRL_TX_FLUSH (1u << 8)
#define MXC_F_UART_CTRL_RX_FLUSH (1u << 9)
#define MXC_S_UART_CTRL_CHAR_SIZE_8BITS (3u << 10)
#define MXC_F_UART_CTRL_BCLKEN (1u << 15)
#define MXC_S_UART_CTRL_BCLKSRC_CLK2 (2u << 16) /* IBRO */
#define MXC_F_UART_CTRL_BCLKRDY (1u << 19)
/* STATUS */
#define MXC_F_UART_STATUS_TX_BUSY (1u << 0)
#define MXC_F_UART_STATUS_RX_EM (1u << 4)
#define MXC_F_UART_STATUS_TX_EM (1u << 6)
#define MXC_F_UART_STATUS_TX_FULL (1u << 7)
/* INT_FL */
#define MXC_F_UART_INT_FL_RX_OV (1u << 3)

#endif
