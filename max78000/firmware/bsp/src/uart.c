/*
 * UART0, polled. Its clock is the baud-rate oscillator, so the rate does not depend on the core's.
 *
 * Source of the sequence: docs/hardware/firmware.md#uart; [MSDK] uart_revb.c.
 */
#include "uart.h"

#include "board.h"
#include "clock.h"
#include "mxc.h"
#include "poll.h"
#include "systick.h"

#define CONSOLE MXC_UART0
#define CONSOLE_PINS (MXC_GPIO_PIN_0 | MXC_GPIO_PIN_1) /* P0.0 RX, P0.1 TX */
#define RX_THRESHOLD 1u
#define OVERSAMPLING 5u
#define MS_US 1000u

_Static_assert(IBRO_FREQ % UART_BAUD == 0, "the baud rate is exact");

int uart_init(void)
{
    const mxc_gpio_cfg_t pins = {
        .port = MXC_GPIO0,
        .mask = CONSOLE_PINS,
        .func = MXC_GPIO_FUNC_ALT1,
        .vssel = bsp_board.console_vssel,
    };
    const int result = clock_start_oscillator(MXC_SYS_CLOCK_IBRO);
    if (result != E_NO_ERROR) {
        return result;
    }
    MXC_SYS_ClockEnable(MXC_SYS_PERIPH_CLOCK_UART0);
    (void)MXC_GPIO_Config(&pins);
    CONSOLE->ctrl = RX_THRESHOLD << MXC_F_UART_CTRL_RX_THD_VAL_POS |
                    MXC_S_UART_CTRL_CHAR_SIZE_8BITS | MXC_S_UART_CTRL_BCLKSRC_CLK2;
    CONSOLE->osr = OVERSAMPLING;
    CONSOLE->clkdiv = IBRO_FREQ / UART_BAUD;
    CONSOLE->ctrl |= MXC_F_UART_CTRL_BCLKEN;
    return poll_until(&CONSOLE->ctrl, MXC_F_UART_CTRL_BCLKRDY, MXC_F_UART_CTRL_BCLKRDY);
}

void uart_write_byte(uint8_t byte)
{
    if (poll_until(&CONSOLE->status, MXC_F_UART_STATUS_TX_FULL, 0) == E_NO_ERROR) {
        CONSOLE->fifo = byte;
    }
}

void uart_write(const void *bytes, size_t n_bytes)
{
    const uint8_t *byte = bytes;
    while (n_bytes-- > 0) {
        uart_write_byte(*byte++);
    }
}

void uart_drain(void)
{
    const uint32_t state = MXC_F_UART_STATUS_TX_EM | MXC_F_UART_STATUS_TX_BUSY;
    (void)poll_until(&CONSOLE->status, state, MXC_F_UART_STATUS_TX_EM);
}

static bool has_byte(void)
{
    return (CONSOLE->status & MXC_F_UART_STATUS_RX_EM) == 0;
}

/* Wait for a byte, a millisecond at a time. */
static bool wait_for_byte(uint32_t timeout_ms)
{
    bool is_there = has_byte();
    while (!is_there && timeout_ms-- > 0) {
        systick_start(MS_US);
        do {
            is_there = has_byte();
        } while (!is_there && !systick_is_over());
    }
    systick_stop();
    return is_there;
}

int uart_read_byte(uint32_t timeout_ms)
{
    if (!has_byte() && !wait_for_byte(timeout_ms)) {
        return UART_NOTHING;
    }
    return (int)(CONSOLE->fifo & 0xFFu);
}

size_t uart_read(void *bytes, size_t n_bytes, uint32_t timeout_ms)
{
    uint8_t *to = bytes;
    for (size_t n = 0; n < n_bytes; n++) {
        const int byte = uart_read_byte(timeout_ms);
        if (byte == UART_NOTHING) {
            return n;
        }
        *to++ = (uint8_t)byte;
    }
    return n_bytes;
}

bool uart_has_overrun(void)
{
    const bool is_lost = (CONSOLE->int_fl & MXC_F_UART_INT_FL_RX_OV) != 0;
    if (is_lost) {
        CONSOLE->int_fl = MXC_F_UART_INT_FL_RX_OV;
    }
    return is_lost;
}
