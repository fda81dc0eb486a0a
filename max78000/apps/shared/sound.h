/*
 * From samples of a microphone to the network's input; the same numbers as the host makes of them.
 */

#ifndef APP_SOUND_H
#define APP_SOUND_H

#include <stdint.h>

#include "network.h"

/* As many samples as the network takes, at its rate. */
typedef struct {
    const network_t *net;
    const int16_t *samples;
} sound_t;

uint32_t sound_length(const network_t *net);

/* For network_load(): channel c of step t is sample C t + c. */
int8_t sound_value(const void *from, uint32_t channel, uint32_t pixel);

#endif /* APP_SOUND_H */
