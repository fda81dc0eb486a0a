"""A project as a static library: all but main, linked into the program of somebody else."""

import json
import subprocess

import pytest
from click.testing import CliRunner
from firmware_projects import TOOLCHAINS, ZIG, Log, write_c_project

from max78000.board.board import VirtualBoard
from max78000.commands.build import build
from max78000.errors import InputError, UnsupportedError
from max78000.firmware.compile_commands import FILE
from max78000.firmware.library import build_library
from max78000.firmware.sources import LINKER_SCRIPT, SUPPORT

pytestmark = pytest.mark.long  # a compiler each
HEADER = "int network(int x);\nextern volatile int seen;\n"
CNN = '#include "cnn.h"\nvolatile int seen;\nint network(int x) { seen = x; return 3 * x; }\n'
MAIN = '#include "cnn.h"\nint main(void) { return network(1); }\n'
FOREIGN = """
#include <stdio.h>
#include "cnn.h"
int main(void) { printf("%d %d\\n", network(14), seen); return 0; }
"""
LEFT_OUT = {"c_library.c", "format_real.c", "board_fthr_reva.c"}


def project_in(folder):
    write_c_project(folder, cnn=CNN, main=MAIN)
    (folder / "cnn.h").write_text(HEADER)
    return folder


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_a_foreign_program_links_it(tmp_path, toolchain):
    library = build_library(project_in(tmp_path / "net"), toolchain)
    assert library.archive == tmp_path / "net/build/libcnn.a"
    write_c_project(tmp_path / "theirs", app=FOREIGN)
    elf = tmp_path / "theirs/app.elf"
    sources = [path for path in SUPPORT.glob("src/*.c") if path.name not in LEFT_OUT]
    command = [
        *toolchain.command, *toolchain.core, *toolchain.compile_flags, *toolchain.alone_flags,
        f"-I{library.header.parent}", f"-I{SUPPORT}/include", f"-I{SUPPORT}/src",
        *toolchain.link_flags, "-nostdlib", "-Wl,-e,reset_handler", "-T", LINKER_SCRIPT,
        tmp_path / "theirs/app.c", *sources, library.archive, *toolchain.libraries, "-o", elf,
    ]  # fmt: skip
    words = [str(word) for word in command]
    result = subprocess.run(words, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    board = VirtualBoard()
    board.load_elf(elf)
    assert board.run().console == "42 14\n"


def test_it_is_the_same_wherever_the_folder_is(tmp_path):
    first = build_library(project_in(tmp_path / "here"), ZIG).archive.read_bytes()
    log = Log()
    folder = project_in(tmp_path / "far away" / "there")
    assert build_library(folder, ZIG, watch=log).archive.read_bytes() == first
    assert log.steps == ["compile cnn.c"]
    build_library(folder, ZIG, watch=log)
    assert log.steps == ["compile cnn.c"]


def test_what_makes_no_library(tmp_path):
    folder = write_c_project(tmp_path / "alone", main=MAIN)
    (folder / "cnn.h").write_text(HEADER)
    with pytest.raises(InputError, match=r"no C file but the one with main\(\), so no library"):
        build_library(folder, ZIG)
    folder = write_c_project(tmp_path / "headless", main="int main(void) {}\n", more="int x;\n")
    with pytest.raises(InputError, match=r"there is no cnn\.h, so no library"):
        build_library(folder, ZIG)


def test_the_command(tmp_path):
    folder = project_in(tmp_path / "net")
    result = CliRunner().invoke(build, [str(folder), "--library", "--compiler", "zig", "--json"])
    assert json.loads(result.stdout) == {
        "library": str(folder / "build/libcnn.a"),
        "header": str(folder / "cnn.h"),
    }
    result = CliRunner().invoke(build, [str(folder), "--library", "--app", "pose"])
    assert isinstance(result.exception, InputError)


def test_commands_of_a_build_are_written_for_editors(tmp_path):
    folder = project_in(tmp_path / "net")
    result = CliRunner().invoke(build, [str(folder), "--compiler", "zig"])
    assert result.exit_code == 0, result.output
    entries = json.loads((folder / "build" / FILE).read_text())
    own = [entry for entry in entries if entry["directory"] == str(folder.resolve())]
    assert [entry["file"] for entry in own] == ["cnn.c", "main.c"]
    for entry in own:
        subprocess.run([*entry["arguments"], "-o", "x.o"], cwd=entry["directory"], check=True)


def test_a_library_for_the_risc_v_core_is_refused_with_a_way_out(tmp_path):
    folder = write_c_project(tmp_path / "pair", main="", main_riscv="")
    with pytest.raises(UnsupportedError, match="library is for the Arm core") as caught:
        build_library(folder, ZIG, sdk=(tmp_path,))
    assert "without --library" in caught.value.fix
