/*
 * Brings a network into the accelerator and runs it; see network.h.
 */

#include "network.h"

#include <stdio.h>

#include "led.h"
#include "mxc.h"

#define STOPWATCH MXC_TMR3 /* the network's own timer is another one */
#define LANES 4u
#define DEBUGGER_S 2

static volatile uint32_t *word_at(uint32_t address)
{
    return (volatile uint32_t *)(uintptr_t)address;
}

static void require(int status, const char *what)
{
    if (status != 1) { /* CNN_OK */
        printf("\n*** FAIL: %s ***\n", what);
        for (;;) {
        }
    }
}

void network_begin(const network_t *net)
{
    MXC_ICC_Enable(MXC_ICC0);
    MXC_SYS_Clock_Select(MXC_SYS_CLOCK_IPO);
    SystemCoreClockUpdate();

    /* A debugger can attach here, before the first sleep. */
    MXC_Delay(SEC(DEBUGGER_S));

    net->enable(MXC_S_GCR_PCLKDIV_CNNCLKSEL_PCLK, MXC_S_GCR_PCLKDIV_CNNCLKDIV_DIV1);
    require(net->init(), "the accelerator does not start");
    require(net->load_weights(), "weights");
    require(net->load_bias(), "biases");
    require(net->configure(), "layers");
}

/* -- input ------------------------------------------------------------------------------------ */

bool network_load_words(const network_t *net, uint32_t first, const uint32_t *words,
                        uint32_t n_words)
{
    const network_input_t *input = &net->input;
    const uint32_t n_all = input->n_blocks * input->n_words;
    if (first > n_all || n_words > n_all - first) {
        return false;
    }
    for (uint32_t i = 0; i < n_words; i++) {
        const uint32_t number = first + i;
        if (input->staged != NULL) {
            input->staged[number] = words[i];
        } else {
            const network_block_t *block = &input->blocks[number / input->n_words];
            word_at(block->address)[number % input->n_words] = words[i];
        }
    }
    return true;
}

/* A word of a block whose pixels follow each other byte by byte. */
static uint32_t planar_word(const network_input_t *input, const network_block_t *block,
                            uint32_t number, network_value_t value, const void *from)
{
    const uint32_t n_pixels = (uint32_t)input->rows * input->columns;
    uint32_t word = 0;
    for (uint32_t lane = 0; lane < LANES; lane++) {
        const uint32_t pixel = LANES * number + lane;
        if (pixel < n_pixels) {
            const uint8_t byte = (uint8_t)value(from, (uint32_t)block->channels[0], pixel);
            word |= (uint32_t)byte << (8u * lane);
        }
    }
    return word;
}

/* A word of a block with a byte each of up to four channels. */
static uint32_t pixel_word(const network_input_t *input, const network_block_t *block,
                           uint32_t number, network_value_t value, const void *from)
{
    const uint32_t pixel = number / input->words_per_pixel;
    const int16_t *channels = &block->channels[LANES * (number % input->words_per_pixel)];
    uint32_t word = 0;
    for (uint32_t lane = 0; lane < LANES; lane++) {
        if (channels[lane] >= 0) {
            const uint8_t byte = (uint8_t)value(from, (uint32_t)channels[lane], pixel);
            word |= (uint32_t)byte << (8u * lane);
        }
    }
    return word;
}

void network_load(const network_t *net, network_value_t value, const void *from)
{
    const network_input_t *input = &net->input;
    for (uint32_t b = 0; b < input->n_blocks; b++) {
        const network_block_t *block = &input->blocks[b];
        for (uint32_t i = 0; i < input->n_words; i++) {
            const uint32_t word = input->is_planar ? planar_word(input, block, i, value, from)
                                                   : pixel_word(input, block, i, value, from);
            (void)network_load_words(net, b * input->n_words + i, &word, 1);
        }
    }
}

/* The FIFOs run in lock step: a word for each before any gets the next one. */
static void feed_fifos(const network_input_t *input)
{
    for (uint32_t i = 0; i < input->n_words; i++) {
        for (uint32_t b = 0; b < input->n_blocks; b++) {
            const network_block_t *block = &input->blocks[b];
            while ((*word_at(input->fifo_status) & block->fifo_full) != 0) {
            }
            *word_at(block->address) = input->staged[b * input->n_words + i];
        }
    }
}

/* -- run -------------------------------------------------------------------------------------- */

static void sleep_until(const volatile uint32_t *is_done)
{
    /* Interrupts stay off between the test and the sleep, so that none is slept through. */
    __disable_irq();
    while (*is_done == 0) {
        MXC_LP_EnterSleepMode();
        __enable_irq();
        __ISB(); /* the interrupt is taken here */
        __disable_irq();
    }
    __enable_irq();
}

uint32_t network_run(const network_t *net)
{
    MXC_TMR_SW_Start(STOPWATCH);
    net->start();
    if (net->input.fifo_status != 0) {
        feed_fifos(&net->input);
    }
    sleep_until(net->time_us);
    return MXC_TMR_SW_Stop(STOPWATCH);
}

static void set_last_layer(const network_t *net, uint32_t last_layer)
{
    for (const uint32_t *address = net->last_layer_addrs; *address != 0; address++) {
        *word_at(*address) = last_layer;
    }
}

uint32_t network_run_to(const network_t *net, uint32_t last_layer)
{
    set_last_layer(net, last_layer);
    const uint32_t time_us = network_run(net);
    set_last_layer(net, net->last_layer);
    return time_us;
}
