/*
 * stdio.h: the rest of it, for programs that name streams, read, or print into large buffers.
 *
 * A stream is an address that is compared with nothing: all of them are the console.
 */
#include <stdint.h>
#include <stdio.h>

#include "uart.h"

#define FOREVER_MS UINT32_MAX

static char streams[3];

FILE *const stdin = (FILE *)&streams[0];
FILE *const stdout = (FILE *)&streams[1];
FILE *const stderr = (FILE *)&streams[2];

int vfprintf(FILE *stream, const char *format, va_list arguments)
{
    (void)stream;
    return vprintf(format, arguments);
}

int fprintf(FILE *stream, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int n = vfprintf(stream, format, arguments);
    va_end(arguments);
    return n;
}

int fputc(int character, FILE *stream)
{
    (void)stream;
    return putchar(character);
}

int putc(int character, FILE *stream)
{
    return fputc(character, stream);
}

int fputs(const char *restrict text, FILE *restrict stream)
{
    while (*text != '\0') {
        (void)fputc(*text++, stream);
    }
    return 1;
}

size_t fwrite(const void *restrict from, size_t size, size_t count, FILE *restrict stream)
{
    const char *character = from;
    for (size_t n = size * count; n > 0; n--) {
        (void)fputc(*character++, stream);
    }
    return count;
}

int bsp_flush(FILE *stream)
{
    (void)stream;
    uart_drain();
    return 0;
}

int setvbuf(FILE *restrict stream, char *restrict buffer, int mode, size_t size)
{
    (void)stream;
    (void)buffer;
    (void)mode;
    (void)size;
    return 0;
}

void setbuf(FILE *restrict stream, char *restrict buffer)
{
    (void)stream;
    (void)buffer;
}

int getchar(void)
{
    int byte = UART_NOTHING;
    while (byte == UART_NOTHING) {
        byte = uart_read_byte(FOREVER_MS);
    }
    return byte == '\r' ? '\n' : byte;
}

int fgetc(FILE *stream)
{
    (void)stream;
    return getchar();
}

int getc(FILE *stream)
{
    return fgetc(stream);
}

char *fgets(char *restrict buffer, int size, FILE *restrict stream)
{
    int n = 0;
    while (n < size - 1) {
        const int character = fgetc(stream);
        buffer[n++] = (char)character;
        if (character == '\n') {
            break;
        }
    }
    if (size > 0) {
        buffer[n] = '\0';
    }
    return buffer;
}

int vsprintf(char *buffer, const char *format, va_list arguments)
{
    return vsnprintf(buffer, PTRDIFF_MAX, format, arguments);
}

int sprintf(char *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int n = vsprintf(buffer, format, arguments);
    va_end(arguments);
    return n;
}
