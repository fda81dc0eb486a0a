"""C project -> ELF, HEX and BIN in its folder `build`.

Same sources and compiler, same bytes, wherever the folder is. What is up to date is left alone;
what is written is written whole or not at all.
"""

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

from max78000.errors import InputError
from max78000.files import unwritable
from max78000.firmware.image import Image, check_budget, read_image, write_bin, write_hex
from max78000.firmware.objects import Watch, compile_units, ignore, run_compiler
from max78000.firmware.sources import (
    DEFAULT_BOARD,
    LINKER_SCRIPT,
    TranslationUnit,
    project_units,
    support_units,
)
from max78000.firmware.stamp import (
    Stamp,
    file_hash,
    read_stamp,
    remove_stamp,
    source_hashes,
    write_stamp,
)
from max78000.firmware.toolchain import Toolchain

FOLDER = "build"

# The linker refuses what does not fit, without saying what is large. With this much room it links
# all the same, and the result can be measured.
ROOMY = (("LENGTH = 512K", "LENGTH = 8M"), ("LENGTH = 128K", "LENGTH = 8M"))
SMALLER = (
    "smaller weights (4 bits) shrink kernels, synthesize --no-kat leaves out sample_output,"
    " fewer results shrink ml_data"
)


@dataclass(frozen=True, slots=True)
class _Link:
    """All that the linker is told."""

    toolchain: Toolchain
    objects: tuple[Path, ...]
    app: str
    units: tuple[TranslationUnit, ...]

    def key(self) -> str:
        """Return a hash of it: the objects' names hold hashes of what is in them."""
        names = [path.name for path in self.objects]
        flags = (self.toolchain.core, self.toolchain.link_flags, self.toolchain.libraries)
        told = repr((str(self.toolchain), flags, names)).encode()
        return hashlib.sha256(told + LINKER_SCRIPT.read_bytes()).hexdigest()


def build_project(
    folder: Path,
    toolchain: Toolchain,
    board: str = DEFAULT_BOARD,
    app: str = "",
    watch: Watch = ignore,
) -> Image:
    """Compile and link a project with the board support package.

    Args:
        folder: what `synthesize` wrote, or any folder of C files with a `main`.
        toolchain: from `find_toolchain`.
        board: a name in `sources.BOARDS`.
        app: an application of this toolchain to use in place of the project's `main.c`.
        watch: is told about the steps taken and about warnings of the compiler.

    Returns:
        The image `folder/build/NAME.elf`, with `.hex` and `.bin` beside it. NAME is the folder's,
        with the application's if there is one.

    Raises:
        InputError: the folder is no C project, or its code does not compile or link.
        CapacityError: the program does not fit the chip.
    """
    units = (*project_units(folder, app), *support_units(board))
    name = "-".join(filter(None, (folder.resolve().name, app)))
    elf = folder / FOLDER / f"{name}.elf"
    try:
        objects = compile_units(units, toolchain, elf.parent / _objects_name(toolchain, app), watch)
        link = _Link(toolchain, objects, app, units)
        if not _is_current(elf, link):
            watch(f"link {elf.name}", is_warning=False)
            _write_outputs(elf, link, watch)
    except OSError as error:
        raise unwritable(elf.parent, error) from None
    return read_image(elf)


def _objects_name(toolchain: Toolchain, app: str) -> str:
    return "-".join(filter(None, ("objects", toolchain.name, app)))


def _is_current(elf: Path, link: _Link) -> bool:
    outputs = [elf, elf.with_suffix(".hex"), elf.with_suffix(".bin")]
    return all(path.is_file() for path in outputs) and read_stamp(elf) == _stamp(elf, link)


def _stamp(elf: Path, link: _Link) -> Stamp:
    return Stamp(link.key(), file_hash(elf), link.app, source_hashes(link.units))


def _write_outputs(elf: Path, link: _Link, watch: Watch) -> None:
    """Link; the stamp comes last, so that an interrupted build is not taken for a finished one."""
    remove_stamp(elf)
    with tempfile.TemporaryDirectory(prefix=".link-", dir=elf.parent) as scratch:
        fresh = Path(scratch) / elf.name
        text = _run_linker(link, LINKER_SCRIPT, fresh)
        if not fresh.exists():
            _check_size(link, fresh)
            raise InputError(f"{link.toolchain} does not link it:\n{text}", where=str(elf))
        if text:
            watch(text, is_warning=True)
        check_budget(read_image(fresh), SMALLER)
        fresh.replace(elf)
    image = read_image(elf)
    write_hex(image)
    write_bin(image)
    write_stamp(elf, _stamp(elf, link))


def _check_size(link: _Link, fresh: Path) -> None:
    """Raise `CapacityError` if the program would link on a larger chip."""
    script = LINKER_SCRIPT.read_text(encoding="utf-8")
    for tight, roomy in ROOMY:
        script = script.replace(tight, roomy)
    roomy_script = fresh.with_suffix(".ld")
    roomy_script.write_text(script, encoding="utf-8")
    _run_linker(link, roomy_script, fresh)
    if fresh.exists():
        check_budget(read_image(fresh), SMALLER)


def _run_linker(link: _Link, script: Path, elf: Path) -> str:
    """Link to a file, unless the linker refuses; returns what it says."""
    arguments = [
        *link.toolchain.link_flags,
        "-T",
        str(script.resolve()),
        *(path.name for path in link.objects),
        *link.toolchain.libraries,
        "-o",
        str(elf.resolve()),
    ]
    result = run_compiler(link.toolchain, arguments, link.objects[0].parent)
    if result.returncode != 0:
        elf.unlink(missing_ok=True)
    return result.stderr.strip()
