/*
 * stdio.h: the formatter with the console or a buffer behind it.
 */
#include <stdio.h>

#include "format.h"
#include "uart.h"

typedef struct {
    char *at;
    size_t n_free; /* includes the final 0 */
} buffer_t;

/* Terminals want a carriage return before each line feed. */
static void put_to_console(void *context, char character)
{
    (void)context;
    if (character == '\n') {
        uart_write_byte('\r');
    }
    uart_write_byte((uint8_t)character);
}

static void put_to_buffer(void *context, char character)
{
    buffer_t *buffer = context;
    if (buffer->n_free > 1) {
        *buffer->at++ = character;
        buffer->n_free--;
    }
}

int vprintf(const char *format, va_list arguments)
{
    return format_text(put_to_console, NULL, format, arguments);
}

int printf(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int n = vprintf(format, arguments);
    va_end(arguments);
    return n;
}

int puts(const char *text)
{
    while (*text != '\0') {
        put_to_console(NULL, *text++);
    }
    put_to_console(NULL, '\n');
    return 1;
}

int putchar(int character)
{
    put_to_console(NULL, (char)character);
    return (unsigned char)character;
}

int vsnprintf(char *buffer, size_t size, const char *format, va_list arguments)
{
    buffer_t rest = { buffer, size };
    const int n = format_text(put_to_buffer, &rest, format, arguments);
    if (size > 0) {
        *rest.at = '\0';
    }
    return n;
}

int snprintf(char *buffer, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int n = vsnprintf(buffer, size, format, arguments);
    va_end(arguments);
    return n;
}
