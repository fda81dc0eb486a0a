/*
 * Memory and strings: the part of the C library's string.h that compilers and small programs call.
 */
#ifdef BSP_C_LIBRARY
#include_next <string.h>
#elif !defined(STRING_H)
#define STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t n_bytes);
void *memmove(void *to, const void *from, size_t n_bytes);
void *memset(void *to, int value, size_t n_bytes);
int memcmp(const void *left, const void *right, size_t n_bytes);
size_t strlen(const char *text);
int strcmp(const char *left, const char *right);
int strncmp(const char *left, const char *right, size_t n_bytes);

#endif
