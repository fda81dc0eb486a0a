/*
 * Interrupt handlers chosen at run time.
 */
#ifndef NVIC_TABLE_H
#define NVIC_TABLE_H

#include "mxc_device.h"

/* Have `handler` called for an interrupt; the first call moves the vector table to RAM. */
void MXC_NVIC_SetVector(IRQn_Type irq, void (*handler)(void));

#endif
