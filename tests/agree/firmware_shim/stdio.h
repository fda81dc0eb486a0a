/* A bare core has no console; what is printed is kept for the test to read. */
#ifndef SHIM_STDIO_H
#define SHIM_STDIO_H

__attribute__((format(printf, 1, 2))) int printf(const char *format, ...);

#endif
