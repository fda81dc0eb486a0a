/*
 * UART0, the console: 115200 baud, 8 bits, no parity, one stop bit; polled, no interrupts.
 *
 * printf() writes here too and turns "\n" into "\r\n"; these functions pass bytes as they are, so a
 * program can speak a framed protocol on the same line. The receive FIFO holds 8 bytes, 0.7 ms at
 * this rate: who expects bytes must be in uart_read() or call it often enough.
 */
#ifndef UART_H
#define UART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UART_BAUD 115200u
#define UART_NOTHING (-1)

/* Start the baud-rate oscillator and the port; done before main(). E_TIME_OUT: not ready. */
int uart_init(void);

/* Send; returns when the last byte is in the FIFO. A port that does not send loses bytes. */
void uart_write_byte(uint8_t byte);
void uart_write(const void *bytes, size_t n_bytes);

/* Wait until the last bit is on the line, for example before a sleep or a reset. */
void uart_drain(void);

/*
 * Receive a byte: 0 to 255, or UART_NOTHING if none comes within the time; 0 ms only looks.
 * Uses SysTick and needs SystemCoreClock to be right.
 */
int uart_read_byte(uint32_t timeout_ms);

/* Receive bytes until there are n or none came for the given time; returns how many. */
size_t uart_read(void *bytes, size_t n_bytes, uint32_t timeout_ms);

/* Whether bytes were lost because nobody read them in time; asking clears the mark. */
bool uart_has_overrun(void);

#endif
