/*
 * The end of a program that went wrong: what the core knows goes to the console, then it stops.
 *
 * It stops in an endless loop rather than at a breakpoint, which without a debugger would be the
 * next fault.
 */
#include <stdint.h>
#include <stdio.h>

#include "mxc.h"
#include "vectors.h"

/* What the core pushes on exception entry (Armv7-M, B1.5.6). */
typedef struct {
    uint32_t r0, r1, r2, r3, r12, lr, pc, xpsr;
} exception_frame_t;

void fault_report(const exception_frame_t *frame);

static const char *const FAULT_NAMES[] = { "hard fault", "memory fault", "bus fault",
                                           "usage fault" };
#define FIRST_FAULT 3 /* exception number of the hard fault */

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

__attribute__((noreturn, used)) void fault_report(const exception_frame_t *frame)
{
    const uint32_t fault = (SCB->ICSR & SCB_ICSR_VECTACTIVE_Msk) - FIRST_FAULT;
    const char *name = fault < 4 ? FAULT_NAMES[fault] : "fault";
    printf("\n*** FAULT: %s ***\n", name);
    if (is_in_ram(frame)) {
        printf("PC 0x%08lx LR 0x%08lx xPSR 0x%08lx\n", (unsigned long)frame->pc,
               (unsigned long)frame->lr, (unsigned long)frame->xpsr);
    }
    printf("SP 0x%08lx CFSR 0x%08lx HFSR 0x%08lx BFAR 0x%08lx MMFAR 0x%08lx\n",
           (unsigned long)(uintptr_t)frame, (unsigned long)SCB->CFSR, (unsigned long)SCB->HFSR,
           (unsigned long)SCB->BFAR, (unsigned long)SCB->MMFAR);
    stop();
}

/* Bit 2 of the return code in LR says which stack holds the frame. */
__attribute__((naked)) void fault_handler(void)
{
    __asm volatile("tst lr, #4\n\t"
                   "ite eq\n\t"
                   "mrseq r0, msp\n\t"
                   "mrsne r0, psp\n\t"
                   "b fault_report\n\t");
}

__attribute__((noreturn)) void unexpected_handler(void)
{
    const uint32_t exception = SCB->ICSR & SCB_ICSR_VECTACTIVE_Msk;
    printf("\n*** FAULT: exception %lu has no handler ***\n", (unsigned long)exception);
    stop();
}
