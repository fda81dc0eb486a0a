/* What the compiler may call behind the program's back, a console, and a buffer for results. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

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
uint32_t waited_us;
uint32_t lit[2];
void (*handler)(void);

char console[1 << 16];
static uint32_t n_printed;

static void put(char c)
{
    if (n_printed < sizeof(console) - 1) {
        console[n_printed++] = c;
    }
}

static void put_number(uint32_t value, uint32_t base, int width, char pad, int is_negative)
{
    char digits[11];
    int n = 0;
    do {
        digits[n++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    if (is_negative) {
        digits[n++] = '-';
    }
    while (width-- > n) {
        put(pad);
    }
    while (n > 0) {
        put(digits[--n]);
    }
}

/* %s %c %d %u %x %%, with l, a width and leading zeros: all numbers have 32 bits. */
int printf(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    for (; *format != 0; format++) {
        if (*format != '%') {
            put(*format);
            continue;
        }
        const char pad = *++format == '0' ? '0' : ' ';
        int width = 0;
        for (; *format >= '0' && *format <= '9'; format++) {
            width = 10 * width + *format - '0';
        }
        while (*format == 'l') {
            format++;
        }
        if (*format == 's') {
            for (const char *text = va_arg(arguments, const char *); *text != 0; text++) {
                put(*text);
            }
        } else if (*format == 'd') {
            const int32_t value = va_arg(arguments, int32_t);
            const uint32_t size = value < 0 ? 0u - (uint32_t)value : (uint32_t)value;
            put_number(size, 10, width, pad, value < 0);
        } else if (*format == 'u' || *format == 'x') {
            put_number(va_arg(arguments, uint32_t), *format == 'u' ? 10 : 16, width, pad, 0);
        } else {
            put(*format == 'c' ? (char)va_arg(arguments, int) : *format);
        }
    }
    va_end(arguments);
    return 0;
}
