"""The package's watchdog in firmware on the virtual board."""

import pytest
from click.testing import CliRunner
from firmware_projects import TOOLCHAINS, write_c_project

from max78000.board.board import VirtualBoard
from max78000.commands.main import cli
from max78000.firmware.build import build_project

pytestmark = pytest.mark.long

HANGS = """
#include <stdio.h>
#include "mxc.h"
#include "watchdog.h"
int main(void)
{
    const bool is_second = watchdog_has_reset();
    watchdog_feed(); /* nothing happens before it is started */
    printf("%d %d\\n", watchdog_start(200000), watchdog_start(is_second ? 0 : 1000));
    for (int i = 0; i < 5; i++) {
        MXC_Delay(MSEC(800));
        watchdog_feed();
    }
    printf("%s\\n", is_second ? "fine" : "hangs");
    while (!is_second) {
        MXC_Delay(MSEC(100));
    }
    return 0;
}
"""


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_a_program_that_hangs_starts_again(toolchain, tmp_path):
    image = build_project(write_c_project(tmp_path / "dog", main=HANGS), toolchain)
    board = VirtualBoard()
    board.load_elf(image.elf)
    console = board.run().console
    told = "*** the watchdog has reset the board: nobody had fed it in time ***"
    assert [line for line in console.split("\n") if line] == ["-3 0", "hangs", told, "-3 0", "fine"]
    assert 4 + 1 < board.timeline.now_ns / 1e9 - 4 < 4 + 2.3


def test_the_run_says_who_has_reset_the_chip(tmp_path):
    image = build_project(write_c_project(tmp_path / "dog", main=HANGS), TOOLCHAINS[0].values[0])
    result = CliRunner().invoke(cli, ["simulate", str(image.elf)])
    assert "warning: WDT0 has reset the chip once" in result.stderr
