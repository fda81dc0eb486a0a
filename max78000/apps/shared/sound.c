/*
 * Recordings as the network takes them; see sound.h.
 */

#include "sound.h"

#define FULL_SCALE 32768.0f

uint32_t sound_length(const network_t *net)
{
    return (uint32_t)net->input.channels * net->input.rows * net->input.columns;
}

/* The largest whole number that is not above; |value| is below 2^31. */
static int32_t floor_of(float value)
{
    const int32_t whole = (int32_t)value;
    return (float)whole > value ? whole - 1 : whole;
}

int8_t sound_value(const void *from, uint32_t channel, uint32_t pixel)
{
    const sound_t *sound = from;
    const network_form_t *form = &sound->net->form;
    const int16_t sample = sound->samples[sound->net->input.channels * pixel + channel];
    /* One operation a statement, so that no compiler joins two and rounds only once. */
    const float real = (float)sample / FULL_SCALE;
    const float moved = real - form->zero;
    const float scaled = moved * form->scale;
    const float raised = scaled + 0.5f;
    const int32_t whole = floor_of(raised);
    return (int8_t)(whole > INT8_MAX ? INT8_MAX : whole < INT8_MIN ? INT8_MIN : whole);
}
