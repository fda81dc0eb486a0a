/*
 * What newlib asks of a system, for programs that take functions of it: memory, and an end.
 *
 * Its streams are not used: stdio.h is ours. There are no files, no processes, no signals.
 */
#include <stdint.h>
#include <stdio.h>

#include "mxc_device.h"
#include "stack_guard.h"
#include "vectors.h"

#define NO_MEMORY ((void *)-1)

/* From the linker script; only the addresses mean something. */
extern uint8_t bss_end[];

void *_sbrk(ptrdiff_t n_bytes);
__attribute__((noreturn)) void _exit(int status);
__attribute__((noreturn)) void abort(void);
int _kill(int process, int signal);
int _getpid(void);
int _read(int file, void *to, size_t n_bytes);
int _write(int file, const void *from, size_t n_bytes);
int _close(int file);
int _lseek(int file, int offset, int from);
__attribute__((noreturn)) void __assert_func(const char *file, int line, const char *function,
                                             const char *condition);

/* Memory for malloc(), between variables and the guard of the stack. It never goes back. */
void *_sbrk(ptrdiff_t n_bytes)
{
    static uintptr_t end = 0;
    const uintptr_t start = end == 0 ? (uintptr_t)bss_end : end;
    const uintptr_t wanted = start + (uintptr_t)n_bytes;
    if (wanted > stack_guard_highest() || wanted < (uintptr_t)bss_end) {
        return NO_MEMORY;
    }
    end = wanted;
    stack_guard_above(end);
    return (void *)start;
}

void _exit(int status)
{
    if (status != 0) {
        printf("\n*** exit(%d) ***\n", status);
    }
    program_end();
}

void abort(void)
{
    printf("\n*** abort() ***\n");
    program_end();
}

void __assert_func(const char *file, int line, const char *function, const char *condition)
{
    printf("\n*** %s:%d: %s: %s does not hold ***\n", file, line, function, condition);
    program_end();
}

int _kill(int process, int signal)
{
    (void)process;
    (void)signal;
    return -1;
}

int _getpid(void)
{
    return 1;
}

/* Files: sscanf() brings them along, and never comes here. */
int _read(int file, void *to, size_t n_bytes)
{
    (void)file;
    (void)to;
    (void)n_bytes;
    return -1;
}

int _write(int file, const void *from, size_t n_bytes)
{
    (void)file;
    (void)from;
    (void)n_bytes;
    return -1;
}

int _close(int file)
{
    (void)file;
    return -1;
}

int _lseek(int file, int offset, int from)
{
    (void)file;
    (void)offset;
    (void)from;
    return -1;
}
