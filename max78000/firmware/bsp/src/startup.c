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

__attribute__((section(".vectors"), used, aligned(VECTOR_ALIGNMENT)))
const vector_table_t flash_vectors = {
    .initial_stack = stack_top,
    .handlers = {
        [0] = reset_handler,
        [1] = unexpected_handler, /* NMI */
        [2 ... 5] = fault_handler, /* hard, memory, bus, usage */
        [6 ... MXC_IRQ_COUNT - 2] = unexpected_handler,
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

void program_end(void)
{
    uart_drain();
    __disable_irq();
    for (;;) {
        MXC_LP_EnterSleepMode();
    }
}
