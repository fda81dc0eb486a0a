"""The two compilers: how they are found, and what is said when they are not there."""

import subprocess

import pytest
from installed import needs_gcc

from max78000.errors import UnsupportedError
from max78000.firmware import toolchain
from max78000.firmware.toolchain import CHOICES, find_gcc, find_toolchain, find_zig


def no_program(_name):
    return None


def no_package(_name):
    return None


def test_the_compiler_from_pypi_is_here():
    found = find_toolchain("zig")
    assert found == find_zig()
    assert str(found).startswith("zig 0.")


def test_auto_prefers_the_cross_compiler():
    assert find_toolchain("auto") == (find_gcc() or find_zig())
    assert find_toolchain() == find_toolchain("auto")


def test_auto_takes_what_is_there(monkeypatch):
    monkeypatch.setattr(toolchain.shutil, "which", no_program)
    assert find_toolchain("auto").name == "zig"


@pytest.mark.parametrize("choice", CHOICES)
def test_without_any_compiler_both_ways_to_one_are_named(monkeypatch, choice):
    monkeypatch.setattr(toolchain.shutil, "which", no_program)
    monkeypatch.setattr(toolchain.importlib.util, "find_spec", no_package)
    with pytest.raises(UnsupportedError, match=r"pip install ziglang.*apt install gcc-arm"):
        find_toolchain(choice)


def test_a_compiler_that_does_not_answer_is_named(monkeypatch):
    monkeypatch.setattr(toolchain.shutil, "which", lambda _name: "/nowhere/arm-none-eabi-gcc")
    with pytest.raises(UnsupportedError, match=r"/nowhere/arm-none-eabi-gcc.*--compiler zig"):
        find_gcc()


@needs_gcc
def test_gcc_sees_no_installed_c_library(tmp_path):
    found = find_gcc()
    source = tmp_path / "probe.c"
    source.write_text("#include <math.h>\n")
    command = [*found.command, *found.core, *found.alone_flags, "-c", str(source)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert "math.h" in result.stderr
