"""Programs that a machine may lack: what needs one is skipped there, and says how to get it."""

import shutil

import pytest

PACKAGES = {  # of Debian and Ubuntu
    "arm-none-eabi-gcc": "gcc-arm-none-eabi",
    "cmake": "cmake",
    "chromium": "chromium",
    "clang-tidy": "clang-tidy",
    "cppcheck": "cppcheck",
    "gcc": "gcc",
    "openocd": "openocd",
    "riscv64-unknown-elf-gcc": "gcc-riscv64-unknown-elf",
}
OTHER_NAMES = {"chromium": ("chromium-browser", "google-chrome")}


def find(program):
    """Where a program is; None where it is not installed."""
    names = (program, *OTHER_NAMES.get(program, ()))
    return next(filter(None, map(shutil.which, names)), None)


def needs(program):
    """Mark a test, or a parameter, that needs a program."""
    how = f"{program} is not installed (apt install {PACKAGES[program]})"
    return pytest.mark.skipif(find(program) is None, reason=how)


needs_gcc = needs("arm-none-eabi-gcc")
needs_openocd = needs("openocd")

# The compilers that make firmware. The one from PyPI always is there; where the other is, which
# takes half the time, its tests are in the slow ring.
of_zig = pytest.mark.slow if find("arm-none-eabi-gcc") else ()
CROSS_COMPILERS = (pytest.param("zig", marks=of_zig), pytest.param("gcc", marks=needs_gcc))
PROBES = ("pyocd", pytest.param("openocd", marks=needs_openocd))
