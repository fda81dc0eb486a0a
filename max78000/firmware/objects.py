"""C files -> object files, two at a time, each compiled again only when something changed.

An object's name holds the hash of all that went into it: compiler, flags, source, headers. What is
there under that name needs no compiling, if it is as the compiler left it: the hashes of what it
left are in `hashes.json` beside the objects.
"""

import errno
import hashlib
import json
import os
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from max78000.errors import InputError, InternalError, ToolError, UnsupportedError
from max78000.files import DAMAGED, scratch_beside, write_whole
from max78000.firmware.sources import APPS, FIRMWARE, Origin, TranslationUnit
from max78000.firmware.stamp import file_hash
from max78000.firmware.toolchain import Toolchain

N_JOBS = 2
HASHES = "hashes.json"
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # compilers say it in the system's words
WARNINGS = ("-Wall", "-Wextra", "-Werror=implicit-function-declaration")  # as clang does
LOUD_AT_OURS = (
    "-Wshadow", "-Wconversion", "-Wundef", "-Wstrict-prototypes", "-Wmissing-prototypes",
    "-Wwrite-strings", "-Wcast-qual", "-Wvla",
)  # fmt: skip
# Of others' code, that nobody here mends; what it declares nowhere, the linker finds or misses.
QUIET = (
    "-w", "-Wno-error=implicit-function-declaration", "-Wno-error=int-conversion",
    "-Wno-error=incompatible-pointer-types",
)  # fmt: skip
WARNINGS_OF = MappingProxyType(
    {
        Origin.PROJECT: WARNINGS,
        Origin.APP: WARNINGS,
        Origin.SUPPORT: (*WARNINGS, *LOUD_AT_OURS),
        Origin.SDK: QUIET,
    }
)
Advise = Callable[[str], str]


class Watch(Protocol):
    """Told what happens during a build."""

    def __call__(self, text: str, *, is_warning: bool) -> None:
        """Take one step's name, or what a compiler warns of."""


def ignore(text: str, *, is_warning: bool) -> None:
    """Watch nothing."""


def no_advice(_text: str) -> str:
    """Have nothing to add to what a compiler says."""
    return ""


def compile_units(
    units: Sequence[TranslationUnit],
    toolchain: Toolchain,
    folder: Path,
    watch: Watch,
    advise: Advise = no_advice,
) -> tuple[Path, ...]:
    """Compile what is not compiled yet; returns the object files in the order of the units.

    Args:
        units: C files.
        toolchain: the compiler.
        folder: where objects are kept; those that no unit needs any more are removed.
        watch: is told about every file compiled, and about warnings.
        advise: knows a way out of what the compiler says.

    Raises:
        InputError: files of the project, or of an application that it does not suit, do not
            compile; has the compiler's words on all of them.
        InternalError: the board support package does not compile.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = _Names(toolchain)
    paths = tuple(folder / names.of(unit) for unit in units)
    hashes = _read_hashes(folder)
    missing = [
        (unit, path)
        for unit, path in zip(units, paths, strict=True)
        if not (path.is_file() and file_hash(path) == hashes.get(path.name))
    ]
    failed = []
    with scratch_beside(folder) as scratch, ThreadPoolExecutor(N_JOBS) as pool:

        def fresh_object(work: tuple[TranslationUnit, Path]) -> tuple[Path, str]:
            fresh = scratch.resolve() / work[1].name
            return fresh, _compile(work[0], fresh, toolchain)

        try:
            outcomes = pool.map(fresh_object, missing)
            for (unit, path), (fresh, text) in zip(missing, outcomes, strict=True):
                watch(f"compile {unit.source.name}", is_warning=False)
                if not fresh.exists():
                    failed.append((unit, text))
                    continue
                hashes[path.name] = file_hash(fresh)
                fresh.replace(path)
                if text:
                    watch(text, is_warning=True)
        finally:
            _write_hashes(folder, {path.name: hashes.get(path.name, "") for path in paths})
    if failed:
        raise _failure(failed, toolchain, advise)
    for stale in set(folder.glob("*.o")) - set(paths):
        stale.unlink(missing_ok=True)
    return paths


def _read_hashes(folder: Path) -> dict[str, str]:
    """Hashes of the objects that a compiler left there, by name."""
    try:
        return dict(json.loads((folder / HASHES).read_text(encoding="utf-8")))
    except (OSError, *DAMAGED):
        return {}


def _write_hashes(folder: Path, hashes: Mapping[str, str]) -> None:
    """Write what `_read_hashes` reads, unless it is there as it would be."""
    if hashes != _read_hashes(folder):
        write_whole(folder / HASHES, f"{json.dumps(hashes, indent=1)}\n".encode())


def run_compiler(
    toolchain: Toolchain, arguments: Iterable[str], folder: Path
) -> subprocess.CompletedProcess[str]:
    """Run the compiler driver in a folder; its exit status is the caller's to judge.

    Raises:
        OSError: a disk is full.
        UnsupportedError: there is no such program, or it cannot be run.
    """
    command = [*toolchain.command, *toolchain.core, *arguments]
    environment = {**os.environ, "LC_ALL": "C"}
    run = partial(subprocess.run, cwd=folder, env=environment, capture_output=True, text=True)
    try:
        result = run(command, check=False)
    except OSError as error:
        raise UnsupportedError(f"cannot be run: {error.strerror}", where=command[0]) from None
    for number in _NO_ROOM if result.returncode else ():
        if os.strerror(number) in result.stderr:
            raise OSError(number, os.strerror(number))
    return result


def _compile(unit: TranslationUnit, path: Path, toolchain: Toolchain) -> str:
    """Write one object file, unless the compiler refuses; returns what it says."""
    arguments = [*arguments_of(unit, toolchain), "-o", str(path)]
    result = run_compiler(toolchain, arguments, unit.source.parent)
    if result.returncode != 0:
        path.unlink(missing_ok=True)
    return result.stderr.strip()


def arguments_of(unit: TranslationUnit, toolchain: Toolchain) -> list[str]:
    """Return what the compiler is told to make an object, but for the object's name.

    It runs in the file's folder; no folder's name gets into the object.
    """
    names = {
        FIRMWARE.resolve(): "firmware",
        APPS.resolve(): "apps",
        toolchain.headers: toolchain.name,
    }
    if toolchain.c_library:
        names[toolchain.c_library.headers] = "libc"
    if unit.origin in (Origin.PROJECT, Origin.SDK):
        names[unit.source.parent.resolve()] = "."
    return [
        *_folderless_flags(unit, toolchain),
        *(f"-I{folder.resolve()}" for folder in unit.include_folders),
        *(f"-ffile-prefix-map={folder}={name}" for folder, name in names.items()),
        *("-c", unit.source.name),
    ]


def _folderless_flags(unit: TranslationUnit, toolchain: Toolchain) -> list[str]:
    return [*toolchain.compile_flags, *WARNINGS_OF[unit.origin], *unit.flags]


@dataclass(slots=True)
class _Names:
    """Names of object files. Each folder of headers is read once, however many files see it."""

    toolchain: Toolchain
    headers: dict[Path, bytes] = field(default_factory=dict)

    def of(self, unit: TranslationUnit) -> str:
        """Return the name that says all that goes into an object."""
        digest = hashlib.sha256(repr((str(self.toolchain), self.toolchain.core)).encode())
        digest.update(repr(_folderless_flags(unit, self.toolchain)).encode())
        digest.update(_content(unit.source))
        for folder in (unit.source.parent, *unit.include_folders):
            digest.update(self._headers_in(folder))
        return f"{unit.origin.value}-{unit.source.stem}-{digest.hexdigest()[:16]}.o"

    def _headers_in(self, folder: Path) -> bytes:
        if folder not in self.headers:
            content = b"".join(map(_content, sorted(folder.glob("*.h"))))
            self.headers[folder] = hashlib.sha256(content).digest()
        return self.headers[folder]


def _content(path: Path) -> bytes:
    return f"\0{path.name}\0".encode() + path.read_bytes()


def _failure(
    failed: Sequence[tuple[TranslationUnit, str]], toolchain: Toolchain, advise: Advise
) -> ToolError:
    names = ", ".join(unit.source.name for unit, _ in failed)
    text = "\n".join(text for _, text in failed)
    if any(unit.origin is Origin.SUPPORT for unit, _ in failed):
        return InternalError(f"{toolchain} does not compile {names} of this tool:\n{text}")
    why = f"{toolchain} does not compile {names}:\n{text}"
    return InputError(why, where=str(failed[0][0].source.parent), fix=advise(text))
