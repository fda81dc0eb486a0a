/*
 * A guard below the stack, by region 7 of the memory protection unit, and paint on it.
 *
 * Source of numbers: [Armv7-M] B3.5.
 */
#include "stack.h"

#include "mxc_device.h"
#include "stack_guard.h"

#define PAINT 0xA5A5A5A5u
#define OWN_FRAME_BYTES 64u /* of the function that paints, more than it needs */
#define NEXT_CALLS_BYTES 512u /* of a stack in use, for what runs between here and a refusal */
#define REGION 7u /* goes before all others */
#define SMALL_GUARD 1024u /* while there is little room */
#define LARGE_GUARD 4096u
#define MUCH_ROOM 65536u

/* From the linker script; only the addresses mean something. */
extern uint32_t bss_end[];
extern uint8_t stack_top[], stack_min_bytes[];

uintptr_t stack_limit;
static uint32_t guard_bytes;

static uintptr_t top(void)
{
    return (uintptr_t)stack_top;
}

static uintptr_t guard_of(uintptr_t end)
{
    return (end + guard_bytes - 1u) & ~(uintptr_t)(guard_bytes - 1u);
}

void stack_guard_above(uintptr_t end)
{
    const uintptr_t guard = guard_of(end);
    const uint32_t size = 30u - (uint32_t)__builtin_clz(guard_bytes); /* 2^(size + 1) bytes */
    MPU->RBAR = (uint32_t)guard | MPU_RBAR_VALID_Msk | REGION;
    MPU->RASR = MPU_RASR_XN_Msk | size << MPU_RASR_SIZE_Pos | MPU_RASR_ENABLE_Msk;
    MPU->CTRL = MPU_CTRL_PRIVDEFENA_Msk | MPU_CTRL_ENABLE_Msk;
    __DSB();
    __ISB();
    stack_limit = guard + guard_bytes;
}

uintptr_t stack_guard_highest(void)
{
    const uintptr_t least = top() - (uintptr_t)stack_min_bytes;
    const uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    const bool is_deep = here >= stack_limit && here - NEXT_CALLS_BYTES < least;
    return (is_deep ? here - NEXT_CALLS_BYTES : least) - 2u * guard_bytes;
}

bool stack_guard_holds(uintptr_t address)
{
    return address < stack_limit && address >= stack_limit - guard_bytes;
}

void stack_begin(void)
{
    const uintptr_t end = (uintptr_t)bss_end;
    const uintptr_t here = (uintptr_t)__builtin_frame_address(0) - OWN_FRAME_BYTES;
    guard_bytes = top() - end < MUCH_ROOM ? SMALL_GUARD : LARGE_GUARD;
    SCB->SHCSR |= SCB_SHCSR_MEMFAULTENA_Msk;
    stack_guard_above(end);
    for (uintptr_t address = stack_limit; address < here; address += sizeof(uint32_t)) {
        *(volatile uint32_t *)address = PAINT;
    }
}

uint32_t stack_size_bytes(void)
{
    return (uint32_t)(top() - stack_limit);
}

uint32_t stack_used_bytes(void)
{
    uintptr_t address = stack_limit;
    while (address < top() && *(const volatile uint32_t *)address == PAINT) {
        address += sizeof(uint32_t);
    }
    return (uint32_t)(top() - address);
}
