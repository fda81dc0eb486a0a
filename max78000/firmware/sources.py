"""Which files make a firmware: the project's, the application's, the board support package's.

Reads folders only; `objects.py` compiles what is named here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import MappingProxyType

from max78000.errors import InputError, UnsupportedError

FIRMWARE = Path(__file__).parent
SUPPORT = FIRMWARE / "bsp"
APPS = FIRMWARE.parent / "apps"
SHARED = APPS / "shared"  # what applications share
APP_FILE = "app.json"  # in a folder that is an application: it is built with what they share
LINKER_SCRIPT = SUPPORT / "max78000.ld"
DEFAULT_BOARD = "EvKit_V1"
BOARDS: Mapping[str, str] = MappingProxyType(
    {"EvKit_V1": "board_evkit_v1.c", "FTHR_RevA": "board_fthr_reva.c"}
)
MAIN = "main.c"
OF_RISCV = "_riscv.c"


class Origin(Enum):
    """Whose code it is; the value starts the name of the object file."""

    PROJECT = "project"
    APP = "app"
    SUPPORT = "bsp"


@dataclass(frozen=True, slots=True)
class TranslationUnit:
    """One C file and the folders whose headers it sees, first one first."""

    origin: Origin
    source: Path
    include_folders: tuple[Path, ...]


def project_units(folder: Path, app: str = "") -> tuple[TranslationUnit, ...]:
    """Every C file of a project; an application takes the place of its `main.c`.

    An application, in the project's folder or the toolchain's, comes with what they share.

    Raises:
        InputError: the folder is no C project, or the application is unknown.
        UnsupportedError: the network runs on the RISC-V core.
    """
    support = (SUPPORT / "include",)
    sources = sorted(folder.glob("*.c"))
    if not sources:
        fix = "name a folder that synthesize wrote"
        raise InputError("there are no C files to compile", where=str(folder), fix=fix)
    for source in sources:
        if source.name.endswith(OF_RISCV):
            why = "is for the RISC-V core, the board support package for the Arm core"
            fix = "build as the Makefile says, simulate --program, or synthesize without --riscv"
            raise UnsupportedError(why, where=str(source), fix=fix)
    if not app and not (folder / APP_FILE).is_file():
        return tuple(
            TranslationUnit(Origin.PROJECT, source, (folder, *support)) for source in sources
        )
    if not app:
        headers = (folder, SHARED, *support)
        own = [TranslationUnit(Origin.PROJECT, source, headers) for source in sources]
        return (*own, *_shared_units())
    app_folder = _app_folder(app)
    seen = (folder, app_folder, SHARED, *support)
    own = [
        TranslationUnit(Origin.PROJECT, source, seen) for source in sources if source.name != MAIN
    ]
    return (
        *own,
        *(TranslationUnit(Origin.APP, path, seen) for path in sorted(app_folder.glob("*.c"))),
        *_shared_units(),
    )


def _shared_units() -> Iterator[TranslationUnit]:
    headers = (SHARED, SUPPORT / "include")
    return (TranslationUnit(Origin.SUPPORT, path, headers) for path in sorted(SHARED.glob("*.c")))


def support_units(board: str) -> tuple[TranslationUnit, ...]:
    """The board support package for one board.

    Raises:
        InputError: the board is unknown.
    """
    if board not in BOARDS:
        raise InputError(f"{board!r} is not a known board", fix=f"one of {', '.join(BOARDS)}")
    others = set(BOARDS.values()) - {BOARDS[board]}
    sources = [path for path in sorted(SUPPORT.glob("src/*.c")) if path.name not in others]
    headers = (SUPPORT / "include", SUPPORT / "src")
    return tuple(TranslationUnit(Origin.SUPPORT, source, headers) for source in sources)


def app_names() -> tuple[str, ...]:
    """The applications that come with the toolchain."""
    return tuple(sorted(path.parent.name for path in APPS.glob(f"*/{MAIN}")))


def _app_folder(app: str) -> Path:
    if app not in app_names():
        known = ", ".join(app_names()) or "none here"
        raise InputError(f"{app!r} is not a known application", fix=f"one of: {known}")
    return APPS / app
