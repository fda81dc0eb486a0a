/*
 * e to a power, and the natural logarithm: a power of two, and a short series for what is left.
 * Square roots: the core's own instruction, if the compiler knows of it.
 *
 * ln 2 is taken in two parts, of which products with small whole numbers are exact.
 */
#include <math.h>

#include <stdint.h>

#define MANTISSA_BITS 23
#define BIAS 127
#define LOG2_E 1.44269504f
#define LN2_HIGH 0.693145752f /* 15 bits */
#define LN2_LOW 1.42860677e-6f
#define MOST 88.7228394f /* e to more than this is no float */
#define LEAST (-103.972084f) /* e to less than this is 0 */
#define SQRT_2 1.41421354f
#define SMALLEST_NORMAL 0x1p-126f

typedef union {
    float real;
    uint32_t bits;
} word_t;

/* 2 to a power from -126 to 127. */
static float power_of_two(int32_t power)
{
    const word_t word = { .bits = (uint32_t)(power + BIAS) << MANTISSA_BITS };
    return word.real;
}

float expf(float x)
{
    if (x != x) {
        return x;
    }
    if (x > MOST) {
        return INFINITY;
    }
    if (x < LEAST) {
        return 0.0f;
    }
    const int32_t power = (int32_t)(x * LOG2_E + (x < 0.0f ? -0.5f : 0.5f));
    const float rest = (x - (float)power * LN2_HIGH) - (float)power * LN2_LOW;
    float series = 1.0f / 5040.0f;
    series = series * rest + 1.0f / 720.0f;
    series = series * rest + 1.0f / 120.0f;
    series = series * rest + 1.0f / 24.0f;
    series = series * rest + 1.0f / 6.0f;
    series = series * rest + 0.5f;
    series = series * rest * rest + rest;
    /* In two steps: neither has to be as small or as large as the result. */
    const int32_t half = power / 2;
    return (1.0f + series) * power_of_two(half) * power_of_two(power - half);
}

float logf(float x)
{
    if (x == 0.0f) {
        return -INFINITY;
    }
    if (x < 0.0f || x != x) {
        return NAN;
    }
    int32_t power = 0;
    if (x < SMALLEST_NORMAL) {
        x *= power_of_two(MANTISSA_BITS);
        power = -MANTISSA_BITS;
    }
    word_t word = { .real = x };
    if (word.bits >= 0xffu << MANTISSA_BITS) {
        return x; /* infinite */
    }
    power += (int32_t)(word.bits >> MANTISSA_BITS) - BIAS;
    word.bits = (word.bits & ((1u << MANTISSA_BITS) - 1)) | (uint32_t)BIAS << MANTISSA_BITS;
    if (word.real > SQRT_2) {
        word.real *= 0.5f;
        power++;
    }
    /* ln m = 2 artanh((m - 1) / (m + 1)), written so that m - 1, which is exact, counts as it is. */
    const float above = word.real - 1.0f;
    const float ratio = above / (2.0f + above);
    const float square = ratio * ratio;
    float series = 2.0f / 9.0f;
    series = series * square + 2.0f / 7.0f;
    series = series * square + 2.0f / 5.0f;
    series = series * square + 2.0f / 3.0f;
    const float half_square = 0.5f * above * above;
    const float small = ratio * (half_square + series * square) + (float)power * LN2_LOW;
    return (float)power * LN2_HIGH + (above - (half_square - small));
}

#ifdef __ARM_FP
float sqrtf(float x)
{
    float root;
    __asm("vsqrt.f32 %0, %1" : "=t"(root) : "t"(x));
    return root;
}
#else
float sqrtf(float x)
{
    if (x == 0.0f || x == INFINITY || x != x) {
        return x;
    }
    if (x < 0.0f) {
        return NAN;
    }
    if (x < SMALLEST_NORMAL) {
        return sqrtf(x * power_of_two(24)) * power_of_two(-12);
    }
    /* Half the exponent, and half the mantissa, is near; each step doubles the digits. */
    word_t root = { .real = x };
    root.bits = (root.bits >> 1) + ((uint32_t)BIAS << (MANTISSA_BITS - 1));
    for (int i = 0; i < 4; i++) {
        root.real = 0.5f * (root.real + x / root.real);
    }
    return root.real;
}
#endif
