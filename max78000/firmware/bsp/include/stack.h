/*
 * The stack: guarded since reset, painted, and measured.
 *
 * Below it lies a part of RAM that the memory protection unit lets nobody touch: a program whose
 * stack runs into it says so on the console and stops, before variables are damaged. A function
 * with more local variables than the guard has bytes can step over it.
 */
#ifndef STACK_H
#define STACK_H

#include <stdint.h>

/* The most that the stack has ever taken, in bytes, and what there is for it. */
uint32_t stack_used_bytes(void);
uint32_t stack_size_bytes(void);

#endif
