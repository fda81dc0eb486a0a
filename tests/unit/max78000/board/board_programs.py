"""Small bare-metal programs for tests of the virtual board: a start-up, a few helpers, a compiler.

A test writes `main` and interrupt handlers; when `main` returns, the program executes bkpt. Nothing
of the firmware package is used: what the board does with that is tested where the two meet.
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from max78000.board.board import Limits, VirtualBoard
from max78000.program.program import Copy, KernelBlock, Write

FLAGS = ("-std=c11", "-O1", "-ffreestanding", "-fno-builtin", "-nostdlib", "-Wall", "-Werror",
         "-Wno-unused",  # no program needs all that is in front of it
         "-fno-exceptions", "-fno-unwind-tables", "-fno-asynchronous-unwind-tables")  # fmt: skip
FLOAT = ("-mfloat-abi=hard", "-mfpu=fpv4-sp-d16")

SCRIPT = """
ENTRY(reset)
SECTIONS
{
    .text 0x10000000 : { KEEP(*(.vectors)) *(.text*) *(.rodata*) }
    .ARM.exidx : { *(.ARM.exidx*) }
    .bss 0x20000000 (NOLOAD) : {
        bss_start = .; *(.bss*) *(COMMON) . = ALIGN(4); bss_end = .; *(.noinit*)
    }
    /DISCARD/ : { *(.comment*) *(.note*) *(.data*) *(.ARM.extab*) }
}
"""

PRELUDE = """
#include <stdint.h>
#define REG(a) (*(volatile uint32_t *)(uintptr_t)(a))
#define USED __attribute__((used))
#define WFI() __asm volatile("wfi" ::: "memory")
#define DISABLE() __asm volatile("cpsid i" ::: "memory")
#define ENABLE() __asm volatile("cpsie i" ::: "memory")
#define IRQ_ON(n) (REG(0xE000E100u + 4 * ((n) / 32)) = 1u << ((n) % 32))
#define IRQ_PEND(n) (REG(0xE000E200u + 4 * ((n) / 32)) = 1u << ((n) % 32))
enum { GCR = 0x40000000, GCFR = 0x40005800, TMR0 = 0x40010000, GPIO0 = 0x40008000 };
enum { GPIO2 = 0x40080400, UART = 0x40042000, CTL = 0x50100000 };
#define CLKCTRL REG(GCR + 0x08)
#define PCLKDIV REG(GCR + 0x18)
#define PCLKDIS0 REG(GCR + 0x24)

int main(void) __attribute__((noinline));
void stop(void);
void stop(void) { for (;;) __asm volatile("bkpt 0"); }
/* Handlers that a test does not write have the vector 0. */
#define HANDLER(name) void name(void) __attribute__((weak));
HANDLER(svc_handler) HANDLER(pendsv_handler) HANDLER(systick_handler)
HANDLER(hard_handler) HANDLER(memory_handler)
HANDLER(tmr0_handler) HANDLER(tmr1_handler) HANDLER(uart_handler) HANDLER(cnn_handler)

extern uint32_t bss_start[], bss_end[];
void reset(void);
void reset(void)
{
    for (uint32_t *word = bss_start; word < bss_end; word++) *word = 0;
    register int result __asm("r0") = main();
    __asm volatile("bkpt 0" :: "r"(result));
    stop();
}

typedef void (*handler_t)(void);
USED __attribute__((section(".vectors"), aligned(512))) const handler_t vectors[120] = {
    [0] = (handler_t)0x20020000u, [1] = reset, [3] = hard_handler,
    [4] = memory_handler, [11] = svc_handler, [14] = pendsv_handler,
    [15] = systick_handler, [16 + 5] = tmr0_handler, [16 + 6] = tmr1_handler,
    [16 + 14] = uart_handler, [16 + 101] = cnn_handler,
};

static inline void fast_clock(void)
{
    CLKCTRL |= 1u << 19;
    while (!(CLKCTRL & 1u << 27)) { }
    CLKCTRL = (CLKCTRL & ~(7u << 9 | 7u << 6)) | 4u << 9;
    while (!(CLKCTRL & 1u << 13)) { }
}
static inline void uart_on(void)
{
    PCLKDIS0 &= ~(1u << 9 | 1u);
    REG(GPIO0 + 0x70) = 3; REG(GPIO0 + 0x7C) = 3; REG(GPIO0 + 0x08) = 3;
    REG(UART) = 1u | 3u << 10 | 2u << 16;
    REG(UART + 0x14) = 5; REG(UART + 0x10) = 64;
    REG(UART) |= 1u << 15;
    while (!(REG(UART) & 1u << 19)) { }
}
static inline void send(char c)
{
    while (REG(UART + 4) & 1u << 7) { }
    REG(UART + 0x20) = (uint8_t)c;
}
static inline void print(const char *text) { while (*text) send(*text++); }
static inline void print_number(uint32_t n)
{
    char digits[10];
    int i = 0;
    do { digits[i++] = (char)('0' + n % 10); n /= 10; } while (n);
    while (i) send(digits[--i]);
    send(' ');
}
static inline void wait(uint32_t core_cycles)
{
    REG(0xE000E014u) = core_cycles - 1; REG(0xE000E018u) = 0; REG(0xE000E010u) = 5;
    while (!(REG(0xE000E010u) & 1u << 16)) { }
    REG(0xE000E010u) = 0;
}
enum { ONE_SHOT = 0, CONTINUOUS = 1, COMPARE = 5, INTERRUPT = 1 << 8 };
static inline void timer_start(uint32_t timer, uint32_t control1, uint32_t mode, uint32_t compare)
{
    PCLKDIS0 &= ~(1u << (15 + (timer - TMR0) / 0x1000));
    REG(timer + 0x18) = control1 | 1u << 31;
    REG(timer + 0x10) = 1u << 14;
    while (!(REG(timer + 0x18) & 8)) { }
    REG(timer) = 1;
    REG(timer + 4) = compare;
    REG(timer + 0x10) |= mode | 1u << 15;
}
static inline void cnn_on(void)
{
    REG(GCFR + 12) = 15; REG(GCFR + 4) = 15; REG(GCFR) = 15; REG(GCFR + 8) = 0; REG(GCFR + 12) = 0;
    PCLKDIV = 4u << 14;
    PCLKDIS0 &= ~(1u << 25);
    IRQ_ON(101);
}
"""

# executes records of the form kind, address, number of words, words
INTERPRETER = """
enum { STORE = 1, KERNEL = 2 };
static inline void execute(const uint32_t *op)
{
    while (*op) {
        uint32_t kind = *op++, addr = *op++, n = *op++;
        if (kind == KERNEL) *(volatile uint8_t *)(uintptr_t)(addr | 1) = 1;
        for (; n; n--, addr += 4) REG(addr) = *op++;
    }
}
"""


def program_text(program):
    """C arrays, one per phase, for `execute`."""
    lines = [INTERPRETER]
    for phase in program.phases:
        words: list[int] = []
        for operation in phase.operations:
            match operation:
                case Write(addr, value):
                    words += [1, addr, 1, value]
                case Copy(addr, values):
                    words += [1, addr, len(values), *values]
                case KernelBlock(addr, values):
                    words += [2, addr, len(values), *values]
        numbers = ",".join(f"{word}u" for word in [*words, 0])
        lines.append(f"static const uint32_t {phase.name}[] = {{{numbers}}};")
    return "\n".join(lines)


@cache
def _folder():
    return tempfile.TemporaryDirectory()


@cache
def build(source, *, has_floats=False):
    """Compile a program; gcc if it is here, else the compiler from PyPI."""
    folder = Path(_folder().name)
    base = folder / hashlib.sha256(source.encode()).hexdigest()[:16]
    base.with_suffix(".c").write_text(PRELUDE + source)
    script = folder / "script.ld"
    script.write_text(SCRIPT)
    gcc = ("arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", *(FLOAT if has_floats else ()))
    target = ("eabihf", "cortex_m4+vfp4d16sp") if has_floats else ("eabi", "cortex_m4")
    zig = (sys.executable, "-m", "ziglang", "cc", "-target", f"thumb-freestanding-{target[0]}",
           f"-mcpu={target[1]}", "-fno-sanitize=all")  # fmt: skip
    compiler = gcc if shutil.which(gcc[0]) else zig
    elf = base.with_suffix(".elf")
    command = [*compiler, *FLAGS, str(base.with_suffix(".c")), f"-Wl,-T,{script}", "-o", str(elf)]
    if compiler is gcc:
        command.append("-lgcc")
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return elf


def board_with(source, *, has_floats=False, watch=None):
    """A board whose flash holds the program."""
    board = VirtualBoard(watch=watch)
    board.load_elf(build(source, has_floats=has_floats))
    return board


def run(source, **limits):
    """Run a program to its end."""
    return board_with(source).run(limits=Limits(**limits))


def printed(source):
    """The words a program prints; the console is set up for it."""
    return run(source).console.split()
