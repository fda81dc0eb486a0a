"""Finds a C compiler for the chip's RISC-V core: a gcc for bare programs.

It needs no C library: headers are those of the Arm core's, functions are `riscv/c_library.c`. The
one of the package `ziglang` will not do: its linker does not take the SDK's start-up code.
"""

import shutil
from pathlib import Path

from max78000.errors import UnsupportedError
from max78000.firmware.toolchain import COMPILE, LINK, CLibrary, Toolchain, answer

GCCS = (
    "riscv64-unknown-elf-gcc", "riscv32-unknown-elf-gcc", "riscv-none-elf-gcc",
    "riscv-none-embed-gcc",
)  # fmt: skip
# The core has more instructions; these are what all compilers know of them.
ABI = "-mabi=ilp32"
CORE = ("-march=rv32imc_zicsr", ABI)
LINKED_FOR = ("-march=rv32im", ABI)  # for which there is a library of arithmetic


def find_riscv(library: CLibrary) -> Toolchain:
    """Return the compiler for the RISC-V core that is on the PATH.

    Args:
        library: of the Arm core, for its headers.
    Raises:
        UnsupportedError: there is none.
    """
    path = next(filter(None, map(shutil.which, GCCS)), None)
    if path is None:
        raise UnsupportedError(
            f"no {GCCS[0]} is installed, so nothing is compiled for the RISC-V core",
            fix="Debian: apt install gcc-riscv64-unknown-elf",
        )
    headers = answer(path, "-print-file-name=include")
    return Toolchain(
        name="gcc-riscv",
        version=answer(path, "-dumpfullversion"),
        command=(path,),
        core=CORE,
        headers=Path(headers),
        compile_flags=COMPILE,
        alone_flags=(
            *("-ffreestanding", "-nostdinc", "-isystem", headers),
            "-fno-tree-loop-distribute-patterns",
        ),
        library_flags=("-isystem", str(library.headers)),
        c_library=library,
        link_flags=(*LINK, *LINKED_FOR),
        libraries=("-lgcc",),
        archiver=(answer(path, "-print-prog-name=ar"),),
    )
