/*
 * What compilers call behind a program's back, and a few string functions. Plain loops.
 */
#include <stdint.h>
#include <string.h>

void *memcpy(void *restrict to, const void *restrict from, size_t n_bytes)
{
    uint8_t *out = to;
    const uint8_t *in = from;
    while (n_bytes-- > 0) {
        *out++ = *in++;
    }
    return to;
}

void *memmove(void *to, const void *from, size_t n_bytes)
{
    uint8_t *out = to;
    const uint8_t *in = from;
    if ((uintptr_t)out <= (uintptr_t)in) {
        return memcpy(to, from, n_bytes); /* which goes forwards */
    }
    while (n_bytes-- > 0) {
        out[n_bytes] = in[n_bytes];
    }
    return to;
}

void *memset(void *to, int value, size_t n_bytes)
{
    uint8_t *out = to;
    while (n_bytes-- > 0) {
        *out++ = (uint8_t)value;
    }
    return to;
}

int memcmp(const void *left, const void *right, size_t n_bytes)
{
    const uint8_t *a = left;
    const uint8_t *b = right;
    for (; n_bytes > 0; n_bytes--, a++, b++) {
        if (*a != *b) {
            return *a - *b;
        }
    }
    return 0;
}

size_t strlen(const char *text)
{
    size_t n = 0;
    while (text[n] != '\0') {
        n++;
    }
    return n;
}

int strncmp(const char *left, const char *right, size_t n_bytes)
{
    for (; n_bytes > 0; n_bytes--, left++, right++) {
        if (*left != *right || *left == '\0') {
            return (uint8_t)*left - (uint8_t)*right;
        }
    }
    return 0;
}

int strcmp(const char *left, const char *right)
{
    return strncmp(left, right, SIZE_MAX);
}
