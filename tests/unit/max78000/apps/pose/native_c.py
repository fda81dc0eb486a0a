"""Parts of the pose application as a library for this machine, for tests to call."""

import ctypes
import shutil
import subprocess
import sys
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[5] / "max78000/apps"
WARNINGS = ("-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Werror")
# The one from PyPI always is there; it lets undefined behaviour stop the test.
ZIG = (sys.executable, "-m", "ziglang", "cc", "-fsanitize=undefined", "-fsanitize-trap=undefined")
COMPILERS = {"zig": ZIG} | ({"cc": ("cc",)} if shutil.which("cc") else {})


def build_library(compiler, folder, *names):
    """Compile C files of the application; warnings are errors."""
    library = folder / "pose.so"
    sources = [str(SOURCES / name) for name in names]
    command = [*COMPILERS[compiler], "-std=c11", "-O2", *WARNINGS, "-shared", "-fPIC"]
    result = subprocess.run(
        [*command, *sources, "-o", str(library)], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return ctypes.CDLL(str(library))


def pointer(array):
    """Address of an array's first element."""
    return ctypes.c_void_p(array.ctypes.data)
