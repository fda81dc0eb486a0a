"""Small C projects for tests, and the compilers that make firmware."""

import pytest
from installed import needs_gcc, of_zig

from max78000.firmware.toolchain import find_gcc, find_zig

ZIG = find_zig()
TOOLCHAINS = (
    pytest.param(ZIG, id="zig", marks=of_zig),
    pytest.param(find_gcc(), id="gcc", marks=needs_gcc),
)
HELLO = """
#include <stdio.h>
#include "mxc.h"

const uint32_t table[100] = { 1, 2, 3 };
static uint32_t counts[50];

int main(void)
{
    MXC_SYS_Clock_Select(MXC_SYS_CLOCK_IPO);
    for (int i = 0; i < 50; i++) {
        counts[i] = table[2 * i];
    }
    printf("hello %lu\\n", (unsigned long)counts[7]);
    return 0;
}
"""


class Log:
    """Remembers what a build says."""

    def __init__(self):
        self.steps = []
        self.warnings = []

    def __call__(self, text, *, is_warning):
        (self.warnings if is_warning else self.steps).append(text)


def write_c_project(folder, **files):
    """Write C files, named without their ending; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.c").write_text(text)
    return folder
