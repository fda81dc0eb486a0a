/*
 * Sorts unloaded maps into planes of Q14 values; see maps.h. Nothing here knows what maps mean.
 */

#include "maps.h"

#define Q14_BITS 14
#define BYTE_BITS 7  /* fraction bits of an 8-bit output */
#define BLOCK_SIZE 4 /* neighbouring channels that share a word address in the accelerator */

static int16_t to_q14(int32_t value, unsigned fraction_bits)
{
    const int32_t limit = 2 << fraction_bits;
    if (value >= limit) {
        return INT16_MAX;
    }
    if (value <= -limit) {
        return INT16_MIN;
    }
    return (int16_t)(value * (1 << (Q14_BITS - fraction_bits)));
}

/* One output of n_channels, of which the first n_wanted are stored. Returns what follows it. */
static const int32_t *sort_words(int16_t (*planes)[MAP_CELLS], unsigned n_wanted,
                                 const int32_t *unloaded, unsigned n_channels,
                                 unsigned fraction_bits)
{
    for (unsigned first = 0; first < n_channels; first += BLOCK_SIZE) {
        const unsigned n_left = n_channels - first;
        const unsigned n_lanes = n_left < BLOCK_SIZE ? n_left : BLOCK_SIZE;
        for (unsigned cell = 0; cell < MAP_CELLS; cell++) {
            for (unsigned lane = 0; lane < n_lanes; lane++, unloaded++) {
                if (first + lane < n_wanted) {
                    planes[first + lane][cell] = to_q14(*unloaded, fraction_bits);
                }
            }
        }
    }
    return unloaded;
}

void pose_maps_from_words(pose_maps_t *maps, const int32_t *unloaded, unsigned fraction_bits)
{
    unloaded = sort_words(maps->heat, POSE_PARTS, unloaded, POSE_HEATMAPS, fraction_bits);
    sort_words(maps->paf, POSE_FIELDS, unloaded, POSE_FIELDS, fraction_bits);
}

void pose_maps_from_bytes(pose_maps_t *maps, const int8_t *unloaded)
{
    const int8_t *paf = unloaded + POSE_HEATMAPS * MAP_CELLS;
    for (unsigned cell = 0; cell < MAP_CELLS; cell++) {
        for (unsigned part = 0; part < POSE_PARTS; part++) {
            maps->heat[part][cell] = to_q14(unloaded[part * MAP_CELLS + cell], BYTE_BITS);
        }
        for (unsigned field = 0; field < POSE_FIELDS; field++) {
            maps->paf[field][cell] = to_q14(paf[field * MAP_CELLS + cell], BYTE_BITS);
        }
    }
}
