/*
 * Frames to and from UART0; see requests.h.
 */

#include "requests.h"

#include "uart.h"
#include "watchdog.h"

#define BYTE_TIME_OUT_MS 200u /* inside a frame */
#define IDLE_TIME_OUT_MS 1000u

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "frames are little-endian");

static frame_receiver_t receiver;
static uint32_t reply_crc;

/* Receive a frame, or find out that one is spoilt. */
static frame_state_t receive(frame_error_t *error)
{
    frame_state_t state = FRAME_PENDING;
    while (state == FRAME_PENDING) {
        watchdog_feed();
        const bool is_open = frame_is_open(&receiver);
        const int byte = uart_read_byte(is_open ? BYTE_TIME_OUT_MS : IDLE_TIME_OUT_MS);
        if (byte != UART_NOTHING) {
            state = frame_take(&receiver, (uint8_t)byte, error);
        } else if (is_open) {
            state = FRAME_REFUSED;
            *error = FRAME_TIME_OUT;
        }
    }
    return state;
}

const frame_header_t *request_await(uint8_t *payload, uint32_t capacity)
{
    frame_error_t error = FRAME_NO_ERROR;
    frame_start(&receiver, payload, capacity);
    while (receive(&error) != FRAME_COMPLETE) {
        reply_error(error);
        frame_start(&receiver, payload, capacity);
    }
    return &receiver.header;
}

void reply_begin(frame_type_t type, uint32_t n_bytes)
{
    uint8_t raw[FRAME_HEADER_BYTES];
    const frame_header_t header = { (uint8_t)type, receiver.header.sequence, (uint16_t)n_bytes };
    reply_crc = frame_write_header(raw, header);
    uart_write(raw, sizeof(raw));
}

void reply_add(const void *bytes, uint32_t n_bytes)
{
    reply_crc = frame_crc(reply_crc, bytes, n_bytes);
    uart_write(bytes, n_bytes);
}

void reply_end(void)
{
    uint8_t raw[FRAME_CRC_BYTES];
    frame_write_crc(raw, reply_crc);
    uart_write(raw, sizeof(raw));
}

void reply_with(frame_type_t type, const void *bytes, uint32_t n_bytes)
{
    reply_begin(type, n_bytes);
    reply_add(bytes, n_bytes);
    reply_end();
}

void reply_error(frame_error_t error)
{
    const uint8_t code = (uint8_t)error;
    reply_with(FRAME_ERROR, &code, sizeof(code));
}
