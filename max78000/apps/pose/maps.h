/*
 * The network's output maps in one form, whatever form cnn_unload() stores them in.
 */

#ifndef POSE_MAPS_H
#define POSE_MAPS_H

#include <stdint.h>

#include "skeleton.h"

/* Words that cnn_unload() stores if both outputs are 32 bits wide, bytes if both have 8. */
#define POSE_UNLOAD_VALUES ((POSE_HEATMAPS + POSE_FIELDS) * MAP_CELLS)

/* Map values in Q14: 16384 is 1.0, saturated to what 16 bits hold. Cell = row * MAP_SIDE + column. */
typedef struct {
    int16_t heat[POSE_PARTS][MAP_CELLS];
    int16_t paf[POSE_FIELDS][MAP_CELLS];
} pose_maps_t;

/*
 * Sort what cnn_unload() stores for two 32-bit outputs, heatmaps first: inside an output blocks of
 * four channels, inside a block cell by cell, channel fastest. 1.0 is 2^fraction_bits, 7 to 14;
 * this compiler's 32-bit outputs have 14.
 */
void pose_maps_from_words(pose_maps_t *maps, const int32_t *unloaded, unsigned fraction_bits);

/* Likewise for two 8-bit outputs: one plane of bytes per channel, 1.0 is 128. */
void pose_maps_from_bytes(pose_maps_t *maps, const int8_t *unloaded);

#endif /* POSE_MAPS_H */
