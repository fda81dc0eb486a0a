/*
 * Interrupt handlers chosen at run time: a copy of the vector table in RAM.
 */
#include "nvic_table.h"
#include "vectors.h"

#define FIRST_EXTERNAL 16

static vector_table_t ram_vectors __attribute__((aligned(VECTOR_ALIGNMENT)));

void MXC_NVIC_SetVector(IRQn_Type irq, void (*handler)(void))
{
    const uint32_t table = (uint32_t)(uintptr_t)&ram_vectors;
    if (SCB->VTOR != table) {
        ram_vectors = flash_vectors;
        SCB->VTOR = table;
    }
    ram_vectors.handlers[FIRST_EXTERNAL - 1 + irq] = handler;
    __DSB();
    __ISB();
    NVIC_EnableIRQ((int)irq);
}
