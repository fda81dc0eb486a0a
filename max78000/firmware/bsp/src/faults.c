/*
 * The end of a program that went wrong: what the core knows goes to the console, then it stops.
 *
 * It stops in an endless loop rather than at a breakpoint, which without a debugger would be the
 * next fault.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "mxc.h"
#include "stack.h"
#include "stack_guard.h"
#include "vectors.h"

/* What the core pushes on exception entry (Armv7-M, B1.5.6). */
typedef struct {
    uint32_t r0, r1, r2, r3, r12, lr, pc, xpsr;
} exception_frame_t;

void fault_report(const exception_frame_t *frame);

static const char *const FAULT_NAMES[] = { "hard fault", "memory fault", "bus fault",
                                           "usage fault" };
#define FIRST_FAULT 3 /* exception number of the hard fault */
#define N_CALLERS 6
#define REPORT_BYTES 512 /* of stack, that a report takes */
#define NEAR_BYTES 256u /* of stack: a frame, and the most that one instruction pushes */
#define TEXT(value) #value
#define TEXT_OF(macro) TEXT(macro)

/* From the linker script; only the address means something. */
extern const uint8_t data_load[];

static __attribute__((noreturn)) void stop(void)
{
    uart_drain();
    __disable_irq();
    for (;;) {
    }
}

static int is_in_ram(const exception_frame_t *frame)
{
    const uintptr_t offset = (uintptr_t)frame - MXC_SRAM_MEM_BASE;
    return offset <= MXC_SRAM_MEM_SIZE - sizeof(*frame);
}

static bool is_guard_touched(void)
{
    return (SCB->CFSR & SCB_CFSR_MMARVALID_Msk) != 0 && stack_guard_holds((uintptr_t)SCB->MMFAR);
}

/* A stack that ends far above the guard has not grown into it: that was a stray pointer. */
static bool is_stack_overflow(const exception_frame_t *frame)
{
    const bool is_near = (uintptr_t)frame < stack_limit + NEAR_BYTES;
    return (is_guard_touched() && is_near) || (SCB->CFSR & SCB_CFSR_MSTKERR_Msk) != 0 ||
           stack_guard_holds((uintptr_t)frame);
}

/* What looks like an address to return to, from the deep end of the stack to this report's. */
static void print_callers(void)
{
    const uintptr_t end = (uintptr_t)__builtin_frame_address(0) - REPORT_BYTES;
    uint32_t previous = 0;
    int n = 0;
    for (uintptr_t at = stack_limit; at < end && n < N_CALLERS; at += 4u) {
        const uint32_t word = *(const volatile uint32_t *)at;
        if ((word & 1u) != 0 && word > MXC_FLASH_MEM_BASE && word < (uintptr_t)data_load &&
            word != previous) {
            printf(" 0x%08lx", (unsigned long)word - 1u);
            previous = word;
            n++;
        }
    }
    printf("\n");
}

static __attribute__((noreturn)) void report_overflow(void)
{
    printf("\n*** FAULT: stack overflow: more than the %lu bytes down to 0x%08lx ***\n",
           (unsigned long)stack_size_bytes(), (unsigned long)stack_limit);
    printf("callers:");
    print_callers();
    stop();
}

__attribute__((noreturn, used)) void fault_report(const exception_frame_t *frame)
{
    if (is_stack_overflow(frame)) {
        report_overflow();
    }
    const uint32_t fault = (SCB->ICSR & SCB_ICSR_VECTACTIVE_Msk) - FIRST_FAULT;
    const char *name = fault < 4 ? FAULT_NAMES[fault] : "fault";
    const char *what = is_guard_touched() ? ": the guard below the stack was touched" : "";
    printf("\n*** FAULT: %s%s ***\n", name, what);
    if (is_in_ram(frame)) {
        printf("PC 0x%08lx LR 0x%08lx xPSR 0x%08lx\n", (unsigned long)frame->pc,
               (unsigned long)frame->lr, (unsigned long)frame->xpsr);
    }
    printf("SP 0x%08lx CFSR 0x%08lx HFSR 0x%08lx BFAR 0x%08lx MMFAR 0x%08lx\n",
           (unsigned long)(uintptr_t)frame, (unsigned long)SCB->CFSR, (unsigned long)SCB->HFSR,
           (unsigned long)SCB->BFAR, (unsigned long)SCB->MMFAR);
    stop();
}

/*
 * Bit 2 of the return code in LR says which stack holds the frame. A stack with no room left is
 * used again from its top: nobody returns to those who called.
 */
__attribute__((naked)) void fault_handler(void)
{
    __asm volatile("tst lr, #4\n\t"
                   "ite eq\n\t"
                   "mrseq r0, msp\n\t"
                   "mrsne r0, psp\n\t"
                   "movw r1, #:lower16:stack_limit\n\t"
                   "movt r1, #:upper16:stack_limit\n\t"
                   "ldr r1, [r1]\n\t"
                   "add r1, r1, #" TEXT_OF(REPORT_BYTES) "\n\t"
                   "cmp r0, r1\n\t"
                   "bhs 1f\n\t"
                   "movw r1, #:lower16:stack_top\n\t"
                   "movt r1, #:upper16:stack_top\n\t"
                   "msr msp, r1\n\t"
                   "1: b fault_report\n\t");
}

__attribute__((noreturn)) void unexpected_handler(void)
{
    const uint32_t exception = SCB->ICSR & SCB_ICSR_VECTACTIVE_Msk;
    printf("\n*** FAULT: exception %lu has no handler ***\n", (unsigned long)exception);
    stop();
}
