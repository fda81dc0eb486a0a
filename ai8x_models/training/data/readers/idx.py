"""The files of MNIST and its kin: `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-...`.

Packed with gzip or not. Format: two zero bytes, the type of the numbers, how many axes there are,
their lengths as 32-bit numbers, most significant byte first, then the numbers.
After Y. LeCun, "The MNIST database of handwritten digits", section on the file format.
"""

import gzip
import re
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ai8x_models.training.data.form import Raw
from ai8x_models.training.data.readers.files import refuse_more_than_memory
from ai8x_models.training.data.source import TEST, TRAIN, Source, array_part, array_source
from max78000.errors import InputError

_TYPES: Mapping[int, str] = {
    0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8",
}  # fmt: skip
_NAME = re.compile(r"(train|t10k|test)-(images|labels)[.-]idx[1-4]-[a-z]+(\.gz)?")
_MOST_RATIO = 1032  # of deflate: https://zlib.net/zlib_tech.html, "maximum compression factor"
_FIX = (
    "give train-images-idx3-ubyte and train-labels-idx1-ubyte, and the same of t10k, or .gz of them"
)


def has_idx(folder: Path) -> bool:
    """True if a folder holds files of this kind."""
    return any(_NAME.fullmatch(one.name) for one in folder.iterdir())


def idx_source(folder: Path) -> Source:
    """Read the files of a folder.

    Raises:
        InputError: one is missing or damaged, or pictures and labels are not equally many.
    """
    found = {
        (match[1], match[2]): one
        for one in sorted(folder.iterdir())
        if (match := _NAME.fullmatch(one.name))
    }
    parts = {}
    for word, split in (("train", TRAIN), ("t10k", TEST), ("test", TEST)):
        if not any(first == word for first, _ in found):
            continue
        missing = [kind for kind in ("images", "labels") if (word, kind) not in found]
        if missing:
            raise InputError(f"has no {word}-{missing[0]}", where=str(folder), fix=_FIX)
        images, labels = (read_idx(found[word, kind]) for kind in ("images", "labels"))
        if len(images) != len(labels):
            why = f"{len(images)} images of {word}, {len(labels)} labels"
            raise InputError(why, where=str(folder), fix=_FIX)
        parts[split] = array_part(images, labels)
    if TRAIN not in parts:
        raise InputError("has no train-images", where=str(folder), fix=_FIX)
    return array_source(parts, None, (), str(folder))


def read_idx(path: Path) -> Raw:
    """Read one file, packed or not.

    Raises:
        InputError: it is no file of this kind, or is cut short.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            zeros, kind, n_axes = struct.unpack(">HBB", file.read(4))
            shape = struct.unpack(f">{n_axes}I", file.read(4 * n_axes))
            dtype = np.dtype(_TYPES[kind])
            n_bytes = int(np.prod(shape, dtype=object)) * dtype.itemsize
            refuse_more_than_memory(n_bytes, path)
            # Reading takes the memory that it is asked for, before there is anything to read.
            content = file.read(min(n_bytes, _most_bytes(path)) + 1)
    except (OSError, EOFError, KeyError, struct.error, zlib.error) as error:
        raise InputError("is not a readable idx file", where=str(path), fix=_FIX) from error
    if zeros or not n_axes or len(content) != n_bytes:
        size = "x".join(map(str, shape))
        why = f"announces {size} numbers in {n_bytes} bytes, and does not hold them"
        raise InputError(why, where=str(path), fix="fetch it anew")
    return np.frombuffer(content, dtype).astype(dtype.newbyteorder("=")).reshape(shape)


def _most_bytes(path: Path) -> int:
    """The most that a file can hold, unpacked."""
    return path.stat().st_size * (_MOST_RATIO if path.suffix == ".gz" else 1)
