/*
 * From a camera's picture to the network's input: colours to signed bytes, folded as the network
 * is. The same numbers as the host makes of the same picture.
 */

#ifndef APP_PICTURE_H
#define APP_PICTURE_H

#include <stdint.h>

#include "network.h"

/* A picture of the network's size, row by row. */
typedef struct {
    const network_t *net;
    const uint8_t *pixels;
    uint32_t bytes_per_pixel; /* 2: RRRRRGGG GGGBBBBB; 3: red, green, blue */
} picture_t;

/* Rows and columns of a picture that the network takes. */
uint16_t picture_rows(const network_t *net);
uint16_t picture_columns(const network_t *net);

/* For network_load(): one value of the folded picture. */
int8_t picture_value(const void *from, uint32_t channel, uint32_t pixel);

#endif /* APP_PICTURE_H */
