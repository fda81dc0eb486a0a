"""The whole way: compile a firmware, flash it through a debugger, and read its console."""

import pytest
from flash_bench import Bench
from installed import PROBES

from max78000.firmware.build import build_project
from max78000.firmware.toolchain import find_toolchain
from max78000.link.flash import flash
from max78000.link.flash_plan import flash_image

MAIN = """\
#include <stdio.h>
#include "mxc.h"

int main(void)
{
    MXC_ICC_Enable(MXC_ICC0);
    MXC_SYS_Clock_Select(MXC_SYS_CLOCK_IPO);
    SystemCoreClockUpdate();
    printf("flashed at %u Hz\\n", (unsigned)SystemCoreClock);
    for (;;) {
    }
}
"""
BANNER = "flashed at 100000000 Hz\n"
N_SLICES = 400


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    folder = tmp_path_factory.mktemp("banner")
    (folder / "main.c").write_text(MAIN)
    built = build_project(folder, find_toolchain("auto"))
    return flash_image(built.flash_content(), built.elf.name)


@pytest.mark.parametrize("name", PROBES)
def test_firmware_prints_its_banner_after_flashing(name, image):
    bench = Bench()
    with bench.probe(name) as probe:
        flash(image, probe)
        flash(image, probe)  # over a program that has switched clocks and cache
    assert bench.port.core.fault is None
    for _ in range(N_SLICES):
        bench.board.run_slice()
    assert bench.board.console.endswith(BANNER)
