/*
 * Frames on a serial line: header, payload, CRC-32. The protocol is described in
 * docs/protocol.md, the other end is max78000/apps/shared/frames.py.
 *
 * Bytes in, frames out: nothing here knows a UART, or what a payload means.
 *
 *     offset  size  field (little-endian)
 *          0     2  magic 0xC7 0x78
 *          2     1  version
 *          3     1  type
 *          4     2  sequence number; a reply has that of its request
 *          6     2  length of the payload in bytes
 *          8     n  payload
 *      8 + n     4  CRC-32 of everything between magic and CRC
 */

#ifndef APP_FRAME_H
#define APP_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#define FRAME_VERSION 1
#define FRAME_HEADER_BYTES 8
#define FRAME_CRC_BYTES 4

typedef enum {
    FRAME_HELLO = 0x01,   /* empty */
    FRAME_PICTURE = 0x02, /* pose: 128 rows of 128 pixels of red, green, blue */
    FRAME_INPUT = 0x03,   /* serial: number of the first word, words of the input */
    FRAME_RUN = 0x04,     /* serial: last layer, or RUN_ALL_LAYERS */
    FRAME_ANSWER = 0x05,  /* serial: first byte and number of bytes of the answers */
    FRAME_MEMORY = 0x06,  /* serial: address, number of words, step in words */
    FRAME_INFO = 0x81,    /* pose: reply to HELLO */
    FRAME_PEOPLE = 0x82,  /* pose: reply to PICTURE */
    FRAME_TAKEN = 0x83,   /* serial: reply to INPUT */
    FRAME_DONE = 0x84,    /* serial: reply to RUN, times */
    FRAME_BYTES = 0x85,   /* serial: reply to ANSWER and MEMORY */
    FRAME_NETWORK = 0x86, /* serial: reply to HELLO */
    FRAME_ERROR = 0xff,   /* reply to anything: one byte, frame_error_t */
} frame_type_t;

typedef enum {
    FRAME_NO_ERROR = 0,
    FRAME_BAD_CRC = 1,
    FRAME_BAD_VERSION = 2,
    FRAME_TOO_LONG = 3,     /* longer than any request */
    FRAME_BAD_TYPE = 4,     /* not a request */
    FRAME_BAD_LENGTH = 5,   /* not this request's */
    FRAME_TIME_OUT = 6,     /* the frame stopped in its middle */
    FRAME_BAD_PLACE = 7,    /* words or bytes that are not there */
} frame_error_t;

typedef struct {
    uint8_t type;
    uint16_t sequence;
    uint16_t length; /* bytes */
} frame_header_t;

/* A frame on its way in; everything but the payload's place is set by frame_start(). */
typedef struct {
    uint8_t *payload;
    uint32_t capacity; /* bytes */
    frame_header_t header;
    uint32_t n_bytes; /* of the frame so far */
    uint32_t crc;
    uint32_t expected_crc;
    uint8_t raw_header[FRAME_HEADER_BYTES];
} frame_receiver_t;

typedef enum {
    FRAME_PENDING,  /* more bytes are needed */
    FRAME_COMPLETE, /* header and payload are valid until the next byte */
    FRAME_REFUSED,  /* see `error`; the search for a frame starts anew */
} frame_state_t;

/* Wait for a new frame; its payload goes straight to its place. */
void frame_start(frame_receiver_t *receiver, uint8_t *payload, uint32_t capacity);

/* Whether the start of a frame was seen and its end was not. */
bool frame_is_open(const frame_receiver_t *receiver);

/* Take a byte. Bytes that belong to no frame are passed over. */
frame_state_t frame_take(frame_receiver_t *receiver, uint8_t byte, frame_error_t *error);

/* A frame goes out as header, payload in any number of pieces, CRC; `crc` is carried along. */
uint32_t frame_write_header(uint8_t out[FRAME_HEADER_BYTES], frame_header_t header);
uint32_t frame_crc(uint32_t crc, const uint8_t *bytes, uint32_t n_bytes);
void frame_write_crc(uint8_t out[FRAME_CRC_BYTES], uint32_t crc);

#endif /* APP_FRAME_H */
