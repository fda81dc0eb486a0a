"""A picture or an array, from a file or not -> the integers a network is given. Resizes nothing."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from max78000.errors import InputError
from max78000.facts.fixed import AS_BYTES
from max78000.files import load_npy
from max78000.program.picture_file import read_pixels

PIXEL_ZERO = 128  # what a network sees as 0
SUFFIX_OF_ARRAYS = ".npy"


def signed_bytes(x: ArrayLike, where: str) -> NDArray[np.int64]:
    """Take an array as input data: int64 (C, H, W).

    Args:
        x: integers, (C, H, W) or (C, L).
        where: its name for messages.
    Raises:
        InputError: real numbers, another number of dimensions, values that 8 bits do not hold.
    """
    array: NDArray[Any] = np.asarray(x)
    if array.dtype.kind not in "iu":
        why = f"holds {array.dtype}, the accelerator takes integers"
        raise InputError(why, where=where, fix=AS_BYTES)
    if array.ndim not in (2, 3) or 0 in array.shape:
        fix = "give one input as (C, H, W) or (C, L), without a batch dimension"
        raise InputError(f"has shape {array.shape}", where=where, fix=fix)
    if array.min() < -128 or array.max() > 127:
        found = f"{array.min()}..{array.max()}"
        raise InputError(
            f"values {found} are not in -128..127", where=where, fix="subtract 128 from pixels"
        )
    return array.astype(np.int64).reshape((*array.shape, 1)[:3])


def read_input(path: Path, rows: int, columns: int, channels: int) -> NDArray[np.int64]:
    """Read an image, integers of 8 bits (C, H, W).

    An array is taken as it is. A picture is brought to -128..127; one whose rows and columns are a
    multiple of the network's is folded as the training side folds: the value at row k i + a, column
    k j + b of channel c goes to channel (k a + b) C + c, row i, column j.

    Args:
        path: `.npy`, or a picture.
        rows: of the network's input; `columns` likewise.
        channels: that it can have at most.
    Raises:
        InputError: it cannot be read, or has another size.
    """
    if path.suffix == SUFFIX_OF_ARRAYS:
        return _read_array(path)
    picture = read_picture(path)
    ratio, rest = divmod(picture.shape[1], rows)
    if rest or ratio < 1 or picture.shape[2] != ratio * columns:
        why = f"the picture has {picture.shape[1]}x{picture.shape[2]} pixels (rows x columns)"
        fix = f"bring it to {rows}x{columns}, or to a multiple for a network with folded input"
        raise InputError(why, where=str(path), fix=fix)
    n_folded = ratio**2 * len(picture)
    if ratio > 1 and n_folded > channels:
        why = (
            f"the picture has {picture.shape[1]}x{picture.shape[2]} pixels (rows x columns), the"
            f" network takes {rows}x{columns} with {channels} channels, not {n_folded} of it folded"
        )
        raise InputError(why, where=str(path), fix=f"bring it to {rows}x{columns}")
    return fold(picture, ratio)


def fold(picture: NDArray[np.int64], ratio: int) -> NDArray[np.int64]:
    """Space to depth: (C, H, W) to (ratio^2 C, H / ratio, W / ratio), in the order above."""
    blocks = [picture[:, a::ratio, b::ratio] for a in range(ratio) for b in range(ratio)]
    return np.concatenate(blocks)


def _read_array(path: Path) -> NDArray[np.int64]:
    try:
        array = load_npy(path)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be read: {error}", where=str(path)) from None
    if not np.issubdtype(array.dtype, np.integer):
        raise InputError(f"holds {array.dtype}, not integers", where=str(path), fix=AS_BYTES)
    return np.atleast_3d(array).astype(np.int64)


def read_picture(path: Path) -> NDArray[np.int64]:
    """Read a picture, grey or RGB, less the zero: (C, H, W).

    Raises:
        InputError: it cannot be read.
        UnsupportedError: Pillow is not installed.
    """
    try:
        pixels = read_pixels(path)
    except ValueError as error:
        fix = "give a picture, such as a PNG or a JPEG, or an .npy array"
        raise InputError(f"cannot be read: {error}", where=str(path), fix=fix) from None
    return np.moveaxis(pixels, -1, 0).astype(np.int64) - PIXEL_ZERO
