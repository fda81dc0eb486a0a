"""What a firmware was built from, written beside it: `NAME.stamp` for `NAME.elf`.

The build leaves alone what is up to date; whoever takes a firmware without building asks here
whether it is the project's of today. Needs no compiler.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from max78000.errors import ToolError
from max78000.files import DAMAGED, write_whole
from max78000.firmware.sources import Origin, TranslationUnit, project_units


@dataclass(frozen=True, slots=True)
class Stamp:
    """The origin of a firmware.

    Args:
        link: hash of all that the linker was told.
        elf: hash of the result.
        app: application in place of the project's `main.c`; empty if none.
        board: what it was built for.
        sources: hash of each C file and header of project and application, by name.
        sdk: folders of the vendor's SDK that it stands on; none if it stands on our package.
    """

    link: str
    elf: str
    app: str
    board: str
    sources: Mapping[str, str]
    sdk: tuple[str, ...] = ()


def file_hash(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def source_hashes(units: Iterable[TranslationUnit]) -> dict[str, str]:
    """Hashes of the C files of project and application, and of the headers beside them."""
    own = [unit.source for unit in units if unit.origin in (Origin.PROJECT, Origin.APP)]
    headers = [path for folder in {source.parent for source in own} for path in folder.glob("*.h")]
    return {path.name: file_hash(path) for path in sorted((*own, *headers))}


def read_stamp(elf: Path) -> Stamp | None:
    """Read the stamp of a firmware; None if there is none, or one of another version."""
    try:
        values = json.loads(_file(elf).read_text(encoding="utf-8"))
        return Stamp(**{**values, "sdk": tuple(values["sdk"])})
    except (OSError, *DAMAGED):
        return None


def write_stamp(elf: Path, stamp: Stamp) -> None:
    """Write the stamp of a firmware; raises as `write_whole`."""
    write_whole(_file(elf), f"{json.dumps(asdict(stamp), indent=1)}\n".encode())


def remove_stamp(elf: Path) -> None:
    """Say that the firmware is not finished."""
    _file(elf).unlink(missing_ok=True)


def changed_since(elf: Path, folder: Path) -> tuple[str, ...]:
    """Names of files that are not those which a firmware in a project's folder was built from.

    A firmware without a stamp, such as the vendor's makefile leaves, is compared by time.

    Args:
        elf: the firmware.
        folder: the project that it is taken for.
    """
    stamp = read_stamp(elf)
    if stamp is None:
        built = elf.stat().st_mtime
        sources = [path for ending in ("*.c", "*.h") for path in sorted(folder.glob(ending))]
        return tuple(path.name for path in sources if path.stat().st_mtime > built)
    if stamp.elf != file_hash(elf):
        return (elf.name,)
    try:
        now = source_hashes(project_units(folder, stamp.app, stamp.board))
    except ToolError:  # no C files any more
        now = {}
    names = sorted(stamp.sources.keys() | now.keys())
    return tuple(name for name in names if stamp.sources.get(name) != now.get(name))


def _file(elf: Path) -> Path:
    return elf.with_suffix(".stamp")
