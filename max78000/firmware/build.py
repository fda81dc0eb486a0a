"""C project -> ELF, HEX and BIN in its folder `build`.

Same sources and compiler, same bytes, wherever the folder is. What is up to date is left alone;
what is written is written whole or not at all.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from max78000.errors import InputError
from max78000.files import scratch_beside, unwritable
from max78000.firmware.advice import advise
from max78000.firmware.compile_commands import write_compile_commands
from max78000.firmware.image import Image, check_budget, read_image, write_bin, write_hex
from max78000.firmware.makefile import read_settings
from max78000.firmware.objects import Advise, Watch, compile_units, ignore, run_compiler
from max78000.firmware.sdk import sdk_package
from max78000.firmware.sources import DEFAULT_BOARD, TranslationUnit, project_units
from max78000.firmware.stamp import (
    Stamp,
    file_hash,
    read_stamp,
    remove_stamp,
    source_hashes,
    write_stamp,
)
from max78000.firmware.support import SupportPackage, our_package
from max78000.firmware.toolchain import Toolchain

FOLDER = "build"

# The linker refuses what does not fit, without saying what is large. With this much room it links
# all the same, and the result can be measured.
ROOMY = (
    (re.compile(r"LENGTH = (512K|0x0*80000)\b"), "LENGTH = 8M"),  # flash
    (re.compile(r"LENGTH = (128K|0x0*20000)\b"), "LENGTH = 8M"),  # RAM
)
SMALLER = (
    "smaller weights (4 bits) shrink kernels, synthesize --no-kat leaves out sample_output,"
    " fewer results shrink ml_data"
)


@dataclass(frozen=True, slots=True)
class _Link:
    """All that the linker is told."""

    toolchain: Toolchain
    package: SupportPackage
    objects: tuple[Path, ...]
    app: str
    board: str
    units: tuple[TranslationUnit, ...]
    advise: Advise

    def key(self) -> str:
        """Return a hash of it: the objects' names hold hashes of what is in them."""
        names = [path.name for path in self.objects]
        told = repr((str(self.toolchain), self.toolchain.core, self.flags, self.libraries, names))
        script = self.package.linker_script.read_bytes()
        return hashlib.sha256(told.encode() + script).hexdigest()

    @property
    def flags(self) -> tuple[str, ...]:
        """Return what comes before the objects."""
        return (*self.toolchain.link_flags, *self.package.link_flags)

    @property
    def libraries(self) -> tuple[str, ...]:
        """Return what comes after them."""
        return (*self.package.libraries, *self.toolchain.libraries)


def build_project(
    folder: Path,
    toolchain: Toolchain,
    board: str = DEFAULT_BOARD,
    app: str = "",
    watch: Watch = ignore,
    sdk: Sequence[Path] = (),
) -> Image:
    """Compile and link a project with the board support package, or with the vendor's SDK.

    Args:
        folder: what `synthesize` wrote, or any folder of C files with a `main`.
        toolchain: from `find_toolchain`.
        board: a name in `sources.BOARDS`.
        app: an application of this toolchain to use in place of the project's `main.c`.
        watch: is told about the steps taken and about warnings of the compiler.
        sdk: folders of the vendor's SDK to take in place of the package; what the first lacks is
            taken from the next.

    Returns:
        The image `folder/build/NAME.elf`, with `.hex` and `.bin` beside it. NAME is the folder's,
        with the application's if there is one.

    Raises:
        InputError: the folder is no C project, or its code does not compile or link.
        CapacityError: the program does not fit the chip.
    """
    project = project_units(folder, app, board)
    settings = read_settings(folder, board)
    if settings.ignored:
        watch(f"{settings.where}: left out: {' '.join(settings.ignored)}", is_warning=True)
    package = package_of(board, toolchain, project, sdk)
    units = package.carry(project)
    elf = firmware_of(folder, app)
    place = elf.parent / "-".join(filter(None, ("objects", toolchain.name, package.name, app)))
    say = partial(advise, package=package, folder=folder)
    try:
        objects = compile_units(units, toolchain, place, watch, say)
        write_compile_commands(elf.parent, units, toolchain)
        link = _Link(toolchain, package, objects, app, board, units, say)
        if not _is_current(elf, link):
            watch(f"link {elf.name}", is_warning=False)
            _write_outputs(elf, link, watch)
    except OSError as error:
        raise unwritable(elf.parent, error) from None
    return read_image(elf)


def firmware_of(folder: Path, app: str = "") -> Path:
    """Where the firmware of a project is, or will be: the ELF file."""
    name = "-".join(filter(None, (folder.resolve().name, app)))
    return folder / FOLDER / f"{name}.elf"


def sdk_of(folder: Path) -> tuple[Path, ...]:
    """Folders of the SDK that a project was built with last; none if it was our package."""
    stamp = read_stamp(firmware_of(folder))
    return tuple(map(Path, stamp.sdk)) if stamp else ()


def package_of(
    board: str, toolchain: Toolchain, project: Sequence[TranslationUnit], sdk: Sequence[Path]
) -> SupportPackage:
    """What a project stands on: our package, or the SDK in the named folders; raises as they do."""
    make = partial(sdk_package, sdk) if sdk else our_package
    return make(board, toolchain, project)


def _is_current(elf: Path, link: _Link) -> bool:
    outputs = [elf, elf.with_suffix(".hex"), elf.with_suffix(".bin")]
    return all(path.is_file() for path in outputs) and read_stamp(elf) == _stamp(elf, link)


def _stamp(elf: Path, link: _Link) -> Stamp:
    sources, sdk = source_hashes(link.units), tuple(map(str, link.package.sdk))
    return Stamp(link.key(), file_hash(elf), link.app, link.board, sources, sdk)


def _write_outputs(elf: Path, link: _Link, watch: Watch) -> None:
    """Link; the stamp comes last, so that an interrupted build is not taken for a finished one."""
    remove_stamp(elf)
    with scratch_beside(elf) as scratch:
        fresh = scratch / elf.name
        text = _run_linker(link, link.package.linker_script, fresh)
        if not fresh.exists():
            _check_size(link, fresh)
            why = f"{link.toolchain} does not link it:\n{text}"
            raise InputError(why, where=str(elf), fix=link.advise(text))
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
    script = link.package.linker_script.read_text(encoding="utf-8")
    for tight, roomy in ROOMY:
        script = tight.sub(roomy, script)
    roomy_script = fresh.with_suffix(".ld")
    roomy_script.write_text(script, encoding="utf-8")
    _run_linker(link, roomy_script, fresh)
    if fresh.exists():
        check_budget(read_image(fresh), SMALLER)


def _run_linker(link: _Link, script: Path, elf: Path) -> str:
    """Link to a file, unless the linker refuses; returns what it says."""
    arguments = [
        *link.flags,
        "-T",
        str(script.resolve()),
        *(path.name for path in link.objects),
        *link.libraries,
        "-o",
        str(elf.resolve()),
    ]
    result = run_compiler(link.toolchain, arguments, link.objects[0].parent)
    if result.returncode != 0:
        elf.unlink(missing_ok=True)
    return result.stderr.strip()
