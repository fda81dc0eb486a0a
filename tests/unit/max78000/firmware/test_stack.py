"""The guard below the stack and the paint on it, in firmware on the virtual board."""

import json
import re

import pytest
from click.testing import CliRunner
from firmware_projects import TOOLCHAINS, ZIG, write_c_project
from newlib import needs_newlib

from max78000.board.board import End, VirtualBoard
from max78000.commands.main import cli
from max78000.errors import ToolError
from max78000.firmware.build import build_project
from max78000.firmware.image import MIN_GUARD_BYTES, MIN_STACK_BYTES

pytestmark = pytest.mark.long

HEAD = """
#include <stdio.h>
#include <stdlib.h>
#include "mxc.h"
#include "stack.h"
static volatile uint32_t depth;
static uint32_t dive(uint32_t n)
{
    volatile uint32_t here[16];
    here[n % 16u] = n;
    depth = n;
    return (n == 0u ? 0u : dive(n - 1u)) + here[n % 16u];
}
"""
OVERFLOW = 'int main(void) { printf("%lu\\n", (unsigned long)dive(5000)); return 0; }'
MEASURED = """
int main(void)
{
    printf("%lu\\n", (unsigned long)stack_used_bytes());
    (void)dive(100);
    printf("%lu\\n", (unsigned long)stack_used_bytes());
    printf("%lu\\n", (unsigned long)stack_size_bytes());
    return 0;
}
"""
IN_HANDLER = """
void GPIO0_IRQHandler(void) { (void)dive(5000); }
int main(void)
{
    MXC_NVIC_SetVector(GPIO0_IRQn, GPIO0_IRQHandler);
    NVIC_EnableIRQ(GPIO0_IRQn);
    NVIC_SetPendingIRQ(GPIO0_IRQn);
    __ISB();
    for (;;) { __WFI(); }
}
"""
ASK_WHILE_DEEP = """
int main(void)
{
    volatile uint8_t live[60 * 1024];
    uint32_t n = 0, sum = 0;
    for (uint32_t i = 0; i < sizeof(live); i += 1024u) { live[i] = 1; }
    while (malloc(1024) != NULL) { n++; }
    for (uint32_t i = 0; i < sizeof(live); i += 1024u) { sum += live[i]; }
    printf("%lu %lu\\n", (unsigned long)n, (unsigned long)sum);
    return 0;
}
"""
WILD_STORE = """
int main(void)
{
    *(volatile uint32_t *)(0x20020000u - stack_size_bytes() - 64u) = 1u;
    return 0;
}
"""


def run(folder, toolchain, text):
    image = build_project(write_c_project(folder / "deep", main=text), toolchain)
    board = VirtualBoard()
    board.load_elf(image.elf)
    return image, board.run()


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
@pytest.mark.parametrize("main", [OVERFLOW, IN_HANDLER], ids=["main", "handler"])
def test_a_stack_that_overflows(toolchain, main, tmp_path):
    image, outcome = run(tmp_path, toolchain, HEAD + main)
    assert outcome.end is End.STUCK
    found = re.search(
        r"\*\*\* FAULT: stack overflow: more than the (\d+) bytes down to 0x(\w{8}) \*\*\*\n"
        r"callers:((?: 0x\w{8})+)\n",
        outcome.console,
    )
    assert found, outcome.console
    size, limit = int(found[1]), int(found[2], 16)
    assert size + limit == 0x2002_0000
    assert limit % 4096 == 0
    callers = {image.symbol_at(int(addr, 16)) for addr in found[3].split()}
    assert all(one.name.startswith(("dive", "GPIO0")) for one in callers)


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_the_most_that_was_used(toolchain, tmp_path):
    _, outcome = run(tmp_path, toolchain, HEAD + MEASURED)
    before, after, size = map(int, outcome.console.split())
    assert before < 1024
    assert before + 100 * 64 < after < before + 100 * 128
    assert after < size < 128 * 1024


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_little_room_has_a_small_guard(toolchain, tmp_path):
    n_bytes = 128 * 1024 - MIN_STACK_BYTES - MIN_GUARD_BYTES - 1024
    text = f"{HEAD}volatile uint8_t block[{n_bytes}];{MEASURED}"
    text = text.replace("dive(100)", "dive(2)").replace("return 0;", "return block[5];")
    _, outcome = run(tmp_path, toolchain, text)
    *_, size = map(int, outcome.console.split())
    assert MIN_STACK_BYTES <= size < MIN_STACK_BYTES + 1024


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_the_least_stack_is_there_or_the_program_is_refused(toolchain, tmp_path):
    n_bytes = 128 * 1024 - MIN_STACK_BYTES - MIN_GUARD_BYTES
    text = f"{HEAD}volatile uint8_t block[{n_bytes}];{MEASURED}"
    with pytest.raises(ToolError, match="stack"):
        run(tmp_path, toolchain, text.replace("return 0;", "return block[5];"))


@needs_newlib
@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_memory_is_not_taken_from_a_stack_in_use(toolchain, tmp_path):
    _, outcome = run(tmp_path, toolchain, HEAD + ASK_WHILE_DEEP)
    n_blocks, total = map(int, outcome.console.split())
    assert 40 < n_blocks < 64
    assert total == 60


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_a_wild_store_is_no_overflow(toolchain, tmp_path):
    image, outcome = run(tmp_path, toolchain, HEAD + WILD_STORE)
    assert outcome.end is End.STUCK
    found = re.search(
        r"\*\*\* FAULT: memory fault: the guard below the stack was touched \*\*\*\n"
        r"PC 0x(\w{8}) LR .*\nSP .* MMFAR 0x(\w{8})\n",
        outcome.console,
    )
    assert found, outcome.console
    assert image.symbol_at(int(found[1], 16)).name == "main"
    assert int(found[2], 16) % 1024 == 1024 - 64


def test_the_run_tells_of_stack_and_faults(tmp_path):
    folder = write_c_project(tmp_path / "deep", main=HEAD + MEASURED)
    build_project(folder, ZIG)
    elf = str(folder / "build/deep.elf")
    result = CliRunner().invoke(cli, ["simulate", elf])
    _, after, size, *rest = result.output.split("\n")
    assert rest[0] == f"stack: {int(after):,} of {int(size):,} bytes"
    assert result.exit_code == 0
    values = json.loads(CliRunner().invoke(cli, ["simulate", elf, "--json"]).output)
    assert (values["stack_bytes"], values["stack_available_bytes"]) == (int(after), int(size))
    write_c_project(folder, main=HEAD + OVERFLOW)
    build_project(folder, ZIG)
    result = CliRunner().invoke(cli, ["simulate", elf])
    assert result.exit_code == 1
    assert result.output.endswith("FAIL the firmware has met a fault\n")
