"""Writing files: they appear whole or not at all, and replace nothing unasked."""

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from max78000.errors import InputError


def write_whole(path: Path, contents: bytes) -> None:
    """Write a file under a temporary name, then give it its own.

    Raises:
        InputError: the folder does not exist or cannot be written to.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(contents)
            file.flush()
            os.fsync(file.fileno())  # so that the name never leads to an empty file
        temporary.replace(path)
    except OSError as error:
        why = f"cannot be written: {error.strerror or error}"
        raise InputError(why, where=str(path), fix="name a file in an existing folder") from error
    finally:
        temporary.unlink(missing_ok=True)


def write_array(path: Path, array: NDArray[Any]) -> None:
    """Write an `.npy` file; raises as `write_whole`."""
    file = io.BytesIO()
    np.save(file, array)
    write_whole(path, file.getvalue())


def refuse_existing(path: Path | None, overwrite: bool) -> None:
    """Keep what is there already, unless told otherwise.

    Raises:
        InputError: there is such a file.
    """
    if path is not None and path.exists() and not overwrite:
        raise InputError("exists already", where=str(path), fix="--overwrite replaces it")
