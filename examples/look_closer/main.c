/*
 * Find a person, then look closer: the pose network says where shoulders and hips are, and what lies
 * between them goes to a second network, which reads the number there.
 *
 * Takes the place of main.c in a project of the networks `pose` and `digit`; see README.md. Pictures
 * come from the camera.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "image_sensor.h"
#include "mxc.h"
#include "led.h"
#include "cnn.h"
#include "digit_cnn.h"
#include "pose_cnn.h"

#define SIDE 128u /* of the picture */
#define FOLD 2u
#define BLOCKS 3u /* of four channels: 12 of the folded picture */
#define MAP_SIDE 16u
#define MAPS 19u
#define CELL (SIDE / MAP_SIDE) /* pixels */
#define LEAST_PEAK (16384 / 5) /* a fifth: 1.0 is 16384 */
#define DIGIT_SIDE 28u
#define DIGITS 10u
#define SIGN_BITS 0x80808080u

_Static_assert(POSE_CNN_INPUT_WORDS == SIDE * SIDE / (FOLD * FOLD), "128x128, folded by two");
_Static_assert(POSE_CNN_UNLOAD_WORDS >= MAPS * MAP_SIDE * MAP_SIDE, "19 maps of 16x16 first");
_Static_assert(DIGIT_CNN_INPUT_WORDS * 4 == DIGIT_SIDE * DIGIT_SIDE, "a grey picture of 28x28");
_Static_assert(DIGIT_CNN_UNLOAD_WORDS == DIGITS, "ten scores of 32 bits");

typedef struct {
    uint32_t row, column, side; /* pixels */
} square_t;

typedef struct {
    uint8_t red, green, blue;
} colour_t;

static const uint32_t chest_parts[] = { 2, 5, 8, 11 }; /* shoulders and hips among the maps */

volatile uint32_t cnn_time; /* set by the interrupt of the accelerator */

static uint32_t picture[SIDE * SIDE / 2]; /* RRRRRGGG GGGBBBBB each */
static int32_t pose_maps[POSE_CNN_UNLOAD_WORDS];
static int32_t digit_scores[DIGIT_CNN_UNLOAD_WORDS];

/* Five or six bits become eight: the highest are repeated below, so that full stays full. */
static colour_t colour_at(uint32_t row, uint32_t column)
{
    const uint8_t *bytes = (const uint8_t *)picture + 2 * (SIDE * row + column);
    const uint32_t red = bytes[0] >> 3;
    const uint32_t green = (bytes[0] & 7u) << 3 | bytes[1] >> 5;
    const uint32_t blue = bytes[1] & 31u;
    return (colour_t){ (uint8_t)(red << 3 | red >> 2), (uint8_t)(green << 2 | green >> 4),
                       (uint8_t)(blue << 3 | blue >> 2) };
}

static uint32_t grey_at(uint32_t row, uint32_t column)
{
    const colour_t colour = colour_at(row, column);
    return (19595u * colour.red + 38470u * colour.green + 7471u * colour.blue + 0x8000u) >> 16;
}

/* Channel n of the folded picture: colours of the first of four pixels, then of the next. */
static uint32_t folded(uint32_t n, uint32_t row, uint32_t column)
{
    const uint32_t block = n / 3;
    const colour_t colour =
        colour_at(FOLD * row + block / FOLD, FOLD * column + block % FOLD);
    return n % 3 == 0 ? colour.red : n % 3 == 1 ? colour.green : colour.blue;
}

static void load_whole(void)
{
    static const uint32_t addresses[BLOCKS] = POSE_CNN_INPUT_ADDRS;
    for (uint32_t block = 0; block < BLOCKS; block++) {
        volatile uint32_t *word = (volatile uint32_t *)(uintptr_t)addresses[block];
        for (uint32_t row = 0; row < SIDE / FOLD; row++) {
            for (uint32_t column = 0; column < SIDE / FOLD; column++) {
                uint32_t lanes = 0;
                for (uint32_t lane = 0; lane < 4; lane++) {
                    lanes |= folded(4 * block + lane, row, column) << (8 * lane);
                }
                *word++ = lanes ^ SIGN_BITS; /* less 128 */
            }
        }
    }
}

/* The part of the picture in a square, brought to 28x28 by the nearest pixels. */
static void load_closer(const square_t *square)
{
    static const uint32_t addresses[] = DIGIT_CNN_INPUT_ADDRS;
    volatile uint32_t *word = (volatile uint32_t *)(uintptr_t)addresses[0];
    for (uint32_t pixel = 0; pixel < DIGIT_SIDE * DIGIT_SIDE; pixel += 4) {
        uint32_t four = 0;
        for (uint32_t lane = 0; lane < 4; lane++) {
            const uint32_t down = (pixel + lane) / DIGIT_SIDE, across = (pixel + lane) % DIGIT_SIDE;
            const uint32_t row = square->row + down * square->side / DIGIT_SIDE;
            const uint32_t column = square->column + across * square->side / DIGIT_SIDE;
            four |= grey_at(row, column) << (8 * lane);
        }
        *word++ = four ^ SIGN_BITS;
    }
}

static void run(int (*start)(void))
{
    start();
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

/* Blocks of four channels; inside a block pixel by pixel, the last one has three. */
static int32_t map_value(uint32_t map, uint32_t cell)
{
    const uint32_t first = map & ~3u, width = MAPS - first < 4 ? MAPS - first : 4;
    return pose_maps[first * MAP_SIDE * MAP_SIDE + cell * width + (map - first)];
}

/* Where a map is highest, its neighbours weighed in: pixels. False if it is nowhere high. */
static bool find_part(uint32_t map, uint32_t *row, uint32_t *column)
{
    uint32_t best = 0;
    for (uint32_t cell = 1; cell < MAP_SIDE * MAP_SIDE; cell++) {
        if (map_value(map, cell) > map_value(map, best)) {
            best = cell;
        }
    }
    int64_t sum = 0, rows = 0, columns = 0;
    const int32_t at_row = (int32_t)(best / MAP_SIDE), at_column = (int32_t)(best % MAP_SIDE);
    for (int32_t i = at_row - 1; i <= at_row + 1; i++) {
        for (int32_t j = at_column - 1; j <= at_column + 1; j++) {
            if (i >= 0 && j >= 0 && i < (int32_t)MAP_SIDE && j < (int32_t)MAP_SIDE) {
                const int32_t value = map_value(map, (uint32_t)i * MAP_SIDE + (uint32_t)j);
                const int32_t weight = value > 0 ? value : 0;
                sum += weight;
                rows += (int64_t)weight * (2 * i + 1);
                columns += (int64_t)weight * (2 * j + 1);
            }
        }
    }
    if (map_value(map, best) < LEAST_PEAK) {
        return false;
    }
    *row = (uint32_t)(rows * (int32_t)CELL / (2 * sum));
    *column = (uint32_t)(columns * (int32_t)CELL / (2 * sum));
    return true;
}

/* The square between shoulders and hips, inside the picture. */
static bool find_chest(square_t *square)
{
    uint32_t top = SIDE, left = SIDE, bottom = 0, right = 0;
    for (uint32_t i = 0; i < sizeof(chest_parts) / sizeof(chest_parts[0]); i++) {
        uint32_t row, column;
        if (!find_part(chest_parts[i], &row, &column)) {
            return false;
        }
        top = row < top ? row : top;
        bottom = row > bottom ? row : bottom;
        left = column < left ? column : left;
        right = column > right ? column : right;
    }
    const uint32_t height = bottom - top, width = right - left;
    const uint32_t side = height > width ? height : width;
    const uint32_t twice_row = top + bottom, twice_column = left + right;
    if (side == 0 || twice_row < side || twice_column < side || twice_row + side >= 2 * SIDE ||
        twice_column + side >= 2 * SIDE) {
        return false;
    }
    *square = (square_t){ (twice_row - side) / 2, (twice_column - side) / 2, side };
    return true;
}

static uint32_t read_digit(void)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < DIGITS; i++) {
        if (digit_scores[i] > digit_scores[best]) {
            best = i;
        }
    }
    return best;
}

/* The whole picture, then, if there is somebody, the square before the chest. */
static void look(void)
{
    square_t square;

    pose_cnn_select();
    load_whole();
    run(pose_cnn_start);
    const uint32_t pose_us = cnn_time;
    pose_cnn_unload((uint32_t *)pose_maps);
    if (!find_chest(&square)) {
        printf("nobody\n");
        return;
    }

    digit_cnn_select();
    load_closer(&square);
    run(digit_cnn_start);
    digit_cnn_unload((uint32_t *)digit_scores);
    printf("a person with number %lu, at rows %lu to %lu, columns %lu to %lu "
           "(%lu and %lu us)\n",
           (unsigned long)read_digit(), (unsigned long)square.row,
           (unsigned long)(square.row + square.side), (unsigned long)square.column,
           (unsigned long)(square.column + square.side), (unsigned long)pose_us,
           (unsigned long)cnn_time);
}

int main(void)
{
    MXC_ICC_Enable(MXC_ICC0);
    MXC_SYS_Clock_Select(MXC_SYS_CLOCK_IPO);
    SystemCoreClockUpdate();
    MXC_Delay(SEC(2)); /* a debugger can attach here, before the first sleep */

    cnn_enable(MXC_S_GCR_PCLKDIV_CNNCLKSEL_PCLK, MXC_S_GCR_PCLKDIV_CNNCLKDIV_DIV1);
    if (sensor_begin(SIDE, SIDE, SENSOR_RGB565) != E_NO_ERROR) {
        printf("\n*** FAIL: no camera answers ***\n");
        return 1;
    }
    printf("\nlooking\n");
    for (;;) {
        if (sensor_take(picture)) {
            look();
        }
    }
}
