"""Finds a C compiler for the chip's core, and says how to call it.

Two will do: `arm-none-eabi-gcc` where it is installed, else the one of the package `ziglang`, which
is clang with everything it needs. Compiles nothing itself; `build.py` does.
"""

import importlib.metadata
import importlib.util
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from max78000.errors import UnsupportedError

CHOICES = ("auto", "gcc", "zig")
GCC = "arm-none-eabi-gcc"

# Own headers and functions only: no C library, nothing assumed about one.
COMPILE = (
    "-std=c11", "-O2", "-g", "-ffreestanding", "-fno-common", "-ffunction-sections",
    "-fdata-sections", "-fdiagnostics-color=never",
)  # fmt: skip
LINK = (
    "-nostdlib", "-Wl,--gc-sections", "-Wl,--build-id=none", "-Wl,-e,reset_handler",
    "-Wl,-z,max-page-size=4096",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Toolchain:
    """A compiler and the arguments that make it compile and link for the chip.

    Attributes:
        name: "gcc" or "zig".
        version: as the compiler says it.
        command: the compiler driver; `core` always follows.
        core: instruction set and calling convention.
        headers: folder of the compiler's own headers; its name is kept out of the objects.
        compile_flags: for every C file.
        link_flags: before the objects.
        libraries: after them: what the compiler calls for arithmetic the core lacks.
    """

    name: str
    version: str
    command: tuple[str, ...]
    core: tuple[str, ...]
    headers: Path
    compile_flags: tuple[str, ...]
    link_flags: tuple[str, ...]
    libraries: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


def find_toolchain(choice: str = "auto") -> Toolchain:
    """Return the compiler of that name; "auto" prefers gcc.

    Raises:
        UnsupportedError: it is not installed.
    """
    finders = {"auto": (find_gcc, find_zig), "gcc": (find_gcc,), "zig": (find_zig,)}
    for find in finders[choice]:
        if toolchain := find():
            return toolchain
    names = {"auto": f"neither {GCC} nor ziglang", "gcc": f"no {GCC}", "zig": "no ziglang"}
    raise UnsupportedError(
        f"{names[choice]} is installed, so firmware cannot be compiled",
        fix=f"`pip install ziglang`, or install {GCC} (Debian: apt install gcc-arm-none-eabi)",
    )


def find_gcc() -> Toolchain | None:
    """Return the cross compiler on the PATH, if there is one."""
    path = shutil.which(GCC)
    if path is None:
        return None
    headers = _answer(path, "-print-file-name=include")
    return Toolchain(
        name="gcc",
        version=_answer(path, "-dumpfullversion"),
        command=(path,),
        core=("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"),
        headers=Path(headers),
        compile_flags=(
            *COMPILE,
            # stdint.h and its like; never a C library that happens to be installed.
            "-nostdinc", "-isystem", headers,
            # Else the loop in memcpy() becomes a call of memcpy().
            "-fno-tree-loop-distribute-patterns",
        ),
        link_flags=LINK,
        libraries=("-lgcc",),
    )  # fmt: skip


def find_zig() -> Toolchain | None:
    """Return the compiler of the Python package `ziglang`, if it is installed."""
    package = importlib.util.find_spec("ziglang")
    if package is None or package.origin is None:
        return None
    return Toolchain(
        name="zig",
        version=importlib.metadata.version("ziglang"),
        command=(sys.executable, "-m", "ziglang", "cc"),
        core=("-target", "thumb-freestanding-eabihf", "-mcpu=cortex_m4+vfp4d16sp"),
        headers=Path(package.origin).parent / "lib",
        compile_flags=(*COMPILE, "-fno-sanitize=all"),
        link_flags=LINK,
        libraries=("-lcompiler_rt",),
    )


def _answer(path: str, question: str) -> str:
    """Ask a compiler about itself."""
    try:
        result = subprocess.run([path, question], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise UnsupportedError(
            f"does not answer {question}: {error}", where=path, fix="try --compiler zig"
        ) from None
    return result.stdout.strip()
