/*
 * The formatter behind printf(): integers, characters, text; format_real.c has the reals.
 */
#include "format.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <string.h>

#define MAX_DIGITS 22 /* of 2^64 - 1 in octal */
#define NOT_GIVEN (-1)

/* A va_list can be an array, which would not travel through parameters by reference. */
typedef struct {
    va_list list;
} arguments_t;

void format_character(output_t *output, char character)
{
    output->put(output->context, character);
    output->n_written++;
}

void format_repeat(output_t *output, char character, int n)
{
    while (n-- > 0) {
        format_character(output, character);
    }
}

void format_span(output_t *output, const char *text, int n)
{
    while (n-- > 0) {
        format_character(output, *text++);
    }
}

static const char *read_flags(const char *at, conversion_t *conversion)
{
    for (;; at++) {
        switch (*at) {
        case '-':
            conversion->is_left = true;
            break;
        case '0':
            conversion->is_zero_padded = true;
            break;
        case '#':
            conversion->has_prefix = true;
            break;
        case '+':
            conversion->plus = '+';
            break;
        case ' ':
            conversion->plus = conversion->plus == '+' ? '+' : ' ';
            break;
        default:
            return at;
        }
    }
}

static const char *read_number(const char *at, arguments_t *arguments, int *number)
{
    if (*at == '*') {
        *number = va_arg(arguments->list, int);
        return at + 1;
    }
    for (*number = 0; *at >= '0' && *at <= '9'; at++) {
        *number = 10 * *number + (*at - '0');
    }
    return at;
}

static const char *read_length(const char *at, length_t *length)
{
    const bool is_doubled = at[0] != '\0' && at[1] == at[0];
    switch (*at) {
    case 'h':
        *length = is_doubled ? LENGTH_CHAR : LENGTH_SHORT;
        return at + (is_doubled ? 2 : 1);
    case 'l':
        *length = is_doubled ? LENGTH_LONG_LONG : LENGTH_LONG;
        return at + (is_doubled ? 2 : 1);
    case 'z':
    case 't':
        *length = sizeof(size_t) == sizeof(long) ? LENGTH_LONG : LENGTH_INT;
        return at + 1;
    case 'j':
    case 'L':
        *length = LENGTH_LONG_LONG;
        return at + 1;
    default:
        *length = LENGTH_INT;
        return at;
    }
}

/* Read what follows a '%', up to its type. */
static const char *read_conversion(const char *at, arguments_t *arguments, conversion_t *conversion)
{
    *conversion = (conversion_t){ .precision = NOT_GIVEN };
    at = read_flags(at, conversion);
    at = read_number(at, arguments, &conversion->width);
    if (conversion->width < 0) {
        conversion->is_left = true;
        conversion->width = -conversion->width;
    }
    if (*at == '.') {
        at = read_number(at + 1, arguments, &conversion->precision);
    }
    at = read_length(at, &conversion->length);
    conversion->type = *at;
    return at;
}

static uint64_t next_unsigned(arguments_t *arguments, length_t length)
{
    switch (length) {
    case LENGTH_CHAR:
        return (unsigned char)va_arg(arguments->list, unsigned int);
    case LENGTH_SHORT:
        return (unsigned short)va_arg(arguments->list, unsigned int);
    case LENGTH_LONG:
        return va_arg(arguments->list, unsigned long);
    case LENGTH_LONG_LONG:
        return va_arg(arguments->list, unsigned long long);
    default:
        return va_arg(arguments->list, unsigned int);
    }
}

static int64_t next_signed(arguments_t *arguments, length_t length)
{
    switch (length) {
    case LENGTH_CHAR:
        return (signed char)va_arg(arguments->list, int);
    case LENGTH_SHORT:
        return (short)va_arg(arguments->list, int);
    case LENGTH_LONG:
        return va_arg(arguments->list, long);
    case LENGTH_LONG_LONG:
        return va_arg(arguments->list, long long);
    default:
        return va_arg(arguments->list, int);
    }
}

/* A real number travels as a double; %L says that it is a long double. */
static double next_real(arguments_t *arguments, length_t length)
{
    if (length == LENGTH_LONG_LONG) {
        return (double)va_arg(arguments->list, long double);
    }
    return va_arg(arguments->list, double);
}

/* Divide by a base of at most 16 bits; returns the remainder. The core divides only 32 bits. */
static uint32_t divide(uint64_t *number, uint32_t base)
{
    const uint32_t high = (uint32_t)(*number >> 32);
    const uint32_t low = (uint32_t)*number;
    const uint32_t middle = (high % base) << 16 | low >> 16;
    const uint32_t last = (middle % base) << 16 | (low & 0xFFFFu);
    *number = (uint64_t)(high / base) << 32 | (uint64_t)(middle / base) << 16 | last / base;
    return last % base;
}

static uint32_t base_of(char type)
{
    return type == 'd' ? 10 : type == 'o' ? 8 : 16;
}

static void put_number(output_t *output, const conversion_t *conversion, uint64_t magnitude,
                       const char *prefix)
{
    const char *digits = conversion->type == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    const uint32_t base = base_of(conversion->type);
    const int n_prefix = (int)strlen(prefix);
    char text[MAX_DIGITS];
    int n = 0;
    while (magnitude != 0 || (n == 0 && conversion->precision != 0)) {
        text[MAX_DIGITS - ++n] = digits[divide(&magnitude, base)];
    }
    int n_zeros = conversion->precision - n;
    if (conversion->is_zero_padded && !conversion->is_left && conversion->precision == NOT_GIVEN) {
        n_zeros = conversion->width - n_prefix - n;
    }
    n_zeros = n_zeros > 0 ? n_zeros : 0;
    const int n_spaces = conversion->width - n_prefix - n_zeros - n;
    format_repeat(output, ' ', conversion->is_left ? 0 : n_spaces);
    format_span(output, prefix, n_prefix);
    format_repeat(output, '0', n_zeros);
    format_span(output, &text[MAX_DIGITS - n], n);
    format_repeat(output, ' ', conversion->is_left ? n_spaces : 0);
}

static void put_signed(output_t *output, conversion_t *conversion, int64_t number)
{
    const char prefix[2] = { number < 0 ? '-' : conversion->plus, '\0' };
    const uint64_t magnitude = number < 0 ? 0u - (uint64_t)number : (uint64_t)number;
    conversion->type = 'd';
    put_number(output, conversion, magnitude, prefix);
}

static void put_unsigned(output_t *output, conversion_t *conversion, uint64_t number)
{
    const char *prefix = "";
    if (conversion->type == 'u') {
        conversion->type = 'd';
    } else if (conversion->type == 'o') {
        prefix = conversion->has_prefix && number != 0 ? "0" : "";
    } else if (conversion->has_prefix && number != 0) {
        prefix = conversion->type == 'X' ? "0X" : "0x";
    }
    put_number(output, conversion, number, prefix);
}

static void put_pointer(output_t *output, conversion_t *conversion, const void *pointer)
{
    conversion->type = 'x';
    conversion->precision = 2 * (int)sizeof(pointer);
    put_number(output, conversion, (uintptr_t)pointer, "0x");
}

static void put_string(output_t *output, const conversion_t *conversion, const char *text)
{
    int n = 0;
    text = text == NULL ? "(null)" : text;
    while (n != conversion->precision && text[n] != '\0') {
        n++;
    }
    format_repeat(output, ' ', conversion->is_left ? 0 : conversion->width - n);
    format_span(output, text, n);
    format_repeat(output, ' ', conversion->is_left ? conversion->width - n : 0);
}

/* Put one argument; false if the type is unknown. */
static bool put_argument(output_t *output, conversion_t *conversion, arguments_t *arguments)
{
    char character[2] = { '%', '\0' };
    switch (conversion->type) {
    case 'd':
    case 'i':
        put_signed(output, conversion, next_signed(arguments, conversion->length));
        return true;
    case 'u':
    case 'o':
    case 'x':
    case 'X':
        put_unsigned(output, conversion, next_unsigned(arguments, conversion->length));
        return true;
    case 'p':
        put_pointer(output, conversion, va_arg(arguments->list, const void *));
        return true;
    case 's':
        put_string(output, conversion, va_arg(arguments->list, const char *));
        return true;
    case 'c':
        character[0] = (char)va_arg(arguments->list, int);
        put_string(output, conversion, character);
        return true;
    case '%':
        format_character(output, '%');
        return true;
    case 'f':
    case 'F':
    case 'e':
    case 'E':
    case 'g':
    case 'G':
        if (format_real == NULL) {
            return false;
        }
        format_real(output, conversion, next_real(arguments, conversion->length));
        return true;
    default:
        return false;
    }
}

int format_text(put_t put, void *context, const char *format, va_list arguments)
{
    output_t output = { put, context, 0 };
    arguments_t rest;
    va_copy(rest.list, arguments);
    for (const char *at = format; *at != '\0'; at++) {
        if (*at != '%') {
            format_character(&output, *at);
            continue;
        }
        conversion_t conversion;
        const char *type = read_conversion(at + 1, &rest, &conversion);
        if (!put_argument(&output, &conversion, &rest)) {
            format_span(&output, at, (int)strlen(at));
            break;
        }
        at = type;
    }
    va_end(rest.list);
    return output.n_written;
}
