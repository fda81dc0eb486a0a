/*
 * From maps to people, in integers: peaks, sub-cell steps, limb scores, greedy grouping.
 *
 * The port of `decode_integer` with its default settings: the same people in the same order, the
 * same numbers in every bit. 32-bit arithmetic, no floating point, no allocation; one call at a time.
 */

#ifndef POSE_DECODER_H
#define POSE_DECODER_H

#include <stdint.h>

#include "maps.h"

#define POSE_MAX_PEOPLE 20

typedef struct {
    int16_t x;     /* to the right, Q8: 1/256 pixel of the 128x128 picture; pixel 0 centred at 0 */
    int16_t y;     /* down, likewise */
    int16_t value; /* of the heatmap, Q14; 0: the keypoint was not found */
} pose_keypoint_t;

typedef struct {
    int32_t score; /* sum over keypoints and the limbs between them, Q14 */
    pose_keypoint_t parts[POSE_PARTS];
} pose_person_t;

/* Find people, best first; returns how many. */
uint32_t pose_decode(const pose_maps_t *maps, pose_person_t people[POSE_MAX_PEOPLE]);

#endif /* POSE_DECODER_H */
