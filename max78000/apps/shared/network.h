/*
 * One network as an application sees it: what it takes, what it answers, the code that runs it.
 *
 * The value is in network.c of a project, which `max78000 new` writes; everything here is the same
 * for all networks.
 */

#ifndef APP_NETWORK_H
#define APP_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A block of four channels of the input. Its words follow each other in the accelerator's memory
 * (or go to one FIFO): pixel after pixel, words_per_pixel words each, four bytes a word.
 */
typedef struct {
    uint32_t address;        /* of its first word, or of the FIFO */
    const int16_t *channels; /* of every byte of a pixel's words; -1: none */
    uint32_t fifo_full;      /* bit of the status register; 0: memory */
} network_block_t;

/* The input, as the accelerator takes it: pictures folded, if the network folds them. */
typedef struct {
    uint16_t channels, rows, columns;
    uint16_t fold; /* the picture has so many times the rows and columns; 1: the same */
    uint16_t words_per_pixel;
    bool is_planar; /* a block is one channel, four pixels a word */
    uint16_t n_blocks;
    uint32_t n_words; /* of each block */
    const network_block_t *blocks;
    uint32_t fifo_status; /* address; 0: the input goes to memory before the network starts */
    uint32_t *staged;     /* input for the FIFOs, n_blocks * n_words; NULL for memory */
} network_input_t;

/* From numbers of the source to signed bytes: floor((value - zero) * scale + 0.5). */
typedef struct {
    const int8_t (*levels)[256]; /* by channel of the picture and byte; NULL: byte - 128 */
    float zero, scale;           /* for recordings, whose full scale is 1 */
    uint32_t rate;               /* samples a second; 0: not for recordings */
} network_form_t;

typedef enum {
    VALUES_INT8,
    VALUES_INT16,
    VALUES_INT32,
    VALUES_FLOAT,
    VALUES_INDEX /* of a class */
} values_kind_t;

/* What the answers are; the core has them after network_t.answer(). */
typedef struct {
    const void *finished; /* what cnn_finish() computes; NULL: nothing */
    uint32_t n_finished_bytes;
    const void *values; /* the first answer: of cnn_finish(), or else of cnn_unload() */
    uint32_t n_values;
    values_kind_t kind;
    float unit; /* real number for an integer 1 */
    const char *const *labels; /* names of classes; NULL: none are known */
    uint32_t n_labels;
} network_output_t;

typedef struct {
    const char *name;
    uint32_t checksum; /* CRC-32 of program.json, by which the host knows the network */
    network_input_t input;
    network_form_t form;
    network_output_t output;
    const uint32_t *last_layer_addrs; /* registers that say which layer is the last, 0 at the end */
    uint32_t last_layer;
    uint32_t energy_uj; /* of input and inference, an estimate; 0: nobody says */
    void *raw; /* room for a picture of two bytes a pixel, or a recording of 16 bits; or NULL */
    int (*enable)(uint32_t clock_source, uint32_t clock_divider);
    int (*init)(void);
    int (*load_weights)(void);
    int (*load_bias)(void);
    int (*configure)(void);
    int (*start)(void);
    void (*answer)(void); /* cnn_unload(), and cnn_finish() if there is one */
    volatile uint32_t *time_us; /* 0 while the network runs; 1 without a timer */
} network_t;

extern const network_t network;

/*
 * 100 MHz, caches, two seconds for a debugger, power and clock of the accelerator, the network in
 * it. Prints a line. Stops with one if that fails.
 */
void network_begin(const network_t *net);

/* One channel's value of a pixel, rows * columns of them, to network_load(). */
typedef int8_t (*network_value_t)(const void *from, uint32_t channel, uint32_t pixel);

/* Put an input together, value by value, and give it to the accelerator. */
void network_load(const network_t *net, network_value_t value, const void *from);

/* Give words of the input to the accelerator: numbers count through all blocks. */
bool network_load_words(const network_t *net, uint32_t first, const uint32_t *words,
                        uint32_t n_words);

/* Run the network, asleep until it is done; returns the time it took, microseconds. */
uint32_t network_run(const network_t *net);

/* Run up to a layer. */
uint32_t network_run_to(const network_t *net, uint32_t last_layer);

#endif /* APP_NETWORK_H */
