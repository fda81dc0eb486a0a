/*
 * Requests in, replies out, one at a time, on the console's serial line; see frame.h.
 *
 * What a payload means is the application's matter. A spoilt request is answered by an error here.
 */

#ifndef APP_REQUESTS_H
#define APP_REQUESTS_H

#include <stdint.h>

#include "frame.h"

/*
 * Wait for a request, however long it takes; its payload goes to the place given. The header is
 * valid until the next call.
 */
const frame_header_t *request_await(uint8_t *payload, uint32_t capacity);

/* A reply to the last request: its length first, then so many bytes in any number of pieces. */
void reply_begin(frame_type_t type, uint32_t n_bytes);
void reply_add(const void *bytes, uint32_t n_bytes);
void reply_end(void);

/* A reply of one piece, and an error. */
void reply_with(frame_type_t type, const void *bytes, uint32_t n_bytes);
void reply_error(frame_error_t error);

#endif /* APP_REQUESTS_H */
