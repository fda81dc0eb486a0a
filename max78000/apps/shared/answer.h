/*
 * What a network has answered, as a line of text: a class and its probability, or numbers.
 */

#ifndef APP_ANSWER_H
#define APP_ANSWER_H

#include "network.h"

/* Print the answer; network_t.answer comes first. */
void answer_print(const network_t *net);

/* Microseconds of a round: input, to the accelerator, network, answer. */
typedef struct {
    uint32_t input_us, load_us, network_us, answer_us;
} round_t;

/* Print how long a round took, how many there are in a second, and the network's energy. */
void round_print(const network_t *net, const round_t *round);

#endif /* APP_ANSWER_H */
