"""Files and folders: what is written appears whole or not at all, and replaces nothing unasked.

Until it is whole it has a temporary name, which tells whose it is: what a killed process left is
cleared by the next one that writes the same. And the one way to read an array, since a damaged one
makes numpy raise nearly anything.
"""

import ctypes
import errno
import io
import os
import re
import shutil
import struct
import sys
import time
import tokenize
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from max78000.errors import InputError

# What helps, by what the system says.
_FIXES: Mapping[int | None, str] = MappingProxyType(
    {
        errno.ENOENT: "name a file in an existing folder",
        errno.ENOTDIR: "part of the path is a file: name a folder",
        errno.EEXIST: "part of the path is a file: name a folder",
        errno.EISDIR: "it is a folder: name a file",
        errno.EACCES: "allow writing there, or name another place",
        errno.EPERM: "allow writing there, or name another place",
        errno.EROFS: "nothing can be written there: name another place",
        errno.ENOSPC: "make room, or name a place on another disk",
        errno.EDQUOT: "make room, or name a place on another disk",
        errno.EFBIG: "raise the largest size of a file: ulimit -f",
    }
)
_OLD_S = 3600
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # Linux's: names count from the current folder; swap them
# What the system says where two names cannot be swapped: older kernels, other file systems.
_CANNOT_SWAP = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)
# What reading a damaged file raises, beside what is meant to: the header of an .npy file is Python
# text that numpy evaluates; numbers in archives and pictures are sizes and places.
DAMAGED = (
    ValueError, EOFError, SyntaxError, tokenize.TokenError, TypeError, LookupError, AttributeError,
    OverflowError, RecursionError, MemoryError, NotImplementedError, RuntimeError,
    struct.error, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


def read_npy(file: IO[bytes]) -> NDArray[Any]:
    """Read the array of an open `.npy` file, wherever it is.

    Raises:
        OSError: the system cannot read it.
        ValueError: it is no array of numbers, or is cut or damaged; says so in one line.
    """
    try:
        array: NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
    except DAMAGED as error:
        raise ValueError(str(error).partition("\n")[0] or type(error).__name__) from None
    return array


def load_npy(path: Path) -> NDArray[Any]:
    """Read an `.npy` file; raises as `read_npy`."""
    with path.open("rb") as file:
        return read_npy(file)


def unwritable(path: Path, error: OSError) -> InputError:
    """The refusal for what the system did not let be written, with what helps."""
    why = f"cannot be written: {error.strerror or error}"
    return InputError(why, where=str(path), fix=_FIXES.get(error.errno, ""))


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say which file or folder it was that the system did not let be written.

    Raises:
        InputError: in place of what the system says.
    """
    try:
        yield
    except OSError as error:
        raise unwritable(path, error) from error


def write_whole(path: Path, contents: bytes) -> None:
    """Write a file under a temporary name, then give it its own.

    Raises:
        InputError: the folder does not exist or cannot be written to.
    """
    write_all({path: contents})


def temporary_name(path: Path) -> Path:
    """What this process calls a file or a folder until it is whole."""
    return path.with_name(f"{path.name}.{os.getpid()}.tmp")


def leftovers(path: Path) -> list[Path]:
    """What processes that were killed left of their attempts to write this file or folder.

    Where processes cannot be asked for, and where several machines write to one disk, so that a
    number says nothing, what is older than an hour counts as left.
    """
    form = re.compile(re.escape(path.name) + r"\.(\d{1,10})\.tmp")
    found = []
    for sibling in path.parent.iterdir() if path.parent.is_dir() else ():
        match = form.fullmatch(sibling.name)
        if match and (_is_mine(int(match[1])) or _is_old(sibling)):
            found.append(sibling)
    return found


def _is_mine(process: int) -> bool:
    """Whether it was a process of this machine, and is no more.

    The present process has not begun yet: what has its number is of one before it that had the
    same, as the first process of every container does.
    """
    if process == os.getpid():
        return True
    if os.name != "posix":  # elsewhere the question ends the process
        return False
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        return False
    return False


def _is_old(path: Path) -> bool:
    """Whether nobody can be at work on it."""
    try:
        return time.time() - path.stat().st_mtime > _OLD_S
    except OSError:  # just gone
        return False


def write_all(files: Mapping[Path, bytes]) -> None:
    """Write files that belong together: each whole, and none if one of them cannot be.

    Raises:
        InputError: a folder does not exist or cannot be written to; has the file that failed.
    """
    fresh = {path: temporary_name(path) for path in files}
    path = Path()
    try:
        for path in files:
            for left in leftovers(path):
                left.unlink(missing_ok=True)
        for path, temporary in fresh.items():
            _write_through(temporary, files[path])
        for path in fresh:
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        for path, temporary in fresh.items():
            temporary.replace(path)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        for temporary in fresh.values():
            with suppress(OSError):  # where nothing could be written, nothing has to go
                temporary.unlink()


def _write_through(path: Path, contents: bytes) -> None:
    """Write to the disk itself, so that a name given later never leads to an empty file."""
    with path.open("wb") as file:
        file.write(contents)
        file.flush()
        os.fsync(file.fileno())


def make_folder(path: Path) -> None:
    """Make a folder, and those that it lies in.

    Raises:
        InputError: it cannot be made, or is a file.
    """
    with writing(path):
        path.mkdir(parents=True, exist_ok=True)


@contextmanager
def scratch_beside(path: Path) -> Iterator[Path]:
    """Give a folder in which a program makes a file; it is gone at the end.

    What killed processes left of theirs goes, too. One process makes one file at a time.
    """
    for left in leftovers(path):
        shutil.rmtree(left, ignore_errors=True)
    folder = temporary_name(path)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def renewed(folder: Path) -> Iterator[Path]:
    """Give a copy of a folder to work on, empty if there is none, which takes its name at the end.

    If the work fails, the folder stays as it is. If the process is killed, too, and the next one
    that renews the folder removes the copy.

    Raises:
        OSError: the system does not let it be written.
    """
    if folder.is_symlink():  # what it leads to is renewed; who made the link wants it there
        folder = folder.resolve()
    recover(folder)
    fresh = temporary_name(folder)
    try:
        if folder.exists():
            shutil.copytree(folder, fresh, symlinks=True)
        else:
            fresh.mkdir()
        yield fresh
        _take_place(fresh, folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def recover(folder: Path) -> None:
    """Clear what killed processes left of a folder; give it its name back if it has lost it.

    It can lose it only where two folders cannot be swapped in one step, see `_take_place`.
    """
    for aside in leftovers(_aside(folder)):
        if folder.exists():
            shutil.rmtree(aside, ignore_errors=True)
        else:
            aside.replace(folder)
    for left in leftovers(folder):
        shutil.rmtree(left, ignore_errors=True)


def _take_place(fresh: Path, folder: Path) -> None:
    """Give a folder's name to another one; what had it before is then under the other's name."""
    if not folder.exists():
        fresh.replace(folder)
    elif not _swapped(fresh, folder):
        aside = temporary_name(_aside(folder))
        folder.replace(aside)
        try:
            fresh.replace(folder)
        except OSError:
            aside.replace(folder)
            raise
        shutil.rmtree(aside, ignore_errors=True)


def _aside(folder: Path) -> Path:
    """Where a folder waits that cannot be swapped; `recover` looks there."""
    return folder.with_name(f"{folder.name}.old")


def _swapped(one: Path, other: Path) -> bool:
    """Exchange two names in one step; False if this system cannot."""
    if sys.platform != "linux":
        return False
    with suppress(AttributeError):
        rename = ctypes.CDLL(None, use_errno=True).renameat2
        names = os.fsencode(one), os.fsencode(other)
        if rename(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0:
            return True
        error = ctypes.get_errno()
        if error not in _CANNOT_SWAP:
            raise OSError(error, os.strerror(error), str(other))
    return False


def npy_bytes(array: NDArray[Any]) -> bytes:
    """An array as an `.npy` file holds it."""
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def write_array(path: Path, array: NDArray[Any]) -> None:
    """Write an `.npy` file; raises as `write_whole`."""
    write_whole(path, npy_bytes(array))


def is_file(path: Path) -> bool:
    """Whether there is such a file; there is none of a name that the system cannot have.

    `Path.is_file` raises for a name that is too long, until Python 3.14.
    """
    return os.path.isfile(path)  # noqa: PTH113


def is_folder(path: Path) -> bool:
    """Whether there is such a folder; as `is_file`."""
    return os.path.isdir(path)  # noqa: PTH112


def refuse_existing(path: Path | None, overwrite: bool) -> None:
    """Keep what is there already, unless told otherwise.

    Raises:
        InputError: there is such a file.
    """
    if path is not None and path.exists() and not overwrite:
        raise InputError("exists already", where=str(path), fix="--overwrite replaces it")


def refuse_inputs(target: Path | None, inputs: Iterable[Path | None]) -> None:
    """Keep what a command reads: `--overwrite` is about results.

    Args:
        target: file to write.
        inputs: files that are read; None for those that were not named.
    Raises:
        InputError: the target is one of them, by this name or by a link.
    """
    for path in inputs:
        if path is not None and target is not None and _is_same(path, target):
            raise InputError(
                "would be replaced by what is made of it",
                where=str(target),
                fix="name another file to write",
            )


def _is_same(path: Path, other: Path) -> bool:
    """Whether two names lead to one file, or will."""
    if path.exists() and other.exists():
        return path.samefile(other)
    return path.resolve() == other.resolve()
