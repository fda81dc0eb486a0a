"""C of ours as a library for this machine, for tests to call.

The compiler from PyPI always is there; what it makes stops where behaviour is undefined. Under
`SANITIZE=1` the machine's own one compiles, and AddressSanitizer watches every byte as well:
tests/agree/test_sanitizers.py runs tests again that way.
"""

import ctypes
import os
import shutil
import subprocess
import sys

SANITIZE = "SANITIZE"
ZIG = (sys.executable, "-m", "ziglang", "cc", "-fsanitize=undefined", "-fsanitize-trap=undefined")
WATCHED = ("gcc", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
IS_WATCHED = os.environ.get(SANITIZE) == "1"
MACHINES_OWN = {"cc": ("cc",)} if shutil.which("cc") else {}
COMPILERS = {"gcc": WATCHED} if IS_WATCHED else {"zig": ZIG} | MACHINES_OWN
FIRST = next(iter(COMPILERS))
WARNINGS = ("-Wall", "-Wextra", "-Werror")
LOUD = ("-O2", "-Wshadow", "-Wconversion")  # for applications


def renamed(*names):
    """Flags that call our memcpy() bsp_memcpy(), as the C library of this machine has one, too."""
    return [f"-D{name}=bsp_{name}" for name in names]


def build_native(path, sources, *flags, compiler=FIRST):
    """Compile C files to a library; warnings are errors."""
    command = [*COMPILERS[compiler], "-std=c11", *WARNINGS, "-shared", "-fPIC", *flags]
    files = [*map(str, sources), "-o", str(path)]
    result = subprocess.run([*command, *files], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return ctypes.CDLL(str(path))


def pointer(array):
    """Address of an array's first element."""
    return ctypes.c_void_p(array.ctypes.data)
