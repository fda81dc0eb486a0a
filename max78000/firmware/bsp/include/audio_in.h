/*
 * The microphone on I2S: signed samples of 16 bits at a rate that 12.288 MHz can be divided to.
 */
#ifndef AUDIO_IN_H
#define AUDIO_IN_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Begin to listen. E_BAD_PARAM: 96000 is no multiple of the rate. E_COMM_ERR: the board does not
 * switch the microphone on.
 */
int audio_begin(uint32_t rate_hz);

/* Stop; what comes is lost until the next begin. */
void audio_end(void);

/*
 * Take the next samples, as they come. False if some before or among them were lost, since nobody
 * took them in time: eight fit the FIFO, 0.5 ms at 16 kHz.
 */
bool audio_take(int16_t *samples, uint32_t n_samples);

#endif
