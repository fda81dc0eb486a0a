/*
 * The part of the C library's stdlib.h that needs no memory management.
 */
#ifdef BSP_C_LIBRARY
#include_next <stdlib.h>
#elif !defined(STDLIB_H)
#define STDLIB_H

#include <stddef.h>

static inline int abs(int value) { return value < 0 ? -value : value; }
static inline long labs(long value) { return value < 0 ? -value : value; }

#endif
