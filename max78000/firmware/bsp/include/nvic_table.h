/*
 * Interrupt handlers chosen at run time.
 */
#ifndef NVIC_TABLE_H
#define NVIC_TABLE_H

#include "mxc_device.h"

/* Have `handler` called for an interrupt, and enable it; the first call moves the table to RAM. */
void MXC_NVIC_SetVector(IRQn_Type irq, void (*handler)(void));

/* Older spelling of the same. */
static inline void NVIC_SetVector(IRQn_Type irq, void (*handler)(void))
{
    MXC_NVIC_SetVector(irq, handler);
}

#endif
