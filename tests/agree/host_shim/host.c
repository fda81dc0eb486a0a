/*
 * An emitted project on this machine: memory lies where the accelerator and the clocks do on the
 * chip, the answer is stored there when the core sleeps, and nothing else is ever different.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "mxc.h"
#include "sampleoutput.h"

#define DONE 0x1000u /* in the control register of quadrant 0 */

int emitted_main(void);

uint32_t waited_us;
uint32_t lit[2];
void (*handler)(void);
static const uint32_t answer[] = SAMPLE_OUTPUT; /* records of address, mask, word count, words */

void accelerator_runs(void)
{
    const uint32_t *record = answer;
    while (*record != 0) {
        volatile uint32_t *out = (volatile uint32_t *)(uintptr_t)*record++;
        const uint32_t mask = *record++;
        for (uint32_t n = *record++; n > 0; n--, out++, record++) {
            *out = (*out & ~mask) | *record;
        }
    }
    *(volatile uint32_t *)0x50100000 |= DONE;
}

static void place_memory(uintptr_t address, size_t size)
{
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
    if (mmap((void *)address, size, PROT_READ | PROT_WRITE, flags, -1, 0) != (void *)address) {
        perror("mmap");
        exit(3);
    }
}

int main(void)
{
    place_memory(0x40000000, 0x100000);
    place_memory(0x50000000, 0x1400000);
    return emitted_main();
}
