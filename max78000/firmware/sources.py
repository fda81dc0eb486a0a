"""Which files make a firmware, and how each is compiled: the project's, and an application's.

Reads folders only; `support.py` and `sdk.py` know what a project stands on, `objects.py` compiles.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import MappingProxyType

from max78000.errors import InputError, UnsupportedError
from max78000.firmware.makefile import Settings, read_settings

FIRMWARE = Path(__file__).parent
SUPPORT = FIRMWARE / "bsp"
APPS = FIRMWARE.parent / "apps"
SHARED = APPS / "shared"  # what applications share
APP_FILE = "app.json"  # in a folder that is an application: it is built with what they share
CMAKE = FIRMWARE / "cmake"  # the support package and a toolchain file for CMake
LINKER_SCRIPT = SUPPORT / "max78000.ld"
DEFAULT_BOARD = "EvKit_V1"
BOARDS: Mapping[str, str] = MappingProxyType(
    {"EvKit_V1": "board_evkit_v1.c", "FTHR_RevA": "board_fthr_reva.c"}
)
MAIN = "main.c"
OF_RISCV = "_riscv.c"
COMPILED = "*.c of the folder itself and of folders that VPATH in its Makefile names is compiled"
NOT_COMPILED = ("*.[sS]", "*.cpp", "*.cc", "*.cxx", "*.a")  # assembler, C++, libraries


class Origin(Enum):
    """Whose code it is; the value starts the name of the object file."""

    PROJECT = "project"
    APP = "app"
    SUPPORT = "bsp"
    SDK = "sdk"


@dataclass(frozen=True, slots=True)
class TranslationUnit:
    """One C file, the folders whose headers it sees, first one first, and its own flags."""

    origin: Origin
    source: Path
    include_folders: tuple[Path, ...]
    flags: tuple[str, ...] = ()


def project_units(
    folder: Path, app: str = "", board: str = DEFAULT_BOARD
) -> tuple[TranslationUnit, ...]:
    """The C files of a project; an application takes the place of its `main.c`.

    They see their own headers only; what stands below a project adds its own.

    Args:
        folder: the project: every C file in it, or those that its Makefile names.
        app: an application of this toolchain.
        board: a name in `BOARDS`, for makefiles that ask for it.

    An application, in the project's folder or the toolchain's, comes with what they share.

    Raises:
        InputError: the folder is no C project, or the application is unknown.
        UnsupportedError: the network runs on the RISC-V core.
    """
    settings = read_settings(folder, board)
    sources = _sources(folder, settings)
    for source in sources:
        if _is_of_riscv(source):
            why = "is for the RISC-V core, the board support package for the Arm core"
            fix = "build --sdk PATH, simulate --program, or synthesize without --riscv"
            raise UnsupportedError(why, where=str(source), fix=fix)
    has_app = bool(app) or (folder / APP_FILE).is_file()
    apps = (_app_folder(app),) if app else ()
    shared = (SHARED,) if has_app else ()
    seen = (folder, *apps, *shared, *settings.include_folders)
    return (
        *(
            TranslationUnit(Origin.PROJECT, path, seen, settings.flags)
            for path in sources
            if not (app and path.name == MAIN)
        ),
        *(TranslationUnit(Origin.APP, path, seen) for path in _code_in(apps)),
        *(TranslationUnit(Origin.SUPPORT, path, shared) for path in _code_in(shared)),
    )


def has_riscv(folder: Path, board: str = DEFAULT_BOARD) -> bool:
    """Whether a project has a file for the RISC-V core; raises as `project_units`."""
    return any(map(_is_of_riscv, _sources(folder, read_settings(folder, board))))


def units_by_core(
    folder: Path, board: str = DEFAULT_BOARD
) -> tuple[tuple[TranslationUnit, ...], tuple[TranslationUnit, ...]]:
    """The C files of a project for both cores: the Arm core's, the RISC-V core's.

    NAME.c beside NAME_riscv.c starts the Arm core; everything else is the RISC-V core's. Raises as
    `project_units`.
    """
    settings = read_settings(folder, board)
    sources = _sources(folder, settings)
    names = {path.name.removesuffix(OF_RISCV) for path in sources if _is_of_riscv(path)}
    seen = (folder, *settings.include_folders)
    cores: tuple[list[TranslationUnit], list[TranslationUnit]] = ([], [])
    for path in sources:
        unit = TranslationUnit(Origin.PROJECT, path, seen, settings.flags)
        cores[path.stem not in names].append(unit)
    return tuple(cores[0]), tuple(cores[1])


def left_out(folder: Path) -> tuple[Path, ...]:
    """Files of a project that might be code of it, and are not compiled."""
    own = {path.resolve() for path in _sources(folder, read_settings(folder, DEFAULT_BOARD))}
    patterns = ("*.c", "*/*.c", "*/*/*.c", *NOT_COMPILED, *(f"*/{end}" for end in NOT_COMPILED))
    found = {path for pattern in patterns for path in folder.glob(pattern)}
    built = folder / "build"
    return tuple(
        sorted(path for path in found if path.resolve() not in own and built not in path.parents)
    )


def has_code(folder: Path, board: str = DEFAULT_BOARD) -> bool:
    """Whether there are C files, in the folder or where its makefile says."""
    settings = read_settings(folder, board)
    places = (folder, *settings.source_folders)
    return any(any(place.glob("*.c")) for place in places)


def _is_of_riscv(path: Path) -> bool:
    return path.name.endswith(OF_RISCV)


def require_board(board: str) -> None:
    """Refuse a board that is not in `BOARDS`, with an `InputError`."""
    if board not in BOARDS:
        raise InputError(f"{board!r} is not a known board", fix=f"one of {', '.join(BOARDS)}")


def _code_in(folders: tuple[Path, ...]) -> Iterator[Path]:
    return (path for folder in folders for path in sorted(folder.glob("*.c")))


def app_names() -> tuple[str, ...]:
    """The applications that come with the toolchain."""
    return tuple(sorted(path.parent.name for path in APPS.glob(f"*/{MAIN}")))


def _sources(folder: Path, settings: Settings) -> list[Path]:
    """The files that a makefile names, else all that are there."""
    places = (folder, *settings.source_folders)
    if not settings.sources:
        found = {path.name: path for place in reversed(places) for path in place.glob("*.c")}
        if not found:
            fix = f"{COMPILED}, or name a folder that synthesize wrote"
            raise InputError("there are no C files to compile", where=str(folder), fix=fix)
        return [found[name] for name in sorted(found)]
    return sorted({_find(name, places, settings) for name in settings.sources})


def _find(name: str, places: tuple[Path, ...], settings: Settings) -> Path:
    """A file that a makefile names: where it says, or by its name in a folder of VPATH."""
    for place in places:
        for wanted in (name, Path(name).name):
            if (place / wanted).is_file():
                return place / wanted
    why = f"names {name}, which is in none of {', '.join(str(place) for place in places)}"
    raise InputError(why, where=settings.where, fix="bring the file, or name its folder in VPATH")


def _app_folder(app: str) -> Path:
    if app not in app_names():
        known = ", ".join(app_names()) or "none here"
        raise InputError(f"{app!r} is not a known application", fix=f"one of: {known}")
    return APPS / app
