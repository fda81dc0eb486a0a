/* What the compiler may call behind the program's back, and a buffer for results. */
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int value, size_t n);

void *memcpy(void *to, const void *from, size_t n)
{
    volatile uint8_t *out = to;
    const uint8_t *in = from;
    while (n-- > 0) {
        *out++ = *in++;
    }
    return to;
}

void *memset(void *to, int value, size_t n)
{
    volatile uint8_t *out = to;
    while (n-- > 0) {
        *out++ = (uint8_t)value;
    }
    return to;
}

uint32_t results[65536];
