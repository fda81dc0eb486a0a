"""What a project stands on: a package of drivers, start-up code, headers and a linker script.

There are two: the board support package of this tool, here, and the vendor's SDK (`sdk.py`). The
build asks a `SupportPackage` and does not know which it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from max78000.firmware import sources
from max78000.firmware.c_library import missing_from_ours, prints_reals
from max78000.firmware.sources import BOARDS, Origin, TranslationUnit, require_board
from max78000.firmware.toolchain import Toolchain

OUR_LANGUAGE = ("-std=c11",)
# What others write has `asm` and the like; sums are worked out as in standard C all the same.
PROJECT_LANGUAGE = ("-std=gnu11", "-ffp-contract=off")
OF_C_LIBRARY = "c_library.c"  # only with it
IN_C_LIBRARY = ("memory.c", "math.c")  # only without it
OF_REALS = "format_real.c"


@dataclass(frozen=True, slots=True)
class SupportPackage:
    """All that is compiled and linked beside a project, and how.

    Attributes:
        name: in names of folders; empty for our own.
        units: its own C files.
        include_folders: its headers, seen by the project behind the project's own.
        flags: for the project's C files, before the project's own.
        linker_script: where things go.
        link_flags: for the linker, beside those of the compiler.
        libraries: after the objects.
        lacks: headers and functions that the project asks for and no installed package has.
        sdk: folders of the vendor's SDK that it is taken from.
    """

    name: str
    units: tuple[TranslationUnit, ...]
    include_folders: tuple[Path, ...]
    flags: tuple[str, ...]
    linker_script: Path
    link_flags: tuple[str, ...]
    libraries: tuple[str, ...]
    lacks: tuple[str, ...] = ()
    sdk: tuple[Path, ...] = ()

    def carry(self, project: Sequence[TranslationUnit]) -> tuple[TranslationUnit, ...]:
        """Return a project's C files as they are compiled on this package, and its own."""
        return (
            *(
                replace(
                    unit,
                    include_folders=(*unit.include_folders, *self.include_folders),
                    flags=(*self.flags, *unit.flags),
                )
                for unit in project
            ),
            *self.units,
        )


def our_package(
    board: str, toolchain: Toolchain, project: Sequence[TranslationUnit]
) -> SupportPackage:
    """The board support package of this tool, with a C library if the project asks for one.

    Args:
        board: a name in `BOARDS`.
        toolchain: the compiler.
        project: its C files, and the application's.

    Raises:
        InputError: the board is unknown.
    """
    require_board(board)
    asked = missing_from_ours(project, toolchain.headers)
    library = toolchain.c_library if asked else None
    left_out = {*BOARDS.values()} - {BOARDS[board]}
    left_out |= {*IN_C_LIBRARY} if library else {OF_C_LIBRARY}
    left_out |= set() if prints_reals(project) else {OF_REALS}
    headers = sources.SUPPORT / "include"
    flags = toolchain.library_flags if library else toolchain.alone_flags
    return SupportPackage(
        name="",
        units=tuple(
            TranslationUnit(
                Origin.SUPPORT,
                source,
                (headers, sources.SUPPORT / "src"),
                (*OUR_LANGUAGE, *toolchain.alone_flags),
            )
            for source in sorted(sources.SUPPORT.glob("src/*.c"))
            if source.name not in left_out
        ),
        include_folders=(headers,),
        flags=(*PROJECT_LANGUAGE, *flags, *(("-DBSP_C_LIBRARY",) if library else ())),
        linker_script=sources.LINKER_SCRIPT,
        link_flags=("-nostdlib", "-Wl,-e,reset_handler"),
        libraries=tuple(map(str, library.archives)) if library else (),
        lacks=() if library else asked,
    )
