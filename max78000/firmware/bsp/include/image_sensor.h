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
 * Clock, pins, set-up; the columns are even, and the pixels of RGB888 a multiple of four.
 * E_COMM_ERR: no camera answers. E_BAD_PARAM: they are not, or more than 640x479.
 */
int sensor_begin(uint16_t rows, uint16_t columns, sensor_format_t format);

/*
 * Begin to take the next picture into `picture`; the DMA's channel 0 does it, and the core is free
 * meanwhile. Nobody uses the memory before sensor_wait().
 */
void sensor_start(uint32_t *picture);

/* Wait until the picture is there. False if words were lost or missing: it is not whole. */
bool sensor_wait(void);

/* Both. */
bool sensor_take(uint32_t *picture);

#endif
