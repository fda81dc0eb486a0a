/*
 * What programs and the vendor's SDK call of C's library, for a RISC-V compiler that comes without
 * one. Text goes to the SDK's _write().
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "format.h"

#define STANDARD_OUTPUT 1

typedef struct {
    char *at;
    size_t n_free; /* includes the final 0 */
} buffer_t;

int _write(int file, char *text, int n);
int *__errno(void);
void __libc_init_array(void);
int vprintf(const char *format, va_list arguments);
int printf(const char *format, ...);
int puts(const char *text);
int putchar(int character);
int vsnprintf(char *buffer, size_t size, const char *format, va_list arguments);
int snprintf(char *buffer, size_t size, const char *format, ...);
int sprintf(char *buffer, const char *format, ...);

static void put_to_console(void *context, char character)
{
    (void)context;
    (void)_write(STANDARD_OUTPUT, &character, 1);
}

static void put_to_buffer(void *context, char character)
{
    buffer_t *buffer = context;
    if (buffer->n_free > 1) {
        *buffer->at++ = character;
        buffer->n_free--;
    }
}

int *__errno(void)
{
    static int last;
    return &last;
}

/* Constructors are C++'s. */
void __libc_init_array(void)
{
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

int sprintf(char *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int n = vsnprintf(buffer, SIZE_MAX, format, arguments);
    va_end(arguments);
    return n;
}
