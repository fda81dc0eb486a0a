/*
 * Text output to the console and into buffers: a small part of the C library's stdio.h.
 *
 * Conversions: d i u x X c s p %, with flags - and 0, a width (also *), a precision for s (also *),
 * and the lengths hh h l ll z j t. No floating point, no input, no files.
 */
#ifndef STDIO_H
#define STDIO_H

#include <stdarg.h>
#include <stddef.h>

#define EOF (-1)
#define BSP_PRINTF(text_at, first_at) __attribute__((format(printf, text_at, first_at)))

/* Write to the console; "\n" becomes "\r\n". Return the number of characters before that. */
int printf(const char *format, ...) BSP_PRINTF(1, 2);
int vprintf(const char *format, va_list arguments) BSP_PRINTF(1, 0);
int puts(const char *text);
int putchar(int character);

/* Write at most size - 1 characters and a 0; return the number there would have been. */
int snprintf(char *buffer, size_t size, const char *format, ...) BSP_PRINTF(3, 4);
int vsnprintf(char *buffer, size_t size, const char *format, va_list arguments) BSP_PRINTF(3, 0);

#endif
