/*
 * The integer decoder; see decoder.h. Formats and roundings of every step are those of the table in
 * ai8x_models/tasks/pose/decoder_arithmetic.py: Q14 maps and scores, Q8 positions in cells, Q16
 * logarithms. Values and products fit 32 bits.
 */

#include "decoder.h"

#include <stdbool.h>
#include <string.h>

#include "log_table.h"

#define MAX_PEAKS 8                               /* of one part */
#define MAX_POSES (POSE_PARTS * MAX_PEAKS / 2)    /* every pose opens with two peaks of its own */
#define N_SAMPLES 10                              /* along a limb */
#define MIN_SAMPLES 8                             /* of them above the threshold */
#define MIN_PARTS 3

#define Q14_BITS 14
#define CELL_Q8 256
#define LOG_FLOOR 16         /* 1/1024: an empty neighbour counts, but not without end */
#define PEAK_THRESHOLD 1638  /* floor(0.1 * 2^14), to be exceeded */
#define SAMPLE_THRESHOLD 819 /* floor(0.05 * 2^14), to be exceeded */
#define MIN_MEAN_SCORE 3277  /* ceil(0.2 * 2^14), to be reached */

_Static_assert((-1 >> 1) == -1, "right shifts of negative numbers must round down");

typedef struct {
    int16_t x, y; /* Q8 cells */
    int16_t value;
} peak_t;

typedef struct {
    peak_t peaks[MAX_PEAKS]; /* highest first */
    uint32_t n;
} peak_list_t;

typedef struct {
    int32_t score;
    uint32_t n_parts; /* 0: merged into another pose */
    int8_t peak_of_part[POSE_PARTS];
} pose_t;

typedef struct {
    uint8_t part_a, part_b;
    bool is_completing; /* opens no pose */
} limb_t;

enum { NONE = -1 };

/* Work space; pose_decode() sets all of it anew. */
static peak_list_t peaks_of_part[POSE_PARTS];
static int8_t owner_of_peak[POSE_PARTS][MAX_PEAKS];
static pose_t poses[MAX_POSES];
static uint32_t n_poses;

/* Limb k points from part A to part B; shoulder to ear (9, 13) only completes a pose. */
static const limb_t LIMBS[POSE_LIMBS] = {
    { 1, 8, false },   { 8, 9, false },   { 9, 10, false }, { 1, 11, false },  { 11, 12, false },
    { 12, 13, false }, { 1, 2, false },   { 2, 3, false },  { 3, 4, false },   { 2, 16, true },
    { 1, 5, false },   { 5, 6, false },   { 6, 7, false },  { 5, 17, true },   { 1, 0, false },
    { 0, 14, false },  { 0, 15, false },  { 14, 16, false }, { 15, 17, false },
};

/* Neck first, what only completes last. */
static const uint8_t DECODING_ORDER[POSE_LIMBS] = { 6, 10, 7,  8,  11, 12, 0,  1, 2, 3,
                                                    4, 5,  14, 15, 17, 16, 18, 9, 13 };

/* To the nearest integer, halves away from zero; the denominator is positive. */
static int32_t round_divide(int32_t numerator, int32_t denominator)
{
    const int32_t size = numerator < 0 ? -numerator : numerator;
    const int32_t quotient = (size + denominator / 2) / denominator;
    return numerator < 0 ? -quotient : quotient;
}

/* Square root, rounded down. */
static int32_t floor_sqrt(uint32_t value)
{
    uint32_t root = 0;
    for (uint32_t bit = 1u << 15; bit != 0; bit >>= 1) {
        const uint32_t trial = root | bit;
        if (trial * trial <= value) {
            root = trial;
        }
    }
    return (int32_t)root;
}

/* Base-2 logarithm of a Q14 value, Q16, counted from 2^-14. */
static int32_t logarithm(int32_t value)
{
    const uint32_t floored = value < LOG_FLOOR ? LOG_FLOOR : (uint32_t)value;
    const uint32_t exponent = 31u - (uint32_t)__builtin_clz(floored);
    const uint32_t mantissa = ((floored << 8) >> exponent) & 0xffu;
    return (int32_t)((exponent << 16) + LOG_TABLE[mantissa]);
}

/*
 * From a peak's cell to the top of the parabola through three logarithms, Q8 cells; exact for a
 * Gaussian. `step` leads to the next cell, `at` is the peak's row or column.
 */
static int32_t sub_cell_offset(const int16_t *peak, int step, unsigned at)
{
    if (at == 0 || at == MAP_SIDE - 1) {
        return 0;
    }
    const int32_t before = logarithm(peak[-step]);
    const int32_t after = logarithm(peak[step]);
    const int32_t curvature = 2 * logarithm(*peak) - before - after;
    return curvature > 0 ? round_divide(CELL_Q8 / 2 * (after - before), curvature) : 0;
}

/* Above the threshold, above the left and upper, and not below the right and lower neighbour. */
static bool is_peak(const int16_t *value, unsigned row, unsigned column)
{
    return *value > PEAK_THRESHOLD && (column == 0 || *value > value[-1]) &&
           (row == 0 || *value > value[-MAP_SIDE]) &&
           (column == MAP_SIDE - 1 || *value >= value[1]) &&
           (row == MAP_SIDE - 1 || *value >= value[MAP_SIDE]);
}

/* Keep a list sorted, the earlier one first among equals; what no longer fits drops out. */
static void insert_peak(peak_list_t *list, peak_t peak)
{
    uint32_t place = list->n;
    while (place > 0 && list->peaks[place - 1].value < peak.value) {
        place--;
    }
    if (place == MAX_PEAKS) {
        return;
    }
    list->n += list->n < MAX_PEAKS;
    for (uint32_t i = list->n - 1; i > place; i--) {
        list->peaks[i] = list->peaks[i - 1];
    }
    list->peaks[place] = peak;
}

static void find_peaks(const int16_t *channel, peak_list_t *list)
{
    list->n = 0;
    for (unsigned cell = 0; cell < MAP_CELLS; cell++) {
        const unsigned row = cell / MAP_SIDE;
        const unsigned column = cell % MAP_SIDE;
        const int16_t *value = &channel[cell];
        if (is_peak(value, row, column)) {
            const int32_t x = (int32_t)column * CELL_Q8 + sub_cell_offset(value, 1, column);
            const int32_t y = (int32_t)row * CELL_Q8 + sub_cell_offset(value, MAP_SIDE, row);
            insert_peak(list, (peak_t){ (int16_t)x, (int16_t)y, *value });
        }
    }
}

/*
 * Mean of the field along the limb over the samples that pass, Q14; 0 if too few do. Samples lie
 * evenly from end to end, both included, and read the nearest cell.
 */
static int32_t limb_score(const int16_t *field_x, const int16_t *field_y, peak_t a, peak_t b)
{
    const int32_t dx = b.x - a.x;
    const int32_t dy = b.y - a.y;
    const int32_t length_q11 = floor_sqrt(64u * (uint32_t)(dx * dx + dy * dy));
    if (length_q11 == 0) {
        return 0;
    }
    const int32_t unit_x = round_divide(dx * (1 << 17), length_q11); /* Q14 */
    const int32_t unit_y = round_divide(dy * (1 << 17), length_q11);
    int32_t n_passing = 0;
    int32_t sum = 0;
    for (int32_t s = 0; s < N_SAMPLES; s++) {
        const int32_t last = N_SAMPLES - 1;
        const int32_t column = (last * (a.x + CELL_Q8 / 2) + s * dx) / (last * CELL_Q8);
        const int32_t row = (last * (a.y + CELL_Q8 / 2) + s * dy) / (last * CELL_Q8);
        const int32_t cell = row * MAP_SIDE + column;
        const int32_t dot = (field_x[cell] * unit_x + field_y[cell] * unit_y +
                             (1 << (Q14_BITS - 1))) >> Q14_BITS;
        if (dot > SAMPLE_THRESHOLD) {
            n_passing++;
            sum += dot;
        }
    }
    return n_passing >= MIN_SAMPLES ? round_divide(sum, n_passing) : 0;
}

static bool share_a_part(const pose_t *first, const pose_t *second)
{
    for (unsigned part = 0; part < POSE_PARTS; part++) {
        if (first->peak_of_part[part] != NONE && second->peak_of_part[part] != NONE) {
            return true;
        }
    }
    return false;
}

/* Move all parts of the second pose to the first. */
static void merge(int first, int second)
{
    pose_t *into = &poses[first];
    pose_t *from = &poses[second];
    for (unsigned part = 0; part < POSE_PARTS; part++) {
        const int8_t peak = from->peak_of_part[part];
        if (peak != NONE) {
            into->peak_of_part[part] = peak;
            owner_of_peak[part][peak] = (int8_t)first;
        }
    }
    into->score += from->score;
    into->n_parts += from->n_parts;
    from->n_parts = 0;
}

static int open_pose(void)
{
    pose_t *pose = &poses[n_poses];
    pose->score = 0;
    pose->n_parts = 0;
    memset(pose->peak_of_part, NONE, sizeof(pose->peak_of_part));
    return (int)n_poses++;
}

static void add_part(int pose_index, unsigned part, unsigned peak)
{
    pose_t *pose = &poses[pose_index];
    pose->peak_of_part[part] = (int8_t)peak;
    pose->score += peaks_of_part[part].peaks[peak].value;
    pose->n_parts++;
    owner_of_peak[part][peak] = (int8_t)pose_index;
}

/*
 * Let an accepted limb strengthen, merge, extend or open poses, or drop it: two poses merge if they
 * share no part, a pose takes the other end if it lacks that part.
 */
static void join(const limb_t *limb, unsigned peak_a, unsigned peak_b, int32_t score)
{
    const int first = owner_of_peak[limb->part_a][peak_a];
    const int second = owner_of_peak[limb->part_b][peak_b];
    if (first != NONE && second != NONE) {
        if (first == second) {
            poses[first].score += score;
        } else if (!share_a_part(&poses[first], &poses[second])) {
            poses[first].score += score;
            merge(first, second);
        }
    } else if (first != NONE) {
        if (poses[first].peak_of_part[limb->part_b] == NONE) {
            poses[first].score += score;
            add_part(first, limb->part_b, peak_b);
        }
    } else if (second != NONE) {
        if (poses[second].peak_of_part[limb->part_a] == NONE) {
            poses[second].score += score;
            add_part(second, limb->part_a, peak_a);
        }
    } else if (!limb->is_completing) {
        const int opened = open_pose();
        poses[opened].score = score;
        add_part(opened, limb->part_a, peak_a);
        add_part(opened, limb->part_b, peak_b);
    }
}

/* Take the pairs of a limb's peaks by their scores, highest first, every peak once. */
static void join_best_pairs(const limb_t *limb, int32_t scores[MAX_PEAKS][MAX_PEAKS])
{
    const uint32_t n_a = peaks_of_part[limb->part_a].n;
    const uint32_t n_b = peaks_of_part[limb->part_b].n;
    for (;;) {
        unsigned best_a = 0;
        unsigned best_b = 0;
        int32_t best = 0;
        for (unsigned a = 0; a < n_a; a++) {
            for (unsigned b = 0; b < n_b; b++) {
                if (scores[a][b] > best) {
                    best = scores[a][b];
                    best_a = a;
                    best_b = b;
                }
            }
        }
        if (best == 0) {
            return;
        }
        join(limb, best_a, best_b, best);
        for (unsigned i = 0; i < MAX_PEAKS; i++) {
            scores[best_a][i] = 0;
            scores[i][best_b] = 0;
        }
    }
}

static void link_peaks(const pose_maps_t *maps)
{
    int32_t scores[MAX_PEAKS][MAX_PEAKS] = { { 0 } };
    for (unsigned i = 0; i < POSE_LIMBS; i++) {
        const unsigned k = DECODING_ORDER[i];
        const peak_list_t *starts = &peaks_of_part[LIMBS[k].part_a];
        const peak_list_t *ends = &peaks_of_part[LIMBS[k].part_b];
        for (unsigned a = 0; a < starts->n; a++) {
            for (unsigned b = 0; b < ends->n; b++) {
                scores[a][b] = limb_score(maps->paf[2 * k], maps->paf[2 * k + 1],
                                          starts->peaks[a], ends->peaks[b]);
            }
        }
        join_best_pairs(&LIMBS[k], scores);
    }
}

static int16_t to_pixel_q8(int16_t cell_q8)
{
    return (int16_t)(CELL_PIXELS * (cell_q8 + CELL_Q8 / 2) - CELL_Q8 / 2);
}

static void write_person(const pose_t *pose, pose_person_t *person)
{
    memset(person, 0, sizeof(*person));
    person->score = pose->score;
    for (unsigned part = 0; part < POSE_PARTS; part++) {
        if (pose->peak_of_part[part] != NONE) {
            const peak_t *peak = &peaks_of_part[part].peaks[pose->peak_of_part[part]];
            person->parts[part].x = to_pixel_q8(peak->x);
            person->parts[part].y = to_pixel_q8(peak->y);
            person->parts[part].value = peak->value;
        }
    }
}

/* The best pose that is good enough, the earlier one among equals; NULL if there is none. */
static pose_t *best_pose(void)
{
    pose_t *best = NULL;
    for (uint32_t i = 0; i < n_poses; i++) {
        pose_t *pose = &poses[i];
        const bool is_kept = pose->n_parts >= MIN_PARTS &&
                             pose->score >= (int32_t)pose->n_parts * MIN_MEAN_SCORE;
        if (is_kept && (best == NULL || pose->score > best->score)) {
            best = pose;
        }
    }
    return best;
}

uint32_t pose_decode(const pose_maps_t *maps, pose_person_t people[POSE_MAX_PEOPLE])
{
    n_poses = 0;
    memset(owner_of_peak, NONE, sizeof(owner_of_peak));
    for (unsigned part = 0; part < POSE_PARTS; part++) {
        find_peaks(maps->heat[part], &peaks_of_part[part]);
    }
    link_peaks(maps);

    uint32_t n_people = 0;
    for (pose_t *pose; n_people < POSE_MAX_PEOPLE && (pose = best_pose()) != NULL; n_people++) {
        write_person(pose, &people[n_people]);
        pose->n_parts = 0;
    }
    return n_people;
}
