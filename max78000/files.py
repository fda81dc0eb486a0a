"""Files: what is written appears whole or not at all, and replaces nothing unasked.

And the one way to read an array, since a damaged one makes numpy raise nearly anything.
"""

import errno
import io
import os
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
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


def write_whole(path: Path, contents: bytes) -> None:
    """Write a file under a temporary name, then give it its own.

    Raises:
        InputError: the folder does not exist or cannot be written to.
    """
    write_all({path: contents})


def write_all(files: Mapping[Path, bytes]) -> None:
    """Write files that belong together: each whole, and none if one of them cannot be.

    Raises:
        InputError: a folder does not exist or cannot be written to; has the file that failed.
    """
    fresh = {path: path.with_name(f"{path.name}.{os.getpid()}.tmp") for path in files}
    path = Path()
    try:
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
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error


def npy_bytes(array: NDArray[Any]) -> bytes:
    """An array as an `.npy` file holds it."""
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def write_array(path: Path, array: NDArray[Any]) -> None:
    """Write an `.npy` file; raises as `write_whole`."""
    write_whole(path, npy_bytes(array))


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
