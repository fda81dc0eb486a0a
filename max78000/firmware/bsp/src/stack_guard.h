/*
 * The part of RAM between variables and stack that nobody may touch.
 */
#ifndef STACK_GUARD_H
#define STACK_GUARD_H

#include <stdbool.h>
#include <stdint.h>

/* The lowest address of the stack; read by the fault handler, too. */
extern uintptr_t stack_limit;

/* Paint what the stack has not used, and guard it. */
void stack_begin(void);

/* Move the guard to behind `end`, where variables or memory for malloc() end. */
void stack_guard_above(uintptr_t end);

/* The end of what may lie below the guard: the stack keeps its least size, and what it uses. */
uintptr_t stack_guard_highest(void);

/* Whether an address is in the guard. */
bool stack_guard_holds(uintptr_t address);

#endif
