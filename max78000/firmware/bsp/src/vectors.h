/*
 * The vector table: initial stack, 15 handlers of the core, 104 of the chip.
 */
#ifndef VECTORS_H
#define VECTORS_H

#include <stdint.h>

#include "mxc_device.h"

/* Quirk vector-alignment: the table is aligned to its size, rounded up to a power of two. */
#define VECTOR_ALIGNMENT 512

typedef void (*handler_t)(void);

typedef struct {
    const uint32_t *initial_stack;
    handler_t handlers[MXC_IRQ_COUNT - 1]; /* exception n is entry n - 1 */
} vector_table_t;

_Static_assert(sizeof(vector_table_t) == 4 * MXC_IRQ_COUNT || sizeof(void *) != 4, "vectors");
_Static_assert(sizeof(vector_table_t) <= VECTOR_ALIGNMENT || sizeof(void *) != 4, "vectors");

extern const vector_table_t flash_vectors;

void reset_handler(void);

/* Nothing happens after it: a debugger or a virtual board can wait for this symbol. */
__attribute__((noreturn)) void program_end(void);

/* Say on the console what happened, and stop; see faults.c. */
void fault_handler(void);
void unexpected_handler(void);

#endif
