/*
 * Waiting for a register, but not for ever: silicon that does not answer must not hang a program.
 */
#ifndef POLL_H
#define POLL_H

#include <stdint.h>

#include "mxc_errors.h"

/* About a tenth of a second; the slowest oscillator is ready within a millisecond. */
#define POLL_LIMIT 1000000u

/* E_NO_ERROR as soon as the bits of `mask` are `expected`, else E_TIME_OUT. */
static inline int poll_until(const volatile uint32_t *reg, uint32_t mask, uint32_t expected)
{
    for (uint32_t n = 0; n < POLL_LIMIT; n++) {
        if ((*reg & mask) == expected) {
            return E_NO_ERROR;
        }
    }
    return E_TIME_OUT;
}

#endif
