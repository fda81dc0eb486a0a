/*
 * Answers as text; see answer.h. Reals are printed as integers: a small printf() has none.
 */

#include "answer.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>

#define N_SHOWN 6u
#define SECOND_US 1000000u

/* A value of the first result as a real number. */
static float value_at(const network_output_t *output, uint32_t index)
{
    switch (output->kind) {
    case VALUES_INT8:
        return (float)((const int8_t *)output->values)[index] * output->unit;
    case VALUES_INT16:
        return (float)((const int16_t *)output->values)[index] * output->unit;
    case VALUES_FLOAT:
        return ((const float *)output->values)[index];
    default:
        return (float)((const int32_t *)output->values)[index] * output->unit;
    }
}

static uint32_t largest_of(const network_output_t *output)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < output->n_values; i++) {
        if (value_at(output, i) > value_at(output, best)) {
            best = i;
        }
    }
    return best;
}

/* The share that a soft-max gives the largest value, in thousandths. */
static uint32_t share_of(const network_output_t *output, uint32_t best)
{
    const float most = value_at(output, best);
    float sum = 0.0f;
    for (uint32_t i = 0; i < output->n_values; i++) {
        sum += expf(value_at(output, i) - most);
    }
    return (uint32_t)(1000.0f / sum + 0.5f);
}

static void print_numbers(const network_output_t *output)
{
    const uint32_t n_shown = output->n_values < N_SHOWN ? output->n_values : N_SHOWN;
    printf("%u numbers, in thousandths:", (unsigned)output->n_values);
    for (uint32_t i = 0; i < n_shown; i++) {
        const float thousandths = value_at(output, i) * 1000.0f;
        printf(" %ld", (long)(thousandths + (thousandths < 0.0f ? -0.5f : 0.5f)));
    }
    printf("%s\n", n_shown < output->n_values ? " ..." : "");
}

void answer_print(const network_t *net)
{
    const network_output_t *output = &net->output;
    if (output->kind == VALUES_INDEX && output->n_labels != 0) {
        const uint32_t index = (uint32_t)((const int32_t *)output->values)[0];
        printf("%s\n", index < output->n_labels ? output->labels[index] : "?");
    } else if (output->n_labels != 0 && output->n_labels == output->n_values) {
        const uint32_t best = largest_of(output);
        const uint32_t share = share_of(output, best);
        printf("%s %lu.%lu%%\n", output->labels[best], (unsigned long)(share / 10u),
               (unsigned long)(share % 10u));
    } else {
        print_numbers(output);
    }
}

void round_print(const network_t *net, const round_t *round)
{
    const uint32_t all_us =
        round->input_us + round->load_us + round->network_us + round->answer_us;
    const uint32_t rate = all_us == 0 ? 0 : 10u * SECOND_US / all_us;
    printf("input %lu us, loading %lu us, network %lu us, answer %lu us: %lu.%lu a second",
           (unsigned long)round->input_us, (unsigned long)round->load_us,
           (unsigned long)round->network_us, (unsigned long)round->answer_us,
           (unsigned long)(rate / 10u), (unsigned long)(rate % 10u));
    if (net->energy_uj != 0) {
        printf(", %lu uJ a network (estimate)", (unsigned long)net->energy_uj);
    }
    printf("\n");
}
