"""A project for both cores -> one firmware: the Arm core's image, the RISC-V core's in its flash.

Stands on the vendor's SDK, whose linker scripts say where the second image begins: behind all that
the first one puts into flash. So that is linked first, then the other, then the first again around
it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType

from max78000.errors import InputError
from max78000.facts.memory_map import FLASH_ADDR, FLASH_BYTES
from max78000.files import scratch_beside, unwritable
from max78000.firmware.advice import advise
from max78000.firmware.build import build_project, firmware_of
from max78000.firmware.c_library import prints_reals
from max78000.firmware.image import (
    RISCV_SECTION,
    Image,
    check_budget,
    flash_bytes_of,
    read_image,
    value_of,
    write_bin,
    write_hex,
)
from max78000.firmware.objects import Watch, compile_units, ignore, run_compiler
from max78000.firmware.riscv_toolchain import find_riscv
from max78000.firmware.sdk import sdk_package
from max78000.firmware.sources import (
    DEFAULT_BOARD,
    FIRMWARE,
    SUPPORT,
    Origin,
    TranslationUnit,
    has_riscv,
    units_by_core,
)
from max78000.firmware.stamp import Stamp, file_hash, remove_stamp, source_hashes, write_stamp
from max78000.firmware.support import OUR_LANGUAGE, SupportPackage
from max78000.firmware.toolchain import Toolchain

OF_RISCV = MappingProxyType(
    {  # files of the SDK: for the Arm core, for the other
        "startup_max78000.S": "startup_riscv_max78000.S",
        "system_max78000.c": "system_riscv_max78000.c",
    }
)
ARM_SCRIPT, RISCV_SCRIPT, COMMON_SCRIPT = "max78000_arm.ld", "max78000_riscv.ld", "common.ld"
PLACE_SCRIPT = "buildrv/common_riscv.ld"  # what the SDK's makefile writes; the other includes it
START = "__FlashStart_"  # of the RISC-V core's image, by the first script
EMBEDDED = "riscv_image.S"


@dataclass(frozen=True, slots=True)
class _Core:
    """One core's half: how it is compiled, and what it is linked of."""

    toolchain: Toolchain
    package: SupportPackage
    objects: tuple[Path, ...]

    @property
    def place(self) -> Path:
        """Where its objects and scripts are."""
        return self.objects[0].parent

    def link(self, script: str, elf: Path, *more: str) -> None:
        """Link a program; raises `InputError` with the linker's words."""
        arguments = [
            *(*self.toolchain.link_flags, *self.package.link_flags, *more),
            *("-T", script, *(path.name for path in self.objects)),
            *(*self.package.libraries, *self.toolchain.libraries, "-o", str(elf.resolve())),
        ]
        result = run_compiler(self.toolchain, arguments, self.place)
        if result.returncode != 0:
            why = f"{self.toolchain} does not link it:\n{result.stderr.strip()}"
            raise InputError(why, where=str(elf), fix=advise(result.stderr, self.package))


def build_firmware(
    folder: Path,
    toolchain: Toolchain,
    board: str = DEFAULT_BOARD,
    app: str = "",
    watch: Watch = ignore,
    sdk: Sequence[Path] = (),
) -> Image:
    """Build a project for the cores it has code for: both on the vendor's SDK, else the Arm core.

    Arguments, result and errors are those of `build_project` and `build_pair`.
    """
    if sdk and not app and has_riscv(folder, board):
        return build_pair(folder, toolchain, board, watch, sdk)
    return build_project(folder, toolchain, board, app, watch, sdk)


def build_pair(
    folder: Path,
    toolchain: Toolchain,
    board: str = DEFAULT_BOARD,
    watch: Watch = ignore,
    sdk: Sequence[Path] = (),
) -> Image:
    """Compile and link a project that runs on both cores, on the vendor's SDK.

    Args:
        folder: what `synthesize --riscv` wrote, or another with NAME.c and NAME_riscv.c.
        toolchain: for the Arm core, from `find_toolchain`.
        board: a name in `sources.BOARDS`.
        watch: is told about the steps taken and about warnings of the compiler.
        sdk: as in `build_project`.

    Returns:
        The image `folder/build/NAME.elf` with both, `.hex` and `.bin` beside it. Its symbols are
        those of the Arm core; `NAME-riscv.elf` has the others.

    Raises:
        InputError: the folder is no such project, or its code does not compile or link.
        UnsupportedError: there is no compiler for one of the cores.
        CapacityError: the program does not fit the chip.
    """
    on_arm, on_riscv = units_by_core(folder, board)
    package = sdk_package(sdk, board, toolchain, (*on_arm, *on_riscv))
    assert toolchain.c_library is not None  # the SDK's package asks for it
    other = find_riscv(toolchain.c_library)
    elf = firmware_of(folder)
    try:
        arm = _compile(on_arm, package, toolchain, elf.parent, watch)
        second = _compile(on_riscv, _of_riscv(package, other, on_riscv), other, elf.parent, watch)
        watch(f"link {elf.name}", is_warning=False)
        remove_stamp(elf)
        with scratch_beside(elf) as scratch:
            fresh = _link(arm, second, scratch, elf.stem)
            check_budget(read_image(fresh[-1]))
            for path in fresh:
                path.replace(elf.parent / path.name)
        image = read_image(elf)
        write_hex(image)
        write_bin(image)
        own = source_hashes((*on_arm, *on_riscv))
        write_stamp(elf, Stamp("", file_hash(elf), "", board, own, tuple(map(str, package.sdk))))
    except OSError as error:
        raise unwritable(elf.parent, error) from None
    return image


def _compile(
    units: Sequence[TranslationUnit],
    package: SupportPackage,
    toolchain: Toolchain,
    folder: Path,
    watch: Watch,
) -> _Core:
    place = folder / f"objects-{toolchain.name}-{package.name}-pair"
    carried = package.carry(units)
    objects = compile_units(carried, toolchain, place, watch, partial(advise, package=package))
    return _Core(toolchain, package, objects)


def _of_riscv(
    package: SupportPackage, toolchain: Toolchain, project: Sequence[TranslationUnit]
) -> SupportPackage:
    """The SDK as it is for the RISC-V core, with the part of C's library that it calls."""

    def of_core(unit: TranslationUnit) -> TranslationUnit:
        name = OF_RISCV.get(unit.source.name, unit.source.name)
        flags = (*unit.flags, *toolchain.library_flags)
        return replace(unit, source=unit.source.with_name(name), flags=flags)

    ours = [SUPPORT / "src/format.c", SUPPORT / "src/memory.c", FIRMWARE / "riscv/c_library.c"]
    if prints_reals(project):
        ours.append(SUPPORT / "src/format_real.c")
    seen = (SUPPORT / "include", SUPPORT / "src")
    flags = (*OUR_LANGUAGE, *toolchain.alone_flags)
    return replace(
        package,
        units=(
            *map(of_core, package.units),
            *(TranslationUnit(Origin.SUPPORT, path, seen, flags) for path in ours),
        ),
        flags=(*package.flags, *toolchain.library_flags),
        libraries=("-nostdlib",),
    )


def _link(arm: _Core, riscv: _Core, folder: Path, name: str) -> tuple[Path, Path]:
    """Link three times, see the title: the RISC-V core's program, and both in one."""
    scripts = arm.package.linker_script.parent
    for core, script in ((arm, ARM_SCRIPT), (riscv, RISCV_SCRIPT)):
        for part in (COMMON_SCRIPT, script):
            (core.place / part).write_bytes((scripts / part).read_bytes())
    alone = arm.place / "alone.elf"
    arm.link(ARM_SCRIPT, alone)
    start = value_of(alone, START)

    place = riscv.place / PLACE_SCRIPT
    place.parent.mkdir(exist_ok=True)
    room = f"__FlashStart = {start:#x};\n__FlashLength = {FLASH_ADDR + FLASH_BYTES - start:#x};\n"
    place.write_text(room, encoding="utf-8")
    second, elf = folder / f"{name}-riscv.elf", folder / f"{name}.elf"
    riscv.link(RISCV_SCRIPT, second)

    (arm.place / "riscv.bin").write_bytes(flash_bytes_of(second, start))
    text = f'.section {RISCV_SECTION}, "aR", %progbits\n.incbin "riscv.bin"\n'
    (arm.place / EMBEDDED).write_text(text, encoding="utf-8")
    arm.link(ARM_SCRIPT, elf, EMBEDDED, f"-Wl,--section-start={RISCV_SECTION}={start:#x}")
    return second, elf
