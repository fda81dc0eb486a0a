/*
 * From reset to main(), and what follows it.
 *
 * The boot ROM takes stack and program counter from the table at the start of flash. The clock is
 * left at the 60 MHz of the reset state: main() selects another one.
 *
 * Source of the order: docs/hardware/firmware.md#boot; [MSDK] system_max78000.c.
 */
#include <stdint.h>

#include "board.h"
#include "mxc.h"
#include "stack_guard.h"
#include "vectors.h"

/* From the linker script; only the addresses mean something. */
extern const uint32_t stack_top[];
extern const uint32_t data_load[];
extern uint32_t data_start[], data_end[];
extern uint32_t bss_start[], bss_end[];

int main(void);

/* What a program does not define, under the names that the SDK has: what goes wrong is said. */
static void no_handler(void) { unexpected_handler(); }
__attribute__((naked)) static void no_fault_handler(void) { __asm volatile("b fault_handler"); }

#define NO_HANDLER __attribute__((weak, alias("no_handler")))
#define NO_FAULT_HANDLER __attribute__((weak, alias("no_fault_handler")))
#define DECLARE_HANDLER(name, number) NO_HANDLER void name##_IRQHandler(void);
#define HANDLER(name, number) [15 + (number)] = name##_IRQHandler,
#define RESERVED(first, last) [15 + (first) ... 15 + (last)] = unexpected_handler

NO_HANDLER void NMI_Handler(void);
NO_FAULT_HANDLER void HardFault_Handler(void);
NO_FAULT_HANDLER void MemManage_Handler(void);
NO_FAULT_HANDLER void BusFault_Handler(void);
NO_FAULT_HANDLER void UsageFault_Handler(void);
NO_HANDLER void SVC_Handler(void);
NO_HANDLER void DebugMon_Handler(void);
NO_HANDLER void PendSV_Handler(void);
NO_HANDLER void SysTick_Handler(void);
FOR_EACH_INTERRUPT(DECLARE_HANDLER)

__attribute__((section(".vectors"), used, aligned(VECTOR_ALIGNMENT)))
const vector_table_t flash_vectors = {
    .initial_stack = stack_top,
    .handlers = {
        [0] = reset_handler,
        NMI_Handler,
        HardFault_Handler,
        MemManage_Handler,
        BusFault_Handler,
        UsageFault_Handler,
        [6 ... 9] = unexpected_handler,
        [10] = SVC_Handler,
        DebugMon_Handler,
        [12] = unexpected_handler,
        [13] = PendSV_Handler,
        SysTick_Handler,
        FOR_EACH_INTERRUPT(HANDLER)
        RESERVED(2, 2), RESERVED(11, 12), RESERVED(17, 19), RESERVED(21, 22), RESERVED(27, 27),
        RESERVED(32, 33), RESERVED(35, 35), RESERVED(37, 52), RESERVED(55, 55), RESERVED(58, 58),
        RESERVED(60, 61), RESERVED(64, 66), RESERVED(68, 81), RESERVED(85, 87), RESERVED(89, 90),
        RESERVED(92, 96), RESERVED(98, 98), RESERVED(102, 102),
    },
};

static void fill_memory(void)
{
    const uint32_t *from = data_load;
    for (uint32_t *to = data_start; to != data_end; to++) {
        *to = *from++;
    }
    for (uint32_t *to = bss_start; to != bss_end; to++) {
        *to = 0;
    }
}

static void start_core(void)
{
    SCB->CPACR |= SCB_CPACR_FPU_FULL_ACCESS;
    SCB->VTOR = (uint32_t)(uintptr_t)&flash_vectors;
    __DSB();
    __ISB();
    MXC_ICC_Enable(MXC_ICC0);
}

void reset_handler(void)
{
    start_core();
    fill_memory();
    stack_begin();
    (void)Board_Init(); /* without a console there is nobody to tell */
    (void)main();
    program_end();
}

/* Nothing that the program has set up wakes the core any more. */
static void silence(void)
{
    SysTick->CTRL = 0;
    SCB->ICSR = SCB_ICSR_PENDSTCLR_Msk;
    for (int word = 0; word < (MXC_IRQ_EXT_COUNT + 31) / 32; word++) {
        NVIC->ICER[word] = 0xFFFFFFFFu;
    }
}

void program_end(void)
{
    uart_drain();
    __disable_irq();
    silence();
    for (;;) {
        MXC_LP_EnterSleepMode();
    }
}
