/*
 * Real numbers for printf(), as exact as C asks: every digit is right, halves round to even.
 *
 * A double is a whole number times a power of two, so it has an end in decimal, too: at most 309
 * digits before the point and 1,074 behind. They are worked out in limbs of nine digits, which
 * doubling and halving pass carries along.
 */
#include "format.h"

#include <stdint.h>
#include <string.h>

#define LIMB 1000000000u /* 10^9 = 2^9 * 5^9, so that nine halvings stay whole */
#define LIMB_DIGITS 9
#define POINT 35 /* the limb of the units; limbs of higher value lie before it */
#define N_LIMBS (POINT + 121)
#define HALVINGS 9
#define DOUBLINGS 29
#define FRACTION_BITS 52
#define EXPONENT_MAX 0x7FFu
#define EXPONENT_BIAS (1023 + FRACTION_BITS)
#define DEFAULT_PRECISION 6
#define LEAST_FIXED (-4) /* smallest exponent that %g writes without one */

typedef struct {
    uint32_t limbs[N_LIMBS];
    int last; /* the last limb that is not 0, or the units */
} decimal_t;

/* What is to be written: digits from the position `high` to `low`, 0 being the units. */
typedef struct {
    const decimal_t *decimal;
    int high, low;
    int exponent;
    bool has_exponent;
    bool has_point;
} layout_t;

static void double_it(decimal_t *decimal, int n)
{
    uint32_t carry = 0;
    for (int i = POINT; i >= 0; i--) {
        const uint64_t limb = ((uint64_t)decimal->limbs[i] << n) + carry;
        carry = (uint32_t)(limb / LIMB);
        decimal->limbs[i] = (uint32_t)(limb % LIMB);
    }
}

static void halve_it(decimal_t *decimal, int n)
{
    uint32_t carry = 0;
    for (int i = POINT - 1; i <= decimal->last; i++) { /* the mantissa has two limbs */
        const uint32_t rest = decimal->limbs[i] & ((1u << n) - 1);
        decimal->limbs[i] = (decimal->limbs[i] >> n) + carry;
        carry = (LIMB >> n) * rest;
    }
    if (carry != 0) {
        decimal->limbs[++decimal->last] = carry;
    }
}

/* The decimal digits of mantissa * 2^power. */
static void expand(decimal_t *decimal, uint64_t mantissa, int power)
{
    *decimal = (decimal_t){ .last = POINT };
    decimal->limbs[POINT] = (uint32_t)(mantissa % LIMB);
    decimal->limbs[POINT - 1] = (uint32_t)(mantissa / LIMB);
    for (int rest = power; rest > 0; rest -= DOUBLINGS) {
        double_it(decimal, rest < DOUBLINGS ? rest : DOUBLINGS);
    }
    for (int rest = -power; rest > 0; rest -= HALVINGS) {
        halve_it(decimal, rest < HALVINGS ? rest : HALVINGS);
    }
}

/* The limb that holds a position, and the value of one there. */
static int limb_of(int position, uint32_t *unit)
{
    const int from_units = position >= 0 ? position / LIMB_DIGITS
                                         : -((LIMB_DIGITS - 1 - position) / LIMB_DIGITS);
    *unit = 1;
    for (int i = position - from_units * LIMB_DIGITS; i > 0; i--) {
        *unit *= 10;
    }
    return POINT - from_units;
}

static int digit_at(const decimal_t *decimal, int position)
{
    uint32_t unit;
    const int i = limb_of(position, &unit);
    return i < 0 || i >= N_LIMBS ? 0 : (int)(decimal->limbs[i] / unit % 10);
}

static bool is_zero_below(const decimal_t *decimal, int position)
{
    uint32_t unit;
    const int i = limb_of(position, &unit);
    if (i >= 0 && i < N_LIMBS && decimal->limbs[i] % unit != 0) {
        return false;
    }
    for (int j = i + 1; j <= decimal->last; j++) {
        if (j >= 0 && decimal->limbs[j] != 0) {
            return false;
        }
    }
    return true;
}

/* Round to a multiple of the position's unit; what lies below keeps its digits. */
static void round_at(decimal_t *decimal, int position)
{
    const int next = digit_at(decimal, position - 1);
    const bool is_half = next == 5 && is_zero_below(decimal, position - 1);
    const bool is_up = is_half ? digit_at(decimal, position) % 2 != 0 : next >= 5;
    uint32_t unit;
    int i = limb_of(position, &unit);
    if (!is_up || i < 0 || i >= N_LIMBS) {
        return;
    }
    decimal->limbs[i] += unit;
    for (; decimal->limbs[i] >= LIMB && i > 0; i--) {
        decimal->limbs[i] -= LIMB;
        decimal->limbs[i - 1]++;
    }
}

/* The position of the first digit that is not 0; 0 if there is none. */
static int exponent_of(const decimal_t *decimal)
{
    for (int i = 0; i <= decimal->last; i++) {
        if (decimal->limbs[i] != 0) {
            int position = (POINT - i) * LIMB_DIGITS;
            for (uint32_t rest = decimal->limbs[i] / 10; rest != 0; rest /= 10) {
                position++;
            }
            return position;
        }
    }
    return 0;
}

/* The layout of %g: the shorter of the other two, without zeros at the end. */
static layout_t general(decimal_t *decimal, int precision, bool keeps_zeros)
{
    const int n_digits = precision == 0 ? 1 : precision;
    round_at(decimal, exponent_of(decimal) - n_digits + 1);
    const int exponent = exponent_of(decimal);
    const bool has_exponent = exponent < LEAST_FIXED || exponent >= n_digits;
    const int point = has_exponent ? exponent : 0; /* the position before the point */
    layout_t layout = {
        .decimal = decimal,
        .high = has_exponent || exponent > 0 ? exponent : 0,
        .low = exponent - n_digits + 1,
        .exponent = exponent,
        .has_exponent = has_exponent,
    };
    while (!keeps_zeros && layout.low < point && digit_at(decimal, layout.low) == 0) {
        layout.low++;
    }
    layout.has_point = keeps_zeros || layout.low < point;
    return layout;
}

static layout_t lay_out(decimal_t *decimal, char type, int precision, bool has_prefix)
{
    if (type == 'g') {
        return general(decimal, precision, has_prefix);
    }
    layout_t layout = { .decimal = decimal, .has_point = precision > 0 || has_prefix };
    if (type == 'e') {
        round_at(decimal, exponent_of(decimal) - precision);
        layout.has_exponent = true;
        layout.exponent = layout.high = exponent_of(decimal);
        layout.low = layout.high - precision;
        return layout;
    }
    round_at(decimal, -precision);
    const int exponent = exponent_of(decimal);
    layout.high = exponent > 0 ? exponent : 0;
    layout.low = -precision;
    return layout;
}

static void put_digits(output_t *output, const layout_t *layout, bool is_upper)
{
    const int point = layout->has_exponent ? layout->high : 0;
    for (int position = layout->high; position >= layout->low; position--) {
        format_character(output, (char)('0' + digit_at(layout->decimal, position)));
        if (position == point && layout->has_point) {
            format_character(output, '.');
        }
    }
    if (layout->has_exponent) {
        const int size = layout->exponent < 0 ? -layout->exponent : layout->exponent;
        format_character(output, is_upper ? 'E' : 'e');
        format_character(output, layout->exponent < 0 ? '-' : '+');
        format_repeat(output, (char)('0' + size / 100), size >= 100 ? 1 : 0);
        format_character(output, (char)('0' + size / 10 % 10));
        format_character(output, (char)('0' + size % 10));
    }
}

static int length_of(const layout_t *layout)
{
    const int exponent = layout->exponent < 0 ? -layout->exponent : layout->exponent;
    const int n_exponent = exponent >= 100 ? 5 : 4;
    return layout->high - layout->low + 1 + (layout->has_point ? 1 : 0) +
           (layout->has_exponent ? n_exponent : 0);
}

/* Put sign and padding; what follows is the text itself, and behind it spaces, if left-justified. */
static void put_before(output_t *output, const conversion_t *conversion, char sign, int n_padding,
                       bool is_number)
{
    const bool has_zeros = is_number && conversion->is_zero_padded;
    format_repeat(output, ' ', conversion->is_left || has_zeros ? 0 : n_padding);
    format_repeat(output, sign, sign != '\0' ? 1 : 0);
    format_repeat(output, '0', !conversion->is_left && has_zeros ? n_padding : 0);
}

void format_real(output_t *output, const conversion_t *conversion, double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof(bits));
    const uint32_t exponent = (uint32_t)(bits >> FRACTION_BITS) & EXPONENT_MAX;
    const uint64_t fraction = bits & (((uint64_t)1 << FRACTION_BITS) - 1);
    const char sign = bits >> 63 != 0 ? '-' : conversion->plus;
    const bool is_upper = conversion->type < 'a';
    int n_padding = conversion->width - (sign != '\0' ? 1 : 0);
    if (exponent == EXPONENT_MAX) {
        const char *lower = fraction != 0 ? "nan" : "inf";
        const char *upper = fraction != 0 ? "NAN" : "INF";
        n_padding -= 3;
        put_before(output, conversion, sign, n_padding, false);
        format_span(output, is_upper ? upper : lower, 3);
    } else {
        const uint64_t hidden = exponent != 0 ? (uint64_t)1 << FRACTION_BITS : 0;
        const int power = (int)(exponent != 0 ? exponent : 1u) - EXPONENT_BIAS;
        const char type = (char)(conversion->type | ('a' - 'A'));
        const int precision = conversion->precision < 0 ? DEFAULT_PRECISION : conversion->precision;
        decimal_t decimal;
        expand(&decimal, hidden | fraction, power);
        const layout_t layout = lay_out(&decimal, type, precision, conversion->has_prefix);
        n_padding -= length_of(&layout);
        put_before(output, conversion, sign, n_padding, true);
        put_digits(output, &layout, is_upper);
    }
    format_repeat(output, ' ', conversion->is_left ? n_padding : 0);
}
