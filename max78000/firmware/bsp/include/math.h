/*
 * The part of the C library's math.h that answers of networks need, in single precision.
 *
 * The results are within two units in the last place. No errno, no floating point exceptions.
 */
#ifdef BSP_C_LIBRARY
#include_next <math.h>
#elif !defined(MATH_H)
#define MATH_H

#define INFINITY __builtin_inff()
#define NAN __builtin_nanf("")

float expf(float x);
float logf(float x);
float sqrtf(float x);

static inline float fabsf(float x) { return __builtin_fabsf(x); }

#endif
