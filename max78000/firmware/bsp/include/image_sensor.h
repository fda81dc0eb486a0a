/*
 * The OVM7692 camera on the parallel port: one picture at a time, upright, of a size asked for.
 */
#ifndef IMAGE_SENSOR_H
#define IMAGE_SENSOR_H

#include <stdbool.h>
#include <stdint.h>

typedef enum {
    SENSOR_RGB565, /* two bytes a pixel: RRRRRGGG GGGBBBBB */
    SENSOR_RGB888  /* three: red, green, blue; the low bits are those of RGB565, zero */
} sensor_format_t;

/*
 * Clock, pins, set-up; the columns are even.
 * E_COMM_ERR: no camera answers. E_BAD_PARAM: more than 640x480 pixels.
 */
int sensor_begin(uint16_t rows, uint16_t columns, sensor_format_t format);

/* Bytes of a picture. */
uint32_t sensor_picture_bytes(void);

/*
 * Take the next picture; interrupts wait as long, for the FIFO has eight words. False if words
 * were lost or missing: the picture then is not whole.
 */
bool sensor_take(uint8_t *picture);

#endif
