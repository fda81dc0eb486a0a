/*
 * Finds frames among bytes and makes them; see frame.h.
 *
 * After anything wrong the search goes on with the next byte: a magic inside a refused header or
 * payload is not gone back to, the sender repeats its frame.
 */

#include "frame.h"

#define MAGIC_0 0xc7 /* no ASCII character: console text never looks like a frame */
#define MAGIC_1 0x78
#define MAGIC_BYTES 2u
#define CRC_START 0xffffffffu

/* CRC-32 of IEEE 802.3 (reflected, polynomial 0xEDB88320) of the values 0..15. */
static const uint32_t CRC_OF_NIBBLE[16] = {
    0x00000000u, 0x1db71064u, 0x3b6e20c8u, 0x26d930acu, 0x76dc4190u, 0x6b6b51f4u,
    0x4db26158u, 0x5005713cu, 0xedb88320u, 0xf00f9344u, 0xd6d6a3e8u, 0xcb61b38cu,
    0x9b64c2b0u, 0x86d3d2d4u, 0xa00ae278u, 0xbdbdf21cu,
};

uint32_t frame_crc(uint32_t crc, const uint8_t *bytes, uint32_t n_bytes)
{
    for (uint32_t i = 0; i < n_bytes; i++) {
        crc ^= bytes[i];
        crc = (crc >> 4) ^ CRC_OF_NIBBLE[crc & 0xfu];
        crc = (crc >> 4) ^ CRC_OF_NIBBLE[crc & 0xfu];
    }
    return crc;
}

static uint16_t read_u16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static void write_u16(uint8_t *out, uint16_t value)
{
    out[0] = (uint8_t)value;
    out[1] = (uint8_t)(value >> 8);
}

void frame_start(frame_receiver_t *receiver, uint8_t *payload, uint32_t capacity)
{
    receiver->payload = payload;
    receiver->capacity = capacity;
    receiver->header = (frame_header_t){ 0, 0, 0 };
    receiver->n_bytes = 0;
}

bool frame_is_open(const frame_receiver_t *receiver)
{
    return receiver->n_bytes >= MAGIC_BYTES;
}

static frame_state_t refuse(frame_receiver_t *receiver, frame_error_t reason, frame_error_t *error)
{
    receiver->n_bytes = 0;
    *error = reason;
    return FRAME_REFUSED;
}

/* Two bytes, of which the first may come several times. */
static void find_magic(frame_receiver_t *receiver, uint8_t byte)
{
    if (receiver->n_bytes == 1 && byte == MAGIC_1) {
        receiver->n_bytes = MAGIC_BYTES;
        receiver->crc = CRC_START;
        receiver->expected_crc = 0;
    } else {
        receiver->n_bytes = byte == MAGIC_0;
    }
}

static frame_state_t take_header(frame_receiver_t *receiver, uint8_t byte, frame_error_t *error)
{
    uint8_t *raw = receiver->raw_header;
    raw[receiver->n_bytes++] = byte;
    receiver->crc = frame_crc(receiver->crc, &byte, 1);
    if (receiver->n_bytes < FRAME_HEADER_BYTES) {
        return FRAME_PENDING;
    }
    receiver->header = (frame_header_t){ raw[3], read_u16(&raw[4]), read_u16(&raw[6]) };
    if (raw[2] != FRAME_VERSION) {
        return refuse(receiver, FRAME_BAD_VERSION, error);
    }
    if (receiver->header.length > receiver->capacity) {
        return refuse(receiver, FRAME_TOO_LONG, error);
    }
    return FRAME_PENDING;
}

static frame_state_t take_crc(frame_receiver_t *receiver, uint8_t byte, frame_error_t *error)
{
    const uint32_t n_before = FRAME_HEADER_BYTES + (uint32_t)receiver->header.length;
    receiver->expected_crc |= (uint32_t)byte << (8u * (receiver->n_bytes - n_before));
    if (++receiver->n_bytes < n_before + FRAME_CRC_BYTES) {
        return FRAME_PENDING;
    }
    if (receiver->expected_crc != ~receiver->crc) {
        return refuse(receiver, FRAME_BAD_CRC, error);
    }
    receiver->n_bytes = 0;
    return FRAME_COMPLETE;
}

frame_state_t frame_take(frame_receiver_t *receiver, uint8_t byte, frame_error_t *error)
{
    if (receiver->n_bytes < MAGIC_BYTES) {
        find_magic(receiver, byte);
        return FRAME_PENDING;
    }
    if (receiver->n_bytes < FRAME_HEADER_BYTES) {
        return take_header(receiver, byte, error);
    }
    const uint32_t n_payload = receiver->n_bytes - FRAME_HEADER_BYTES;
    if (n_payload >= receiver->header.length) {
        return take_crc(receiver, byte, error);
    }
    receiver->payload[n_payload] = byte;
    receiver->crc = frame_crc(receiver->crc, &byte, 1);
    receiver->n_bytes++;
    return FRAME_PENDING;
}

uint32_t frame_write_header(uint8_t out[FRAME_HEADER_BYTES], frame_header_t header)
{
    out[0] = MAGIC_0;
    out[1] = MAGIC_1;
    out[2] = FRAME_VERSION;
    out[3] = header.type;
    write_u16(&out[4], header.sequence);
    write_u16(&out[6], header.length);
    return frame_crc(CRC_START, &out[MAGIC_BYTES], FRAME_HEADER_BYTES - MAGIC_BYTES);
}

void frame_write_crc(uint8_t out[FRAME_CRC_BYTES], uint32_t crc)
{
    write_u16(&out[0], (uint16_t)~crc);
    write_u16(&out[2], (uint16_t)(~crc >> 16));
}
