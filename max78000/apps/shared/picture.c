/*
 * Pictures as the network takes them; see picture.h.
 */

#include "picture.h"

#include <stddef.h>

#define GREY_CHANNELS 1u
#define ZERO 128

typedef struct {
    uint8_t red, green, blue;
} colour_t;

uint16_t picture_rows(const network_t *net)
{
    return (uint16_t)(net->input.rows * net->input.fold);
}

uint16_t picture_columns(const network_t *net)
{
    return (uint16_t)(net->input.columns * net->input.fold);
}

/* Five or six bits become eight: the highest are repeated below, so that full stays full. */
static colour_t colour_at(const picture_t *picture, uint32_t row, uint32_t column)
{
    const uint32_t place = row * picture_columns(picture->net) + column;
    const uint8_t *bytes = &picture->pixels[place * picture->bytes_per_pixel];
    if (picture->bytes_per_pixel == 3u) {
        return (colour_t){ bytes[0], bytes[1], bytes[2] };
    }
    const uint32_t red = bytes[0] >> 3;
    const uint32_t green = (bytes[0] & 7u) << 3 | bytes[1] >> 5;
    const uint32_t blue = bytes[1] & 31u;
    return (colour_t){ (uint8_t)(red << 3 | red >> 2), (uint8_t)(green << 2 | green >> 4),
                       (uint8_t)(blue << 3 | blue >> 2) };
}

/* Luma of ITU-R 601, as picture libraries have it. */
static uint8_t grey_of(colour_t colour)
{
    return (uint8_t)((19595u * colour.red + 38470u * colour.green + 7471u * colour.blue + 0x8000u) >>
                     16);
}

int8_t picture_value(const void *from, uint32_t channel, uint32_t pixel)
{
    const picture_t *picture = from;
    const network_input_t *input = &picture->net->input;
    const uint32_t fold = input->fold;
    const uint32_t n_colours = input->channels / (fold * fold);
    const uint32_t block = channel / n_colours;
    const uint32_t which = channel % n_colours;
    const uint32_t row = fold * (pixel / input->columns) + block / fold;
    const uint32_t column = fold * (pixel % input->columns) + block % fold;
    const colour_t colour = colour_at(picture, row, column);
    uint8_t level = grey_of(colour);
    if (n_colours != GREY_CHANNELS) {
        level = which == 0 ? colour.red : which == 1u ? colour.green : colour.blue;
    }
    const int8_t(*levels)[256] = picture->net->form.levels;
    if (levels == NULL) {
        return (int8_t)(level - ZERO);
    }
    return levels[which][level];
}
