/* A bare core has no console; what would be printed is dropped. */
#ifndef SHIM_STDIO_H
#define SHIM_STDIO_H

__attribute__((format(printf, 1, 2))) static inline int printf(const char *format, ...)
{
    (void)format;
    return 0;
}

#endif
