/*
 * Text from a format and arguments, one character after the other. Knows no console.
 */
#ifndef FORMAT_H
#define FORMAT_H

#include <stdarg.h>

typedef void (*put_t)(void *context, char character);

/*
 * Put the formatted text; returns the number of characters. stdio.h lists the conversions; from an
 * unknown one on, the rest of the format is put as it stands, because nothing says how many bytes
 * of the arguments it would have taken.
 */
int format_text(put_t put, void *context, const char *format, va_list arguments);

#endif
