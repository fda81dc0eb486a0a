/*
 * Text from a format and arguments, one character after the other. Knows no console.
 */
#ifndef FORMAT_H
#define FORMAT_H

#include <stdarg.h>
#include <stdbool.h>

typedef void (*put_t)(void *context, char character);

typedef struct {
    put_t put;
    void *context;
    int n_written;
} output_t;

typedef enum { LENGTH_INT, LENGTH_CHAR, LENGTH_SHORT, LENGTH_LONG, LENGTH_LONG_LONG } length_t;

/* One conversion: %[flags][width][.precision][length]type */
typedef struct {
    bool is_left;
    bool is_zero_padded;
    bool has_prefix;
    char plus; /* what a number that is not negative starts with: '+', ' ' or 0 */
    int width;
    int precision;
    length_t length;
    char type;
} conversion_t;

void format_character(output_t *output, char character);
void format_repeat(output_t *output, char character, int n);
void format_span(output_t *output, const char *text, int n);

/*
 * Put a number by f, e or g, rounded to the nearest, half to even, from its exact value. Only in
 * programs whose formats ask for it: max78000 build looks. Without it the types are unknown.
 */
__attribute__((weak)) void format_real(output_t *output, const conversion_t *conversion, double number);

/*
 * Put the formatted text; returns the number of characters. stdio.h lists the conversions; from an
 * unknown one on, the rest of the format is put as it stands, because nothing says how many bytes
 * of the arguments it would have taken.
 */
int format_text(put_t put, void *context, const char *format, va_list arguments);

#endif
