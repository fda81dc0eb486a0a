"""Finds a C compiler for the chip's core, and says how to call it.

Two will do: `arm-none-eabi-gcc` where it is installed, else the one of the package `ziglang`, which
is clang with everything it needs. Compiles nothing itself; `build.py` does.
"""

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from max78000.errors import UnsupportedError

CHOICES = ("auto", "gcc", "zig")
GCC = "arm-none-eabi-gcc"
GCC_CORE = ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16")
VARIANT = "thumb/v7e-m+fp/hard"  # the same in the words of the archives' folders
ARCHIVES = ("libc_nano.a", "libm.a")
LIBRARY_HEADER = "setjmp.h"

COMPILE = (
    "-O2", "-g", "-fno-common", "-ffunction-sections", "-fdata-sections",
    "-fdiagnostics-color=never",
)  # fmt: skip
LINK = ("-Wl,--gc-sections", "-Wl,--build-id=none", "-Wl,-z,max-page-size=4096")


@dataclass(frozen=True, slots=True)
class CLibrary:
    """A C library for the core: newlib, as Debian packs it.

    Attributes:
        headers: folder of stdio.h and its like.
        archives: what to link, the functions for small chips first.
    """

    headers: Path
    archives: tuple[Path, ...]


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
        alone_flags: for C files that see no C library, and may assume nothing about one.
        library_flags: for those that see it.
        c_library: the C library that the compiler can be given; None if there is none.
        link_flags: before the objects.
        libraries: after them: what the compiler calls for arithmetic the core lacks.
        archiver: makes libraries of objects.
    """

    name: str
    version: str
    command: tuple[str, ...]
    core: tuple[str, ...]
    headers: Path
    compile_flags: tuple[str, ...]
    alone_flags: tuple[str, ...]
    library_flags: tuple[str, ...]
    c_library: CLibrary | None
    link_flags: tuple[str, ...]
    libraries: tuple[str, ...]
    archiver: tuple[str, ...]

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
    headers = answer(path, "-print-file-name=include")
    return Toolchain(
        name="gcc",
        version=answer(path, "-dumpfullversion"),
        command=(path,),
        core=GCC_CORE,
        headers=Path(headers),
        compile_flags=COMPILE,
        alone_flags=(
            "-ffreestanding",
            # stdint.h and its like; never a C library that happens to be installed.
            "-nostdinc", "-isystem", headers,
            # Else the loop in memcpy() becomes a call of memcpy().
            "-fno-tree-loop-distribute-patterns",
        ),
        library_flags=(),
        c_library=_library_of_gcc(path),
        link_flags=LINK,
        libraries=("-lgcc",),
        archiver=(answer(path, "-print-prog-name=ar"),),
    )  # fmt: skip


def find_zig() -> Toolchain | None:
    """Return the compiler of the Python package `ziglang`, if it is installed."""
    package = importlib.util.find_spec("ziglang")
    if package is None or package.origin is None:
        return None
    library = _library_of_gcc(gcc) if (gcc := shutil.which(GCC)) else _library_of_debian()
    return Toolchain(
        name="zig",
        version=importlib.metadata.version("ziglang"),
        command=(sys.executable, "-m", "ziglang", "cc"),
        core=("-target", "thumb-freestanding-eabihf", "-mcpu=cortex_m4+vfp4d16sp"),
        headers=Path(package.origin).parent / "lib",
        compile_flags=(*COMPILE, "-fno-sanitize=all"),
        alone_flags=("-ffreestanding",),
        # zig takes assert() away from what is optimized.
        library_flags=("-UNDEBUG", "-isystem", str(library.headers)) if library else (),
        c_library=library,
        link_flags=LINK,
        libraries=("-lcompiler_rt",),
        archiver=(sys.executable, "-m", "ziglang", "ar"),
    )


def _library_of_gcc(path: str) -> CLibrary | None:
    """Return the C library that a cross compiler has, if it has one."""
    found = [answer(path, *GCC_CORE, f"-print-file-name={name}") for name in ARCHIVES]
    said = answer(path, "-E", "-x", "c", "-v", os.devnull, is_error=True)
    folders = (Path(line.strip()) for line in said.splitlines() if line.startswith(" "))
    headers = next((folder for folder in folders if (folder / LIBRARY_HEADER).is_file()), None)
    if headers is None or not all(Path(name).is_file() for name in found):
        return None
    return CLibrary(headers.resolve(), tuple(Path(name).resolve() for name in found))


def _library_of_debian() -> CLibrary | None:
    """Return newlib where Debian puts it, which takes no compiler along."""
    headers = Path("/usr/include/newlib")
    archives = tuple(Path("/usr/lib/arm-none-eabi/newlib", VARIANT, name) for name in ARCHIVES)
    there = all(path.is_file() for path in (headers / LIBRARY_HEADER, *archives))
    return CLibrary(headers, archives) if there else None


def answer(path: str, *question: str, is_error: bool = False) -> str:
    """Ask a compiler about itself; what it says on standard output, or error.

    Raises:
        UnsupportedError: it does not answer.
    """
    try:
        result = subprocess.run([path, *question], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise UnsupportedError(
            f"does not answer {question[-1]}: {error}", where=path, fix="try --compiler zig"
        ) from None
    return (result.stderr if is_error else result.stdout).strip()
