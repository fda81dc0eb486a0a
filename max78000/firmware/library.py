"""C project -> `libcnn.a` in its folder `build`: all of it but `main`, for a program of others.

Same sources and compiler, same bytes, as with firmware.
"""

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from max78000.errors import InputError, UnsupportedError
from max78000.files import scratch_beside, unwritable
from max78000.firmware.advice import advise
from max78000.firmware.build import FOLDER, package_of
from max78000.firmware.c_library import text_of
from max78000.firmware.objects import Watch, compile_units, ignore
from max78000.firmware.sources import DEFAULT_BOARD, has_riscv, project_units
from max78000.firmware.toolchain import Toolchain

LIBRARY = "libcnn.a"
HEADER = "cnn.h"
_MAIN = re.compile(r"\bmain\s*\([^;{]*\)\s*\{")


@dataclass(frozen=True, slots=True)
class Library:
    """What another program links, and the header that it includes."""

    archive: Path
    header: Path


def build_library(
    folder: Path,
    toolchain: Toolchain,
    board: str = DEFAULT_BOARD,
    watch: Watch = ignore,
    sdk: Sequence[Path] = (),
) -> Library:
    """Compile a project's C files but the one with `main` into a static library.

    Nothing of what stands below a project is in it: who links it brings the board support package,
    or the vendor's SDK, and defines `cnn_time`.

    Args:
        folder: what `synthesize` wrote.
        toolchain: from `find_toolchain`.
        board: a name in `sources.BOARDS`.
        watch: is told about the steps taken and about warnings of the compiler.
        sdk: as in `build_project`: whose headers the code sees.

    Raises:
        InputError: there is nothing but `main`, no header, or code that does not compile.
        UnsupportedError: the network runs on the RISC-V core.
    """
    if has_riscv(folder, board):
        why = "runs on the RISC-V core, and a library is for the Arm core"
        fix = "build firmware without --library, or synthesize without --riscv"
        raise UnsupportedError(why, where=str(folder), fix=fix)
    project = project_units(folder, board=board)
    package = package_of(board, toolchain, project, sdk)
    own = package.carry([unit for unit in project if not _MAIN.search(text_of(unit.source))])
    units = own[: len(own) - len(package.units)]
    header = folder / HEADER
    if not units or not header.is_file():
        lacks = f"there is no {HEADER}" if units else "there is no C file but the one with main()"
        fix = "name a folder that synthesize wrote, without --api-filename none"
        raise InputError(f"{lacks}, so no library", where=str(folder), fix=fix)
    archive = folder / FOLDER / LIBRARY
    names = ("objects", toolchain.name, package.name, "library")
    place = archive.parent / "-".join(filter(None, names))
    try:
        objects = compile_units(units, toolchain, place, watch, partial(advise, package=package))
        _archive(objects, toolchain, archive)
    except OSError as error:
        raise unwritable(archive.parent, error) from None
    return Library(archive, header)


def _archive(objects: Sequence[Path], toolchain: Toolchain, archive: Path) -> None:
    """Write the library whole or not at all; D: no times, no owners."""
    with scratch_beside(archive) as scratch:
        fresh = (scratch / archive.name).resolve()
        names = (path.name for path in objects)
        command = [*toolchain.archiver, "rcsD", str(fresh), *names]
        run = partial(subprocess.run, cwd=objects[0].parent, capture_output=True, text=True)
        result = run(command, check=False)
        if result.returncode != 0:
            why = f"makes no library: {result.stderr.strip()}"
            raise UnsupportedError(why, where=toolchain.archiver[0])
        fresh.replace(archive)
