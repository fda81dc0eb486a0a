/*
 * DMA: words from a device's FIFO to memory, while the core does something else.
 */
#ifndef DMA_H
#define DMA_H

#include <stdbool.h>
#include <stdint.h>

#define DMA_N_CHANNELS 4u

/* Number of a request line: which device asks for a transfer. */
#define DMA_REQUEST_CAMERA 0x0Du

/*
 * Take words of a FIFO whenever its device asks, until there are so many bytes. `to` is on a
 * multiple of four, and n_bytes is one, below 2^24. E_BAD_PARAM: they are not, or there is no such
 * channel.
 */
int dma_receive(uint32_t channel, uint32_t request, uint32_t *to, uint32_t n_bytes);

/* Bytes that have not come yet. */
uint32_t dma_bytes_left(uint32_t channel);

/* Whether it is still at work. */
bool dma_is_busy(uint32_t channel);

/* Take no more. */
void dma_stop(uint32_t channel);

#endif
