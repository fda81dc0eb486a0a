/*
 * Pose application: receives pictures on the console's serial line, finds people, sends keypoints.
 *
 * Takes the place of the generated main.c in a project of a pose network: a picture of 128x128 as
 * input, folded by 2 into 12 channels or by 4 into 48, outputs of 19 heatmaps and 38 part-affinity
 * maps. One request at a time; the host sends the next picture after the answer to the last one.
 * See docs/protocol.md.
 */

#include <stdint.h>
#include <stdio.h>

#include "mxc.h"
#include "led.h"
#include "cnn.h"

#include "decoder.h"
#include "maps.h"
#include "requests.h"

/* The folded picture: blocks of four channels, a word per pixel. */
#ifndef CNN_INPUT_ADDRS
#error "cnn.h does not say where a picture goes (CNN_INPUT_ADDRS): generate it without --fifo"
#endif
static const uint32_t input_addrs[] = CNN_INPUT_ADDRS;
#define FOLD (CNN_INPUT_WORDS == 64 * 64 ? 2 : 4)
#define FOLDED_SIDE (PICTURE_SIDE / FOLD)
#define INPUT_BLOCKS (sizeof(input_addrs) / sizeof(input_addrs[0]))
_Static_assert(CNN_INPUT_WORDS == FOLDED_SIDE * FOLDED_SIDE && INPUT_BLOCKS * 4 == 3 * FOLD * FOLD,
               "input: a picture of 128x128, folded to 12 channels of 64x64 or 48 of 32x32");

/* Two outputs, the heatmaps first, both 32 bits wide or both 8. */
#define OUTPUTS_ARE_WIDE (CNN_UNLOAD_WORDS == POSE_UNLOAD_VALUES)
#define WIDE_FRACTION_BITS 14
_Static_assert(CNN_NUM_OUTPUTS == POSE_UNLOAD_VALUES, "outputs: 19 and 38 maps of 16x16");
_Static_assert(OUTPUTS_ARE_WIDE || CNN_UNLOAD_WORDS * 4 == POSE_UNLOAD_VALUES,
               "8-bit outputs are taken unscaled: generate them with --no-scale-output");

#define ROW_BYTES (PICTURE_SIDE * 3)
#define SIGN_BITS 0x80808080u

typedef struct {
    uint32_t load_us, inference_us, unload_us, decode_us;
} times_t;

typedef struct {
    uint16_t width, height; /* pixels */
    uint16_t n_parts, max_people;
    uint32_t clock_hz;
} info_t;

/* These go out as they lie in memory. */
_Static_assert(sizeof(times_t) == 16 && sizeof(info_t) == 12, "no padding");
_Static_assert(sizeof(pose_person_t) == 4 + 6 * POSE_PARTS, "no padding");

volatile uint32_t cnn_time; /* set by the interrupt of the accelerator */

/* The picture is no longer needed when the results come. */
static union {
    uint8_t picture[PICTURE_BYTES];
    uint32_t unloaded[CNN_UNLOAD_WORDS];
} shared;
static pose_maps_t maps;
static pose_person_t people[POSE_MAX_PEOPLE];

static void reply_info(void)
{
    const info_t info = { PICTURE_SIDE, PICTURE_SIDE, POSE_PARTS, POSE_MAX_PEOPLE,
                          SystemCoreClock };
    reply_with(FRAME_INFO, &info, sizeof(info));
}

static void reply_people(const times_t *times, uint32_t n_people)
{
    const uint32_t n_bytes = n_people * (uint32_t)sizeof(people[0]);
    reply_begin(FRAME_PEOPLE, (uint32_t)sizeof(*times) + n_bytes);
    reply_add(times, sizeof(*times));
    reply_add(people, n_bytes);
    reply_end();
}

/* Channel `n` of the folded picture: byte n of the pixels of a square, row by row. */
static uint32_t channel_of(const uint8_t *square, uint32_t n)
{
    return square[n / (3 * FOLD) * ROW_BYTES + n % (3 * FOLD)];
}

/*
 * Fold the picture and subtract 128: the pixels of a square become the channels of one pixel, four
 * to a word. Flipping the sign bit subtracts 128.
 */
static void load_picture(const uint8_t *picture)
{
    for (uint32_t block = 0; block < INPUT_BLOCKS; block++) {
        volatile uint32_t *word = (volatile uint32_t *)(uintptr_t)input_addrs[block];
        for (uint32_t row = 0; row < FOLDED_SIDE; row++) {
            const uint8_t *square = &picture[FOLD * row * ROW_BYTES];
            for (uint32_t column = 0; column < FOLDED_SIDE; column++, square += 3 * FOLD) {
                const uint32_t n = 4 * block;
                *word++ = (channel_of(square, n) | channel_of(square, n + 1) << 8 |
                           channel_of(square, n + 2) << 16 | channel_of(square, n + 3) << 24) ^
                          SIGN_BITS;
            }
        }
    }
}

static void run_network(void)
{
    cnn_start();
    /* Interrupts stay off between the test and the sleep, so that none is slept through. */
    __disable_irq();
    while (cnn_time == 0) {
        MXC_LP_EnterSleepMode();
        __enable_irq();
        __ISB(); /* the interrupt is taken here */
        __disable_irq();
    }
    __enable_irq();
}

static void sort_maps(void)
{
    cnn_unload(shared.unloaded);
    if (OUTPUTS_ARE_WIDE) {
        pose_maps_from_words(&maps, (const int32_t *)shared.unloaded, WIDE_FRACTION_BITS);
    } else {
        pose_maps_from_bytes(&maps, (const int8_t *)shared.unloaded);
    }
}

static void answer_picture(void)
{
    times_t times;
    SYS_START;
    MXC_TMR_SW_Start(MXC_TMR1);
    load_picture(shared.picture);
    times.load_us = MXC_TMR_SW_Stop(MXC_TMR1);

    run_network();
    times.inference_us = cnn_time;

    MXC_TMR_SW_Start(MXC_TMR1);
    sort_maps();
    times.unload_us = MXC_TMR_SW_Stop(MXC_TMR1);

    MXC_TMR_SW_Start(MXC_TMR1);
    const uint32_t n_people = pose_decode(&maps, people);
    times.decode_us = MXC_TMR_SW_Stop(MXC_TMR1);
    SYS_COMPLETE;
    reply_people(&times, n_people);
}

static void answer(const frame_header_t *request)
{
    if (request->type == FRAME_HELLO && request->length == 0) {
        reply_info();
    } else if (request->type == FRAME_PICTURE && request->length == PICTURE_BYTES) {
        answer_picture();
    } else if (request->type == FRAME_HELLO || request->type == FRAME_PICTURE) {
        reply_error(FRAME_BAD_LENGTH);
    } else {
        reply_error(FRAME_BAD_TYPE);
    }
}

int main(void)
{
    MXC_ICC_Enable(MXC_ICC0);
    MXC_SYS_Clock_Select(MXC_SYS_CLOCK_IPO);
    SystemCoreClockUpdate();

    /* A debugger can attach here, before the first sleep. */
    MXC_Delay(SEC(2));

    cnn_enable(MXC_S_GCR_PCLKDIV_CNNCLKSEL_PCLK, MXC_S_GCR_PCLKDIV_CNNCLKDIV_DIV1);
    cnn_init();
    cnn_load_weights();
    cnn_load_bias();
    cnn_configure();
    printf("\nPose: ready for pictures\n");
    for (;;) {
        answer(request_await(shared.picture, sizeof(shared.picture)));
    }
}
