"""C as others write it: interrupts, formats and C's library, with each compiler on the board."""

from dataclasses import replace

import pytest
from firmware_projects import TOOLCHAINS, ZIG, Log, write_c_project
from newlib import needs_newlib

from max78000.board.board import Limits, VirtualBoard
from max78000.errors import InputError
from max78000.firmware.build import build_project
from max78000.firmware.c_library import missing_from_ours, prints_reals
from max78000.firmware.sources import project_units
from max78000.firmware.support import our_package

EVERY = pytest.mark.parametrize("toolchain", TOOLCHAINS)
HANDLER = """
#include <stdio.h>
#include "mxc.h"
static volatile int fired;
static void handler(void) { fired = 1; NVIC_DisableIRQ(TMR1_IRQn); }
int main(void)
{
    %s(TMR1_IRQn, handler);
    NVIC_SetPendingIRQ(TMR1_IRQn);
    LED_On(0);
    printf("fired %%d, button %%d\\n", fired, PB_Get(0));
    return 0;
}
"""
LIBRARY = """
#include <assert.h>
#include <ctype.h>
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "mxc.h"
static int by_value(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
static jmp_buf back;
static volatile double half = 0.5;
int main(void)
{
    int numbers[] = { 5, 3, 9 }, n = 0, seen = 0;
    char text[60], *end;
    qsort(numbers, 3, sizeof(int), by_value);
    char *memory = malloc(1000);
    assert(memory != NULL);
    strcpy(memory, "abc");
    strcat(memory, "def");
    if (setjmp(back) == 0) {
        longjmp(back, 1);
    }
    seen = sscanf("12 words", "%d", &n);
    sprintf(text, "%zu %td %jd", sizeof(int), (ptrdiff_t)-1, (intmax_t)-7);
    asm volatile("nop");
    printf("%d%d%d %s %d %d %s\\n", numbers[0], numbers[1], numbers[2], memory, seen, n, text);
    printf("%.4f %.4f %.4e\\n", sin(half), pow(half, 1.5), (double)sinf(0.5f));
    printf("%ld %d %c %d\\n", strtol("0x1F", &end, 0), atoi("42"), toupper('q'), rand() >= 0);
    free(memory);
    fprintf(stderr, "%d\\n", malloc(200000) == NULL);
    fflush(stdout);
    assert(difftime((time_t)5, (time_t)3) == 3.0);
    return 0;
}
"""
SHOWN = """\
359 abcdef 1 12 4 -1 -7
0.4794 0.3536 4.7943e-01
31 42 Q 1
1

*** main.c:35: main: difftime((time_t)5, (time_t)3) == 3.0 does not hold ***
"""


def run(folder, toolchain, watch=None):
    image = build_project(folder, toolchain, **({"watch": watch} if watch else {}))
    board = VirtualBoard()
    board.load_elf(image.elf)
    return board.run().console


@pytest.mark.long
@EVERY
@pytest.mark.parametrize("name", ["MXC_NVIC_SetVector", "NVIC_SetVector"])
def test_a_vector_that_is_set_is_enabled(tmp_path, toolchain, name):
    folder = write_c_project(tmp_path / "vector", main=HANDLER % name)
    assert run(folder, toolchain) == "fired 1, button 0\n"


@pytest.mark.long
@EVERY
def test_reals_are_printed_without_a_c_library(tmp_path, toolchain):
    text = """
    #include <math.h>
    #include <stdio.h>
    int main(void) { printf("[%f] [%5.2f] %g %lu\\n", 3.25, 2.5, (double)sqrtf(2.0f), 7ul); }
    """
    alone = replace(toolchain, c_library=None, library_flags=())
    folder = write_c_project(tmp_path / "reals", main=text)
    assert run(folder, alone) == "[3.250000] [ 2.50] 1.41421 7\n"


@pytest.mark.long
@needs_newlib
@EVERY
def test_what_only_a_c_library_has(tmp_path, toolchain):
    log = Log()
    assert run(write_c_project(tmp_path / "library", main=LIBRARY), toolchain, log) == SHOWN
    assert log.warnings == []


@pytest.mark.long
@EVERY
def test_without_a_c_library_its_names_are_told(tmp_path, toolchain):
    alone = replace(toolchain, c_library=None, library_flags=())
    folder = write_c_project(
        tmp_path / "sine",
        main="#include <math.h>\nint main(void) { return (int)sinf(0.5f); }\n",
    )
    with pytest.raises(InputError, match=r"sinf: needs a C library.*libnewlib-arm-none-eabi"):
        build_project(folder, alone)
    folder = write_c_project(tmp_path / "time", main="#include <time.h>\nint main(void) {}\n")
    with pytest.raises(InputError, match=r"<time\.h>: needs a C library"):
        build_project(folder, alone)


def asked(folder, text):
    units = project_units(write_c_project(folder, main=text))
    return missing_from_ours(units, ZIG.headers), prints_reals(units)


@pytest.mark.parametrize(
    ("text", "names", "has_reals"),
    [
        ("#include <stdio.h>\n#include <stdint.h>\nprintf(\"%d\", 1);", (), False),
        ("#include <math.h>\nexpf(x); // sin(x)\n/* malloc(3) */", (), False),
        ('puts("sin(x)");', (), False),
        ("#include <math.h>\nsin(x);", ("sin",), False),
        ("#  include <errno.h>\nstrtol(a, b, 0);", ("<errno.h>", "strtol"), False),
        ('printf("%5.*f%%\\n", 3, x);', (), True),
        ('printf("%lg", x);', (), True),
        ('printf("100 %% full %d %%g");', (), False),
    ],
)  # fmt: skip
def test_a_projects_text_tells_what_it_needs(tmp_path, text, names, has_reals):
    assert asked(tmp_path, text) == (names, has_reals)


def test_headers_beside_the_code_count(tmp_path):
    folder = write_c_project(tmp_path / "two", main='#include "two.h"\n')
    (folder / "two.h").write_text('#include <two.h>\n#define SHOW(x) printf("%f %d", x, rand())\n')
    units = project_units(folder)
    assert missing_from_ours(units, ZIG.headers) == ("rand",)
    assert prints_reals(units)


def test_what_nobody_asks_for_is_not_in_the_package(tmp_path):
    units = project_units(write_c_project(tmp_path, main="int main(void) { return 0; }\n"))
    package = our_package("EvKit_V1", ZIG, units)
    names = {unit.source.name for unit in package.units}
    assert "memory.c" in names
    assert not {"c_library.c", "format_real.c", "board_fthr_reva.c"} & names
    assert package.lacks == ()


@pytest.mark.long
@EVERY
def test_formats_of_every_fixed_width(tmp_path, toolchain):
    text = """
    #include <inttypes.h>
    #include <stdio.h>
    int main(void)
    {
        printf("%" PRIu8 " %" PRId16 " %" PRIx32 " %" PRIu64 "\\n", (uint8_t)7, (int16_t)-8,
               (uint32_t)0xabcdefu, (uint64_t)18446744073709551615u);
        return 0;
    }
    """
    log = Log()
    folder = write_c_project(tmp_path / "widths", main=text)
    assert run(folder, toolchain, log) == "7 -8 abcdef 18446744073709551615\n"
    assert log.warnings == []


NAMED_HANDLERS = """
#include <stdio.h>
#include "mxc.h"
static volatile int timers, ticks, calls;
void TMR0_IRQHandler(void) { timers++; }
void CNN_IRQHandler(void) { timers += 10; }
void SysTick_Handler(void) { ticks++; }
void SVC_Handler(void) { calls++; }
int main(void)
{
    const uint32_t before = __get_PRIMASK();
    __disable_irq();
    NVIC_EnableIRQ(TMR0_IRQn);
    NVIC_SetPendingIRQ(TMR0_IRQn);
    NVIC_EnableIRQ(CNN_IRQn);
    NVIC_SetPriority(CNN_IRQn, 3);
    const int disabled = __get_PRIMASK() && !before && timers == 0;
    const uint32_t pending = NVIC_GetPendingIRQ(TMR0_IRQn) + 2 * NVIC_GetEnableIRQ(CNN_IRQn);
    __set_PRIMASK(before);
    NVIC_SetPendingIRQ(CNN_IRQn);
    __asm volatile("svc 0");
    printf("%d %lu %d %d %lu\\n", disabled, (unsigned long)pending, timers, calls,
           (unsigned long)NVIC_GetPriority(CNN_IRQn));
    const unsigned long reversed = __REV(0x12345678), exception = __get_IPSR();
    printf("%d %lx %lu\\n", __CLZ(1), reversed, exception);

    const uint32_t refused = SysTick_Config(1u << 25);
    CoreDebug->DEMCR |= CoreDebug_DEMCR_TRCENA_Msk;
    DWT->CTRL |= DWT_CTRL_CYCCNTENA_Msk;
    SysTick_Config(SystemCoreClock / 1000);
    const uint32_t start = DWT->CYCCNT;
    MXC_Delay(MXC_DELAY_MSEC(20));
    const uint32_t cycles = DWT->CYCCNT - start;
    printf("%lu %d %d\\n", (unsigned long)refused, ticks == 20 || ticks == 21,
           cycles / (SystemCoreClock / 1000) == 20);
    return 0;
}
"""


@pytest.mark.long
@EVERY
def test_handlers_are_found_by_their_names(tmp_path, toolchain):
    """And a delay beside a program's tick leaves it its pace."""
    folder = write_c_project(tmp_path / "named", main=NAMED_HANDLERS)
    assert run(folder, toolchain) == "1 3 11 1 3\n31 78563412 0\n1 1 1\n"


@pytest.mark.long
@EVERY
def test_a_reset_starts_over(tmp_path, toolchain):
    text = """
    #include <stdio.h>
    #include "mxc.h"
    int main(void) { printf("start\\n"); uart_drain(); NVIC_SystemReset(); }
    """
    board = VirtualBoard()
    board.load_elf(build_project(write_c_project(tmp_path / "reset", main=text), toolchain).elf)
    console = board.run(limits=Limits(virtual_s=0.02, is_end_at_time=True)).console
    assert console.startswith("start\nstart\n")


@pytest.mark.long
@EVERY
def test_a_fault_can_be_the_programs(tmp_path, toolchain):
    text = """
    #include <stdio.h>
    #include "mxc.h"
    void HardFault_Handler(void) { printf("mine\\n"); uart_drain(); for (;;) { } }
    int main(void) { __disable_irq(); __asm volatile("svc 0"); return 0; }
    """
    assert "mine\n" in run(write_c_project(tmp_path / "fault", main=text), toolchain)
