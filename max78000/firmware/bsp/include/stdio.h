/*
 * Text to and from the console, and into buffers: the C library's stdio.h for a chip without files.
 *
 * Conversions: d i u o x X c s p % and, where a format of the program has one, f F e E g G; flags
 * - + space # and 0, width and precision (also *), the lengths hh h l ll z j t L. The streams are
 * the console: stdout and stderr write there at once, stdin reads from it.
 */
#ifndef STDIO_H
#define STDIO_H

#include <stdarg.h>
#include <stddef.h>

#ifdef BSP_C_LIBRARY /* whose own functions know streams by this name */
#include <sys/reent.h>
typedef __FILE FILE;
#else
typedef struct bsp_stream FILE;
#endif

#define EOF (-1)
#define BUFSIZ 128
#define _IOFBF 0
#define _IOLBF 1
#define _IONBF 2
#define BSP_PRINTF(text_at, first_at) __attribute__((format(printf, text_at, first_at)))

extern FILE *const stdin;
extern FILE *const stdout;
extern FILE *const stderr;

/* Write to the console; "\n" becomes "\r\n". Return the number of characters before that. */
int printf(const char *format, ...) BSP_PRINTF(1, 2);
int vprintf(const char *format, va_list arguments) BSP_PRINTF(1, 0);
int fprintf(FILE *stream, const char *format, ...) BSP_PRINTF(2, 3);
int vfprintf(FILE *stream, const char *format, va_list arguments) BSP_PRINTF(2, 0);
int puts(const char *text);
int putchar(int character);
int fputs(const char *restrict text, FILE *restrict stream);
int fputc(int character, FILE *stream);
int putc(int character, FILE *stream);
size_t fwrite(const void *restrict from, size_t size, size_t count, FILE *restrict stream);

/* Nothing is kept back: waits until the last bit is on the line. Return 0. */
int bsp_flush(FILE *stream);
static inline int fflush(FILE *stream) { return bsp_flush(stream); } /* newlib has a symbol of it */
int setvbuf(FILE *restrict stream, char *restrict buffer, int mode, size_t size);
void setbuf(FILE *restrict stream, char *restrict buffer);

/*
 * Wait for a character from the console. Nothing is echoed; "\r", which terminals send at the end
 * of a line, is read as "\n". fgets() returns at the end of a line, or when the buffer is full.
 */
int getchar(void);
int fgetc(FILE *stream);
int getc(FILE *stream);
char *fgets(char *restrict buffer, int size, FILE *restrict stream);

/* Write at most size - 1 characters and a 0; return the number there would have been. */
int snprintf(char *buffer, size_t size, const char *format, ...) BSP_PRINTF(3, 4);
int vsnprintf(char *buffer, size_t size, const char *format, va_list arguments) BSP_PRINTF(3, 0);

/* The same into a buffer of which only the caller knows that it is large enough. */
int sprintf(char *buffer, const char *format, ...) BSP_PRINTF(2, 3);
int vsprintf(char *buffer, const char *format, va_list arguments) BSP_PRINTF(2, 0);

#ifdef BSP_C_LIBRARY
int sscanf(const char *restrict text, const char *restrict format, ...)
    __attribute__((format(scanf, 2, 3)));
int vsscanf(const char *restrict text, const char *restrict format, va_list arguments);
#endif

#endif
