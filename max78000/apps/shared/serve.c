/*
 * Answers requests about a network; see serve.h.
 */

#include "serve.h"

#include <string.h>

#include "mxc.h"
#include "requests.h"

#define STOPWATCH MXC_TMR3
#define CHUNK_WORDS 1024u /* of input in a request, and of memory in a reply */
#define RUN_ALL_LAYERS 0xffffffffu
#define CNN_BASE 0x50000000u
#define CNN_BYTES 0x02000000u

typedef struct {
    uint32_t checksum; /* of the network's program */
    uint32_t n_input_words;
    uint32_t n_answer_bytes; /* of cnn_finish(), 0 if there is none */
    uint32_t chunk_words;
    uint32_t clock_hz;
} greeting_t;

typedef struct {
    uint32_t network_us, answer_us;
} times_t;

typedef struct {
    uint32_t first, n_bytes;
} piece_t;

typedef struct {
    uint32_t address, n_words, step_words;
} places_t;

/* These travel as they lie in memory. */
_Static_assert(sizeof(greeting_t) == 20 && sizeof(times_t) == 8, "no padding");
_Static_assert(sizeof(piece_t) == 8 && sizeof(places_t) == 12, "no padding");

/* A request's payload, or the words of a reply: never both. */
static uint32_t words[1 + CHUNK_WORDS];

static void greet(const network_t *net)
{
    const greeting_t greeting = {
        .checksum = net->checksum,
        .n_input_words = net->input.n_blocks * net->input.n_words,
        .n_answer_bytes = net->output.n_finished_bytes,
        .chunk_words = CHUNK_WORDS,
        .clock_hz = SystemCoreClock,
    };
    reply_with(FRAME_NETWORK, &greeting, sizeof(greeting));
}

static void take_input(const network_t *net, uint32_t n_bytes)
{
    const uint32_t n_words = n_bytes / sizeof(words[0]) - 1;
    if (network_load_words(net, words[0], &words[1], n_words)) {
        reply_with(FRAME_TAKEN, NULL, 0);
    } else {
        reply_error(FRAME_BAD_PLACE);
    }
}

static void run(const network_t *net)
{
    times_t times = { 0, 0 };
    if (words[0] != RUN_ALL_LAYERS && words[0] > net->last_layer) {
        reply_error(FRAME_BAD_PLACE);
        return;
    }
    if (words[0] == RUN_ALL_LAYERS) {
        times.network_us = network_run(net);
        MXC_TMR_SW_Start(STOPWATCH);
        net->answer();
        times.answer_us = MXC_TMR_SW_Stop(STOPWATCH);
    } else {
        times.network_us = network_run_to(net, words[0]);
    }
    reply_with(FRAME_DONE, &times, sizeof(times));
}

static void tell_answer(const network_t *net)
{
    const uint32_t n_all = net->output.n_finished_bytes;
    piece_t piece;
    memcpy(&piece, words, sizeof(piece));
    if (piece.n_bytes > sizeof(words) || piece.first > n_all ||
        piece.n_bytes > n_all - piece.first) {
        reply_error(FRAME_BAD_PLACE);
        return;
    }
    const uint8_t *bytes = net->output.finished;
    reply_with(FRAME_BYTES, bytes + piece.first, piece.n_bytes);
}

static bool are_in_accelerator(const places_t *places)
{
    const uint32_t offset = places->address - CNN_BASE;
    const uint32_t most = CNN_BYTES / sizeof(words[0]);
    return places->address % sizeof(words[0]) == 0 && offset < CNN_BYTES &&
           places->n_words <= CHUNK_WORDS &&
           (uint64_t)places->n_words * places->step_words <= most - offset / sizeof(words[0]);
}

static void tell_memory(void)
{
    places_t places;
    memcpy(&places, words, sizeof(places));
    if (!are_in_accelerator(&places)) {
        reply_error(FRAME_BAD_PLACE);
        return;
    }
    const volatile uint32_t *word = (const volatile uint32_t *)(uintptr_t)places.address;
    for (uint32_t i = 0; i < places.n_words; i++) {
        words[i] = word[i * places.step_words];
    }
    reply_with(FRAME_BYTES, words, places.n_words * (uint32_t)sizeof(words[0]));
}

/* Whether a request's length is right; one of input holds a number and at least a word. */
static bool has_length(const frame_header_t *request)
{
    switch (request->type) {
    case FRAME_HELLO:
        return request->length == 0;
    case FRAME_INPUT:
        return request->length >= 2 * sizeof(words[0]) && request->length % sizeof(words[0]) == 0;
    case FRAME_RUN:
        return request->length == sizeof(words[0]);
    case FRAME_ANSWER:
        return request->length == sizeof(piece_t);
    default:
        return request->length == sizeof(places_t);
    }
}

static void answer(const network_t *net, const frame_header_t *request)
{
    const uint8_t type = request->type;
    if (type != FRAME_HELLO && (type < FRAME_INPUT || type > FRAME_MEMORY)) {
        reply_error(FRAME_BAD_TYPE);
    } else if (!has_length(request)) {
        reply_error(FRAME_BAD_LENGTH);
    } else if (type == FRAME_HELLO) {
        greet(net);
    } else if (type == FRAME_INPUT) {
        take_input(net, request->length);
    } else if (type == FRAME_RUN) {
        run(net);
    } else if (type == FRAME_ANSWER) {
        tell_answer(net);
    } else {
        tell_memory();
    }
}

_Noreturn void serve(const network_t *net)
{
    for (;;) {
        answer(net, request_await((uint8_t *)words, sizeof(words)));
    }
}
