"""Safetensors: which tensors a file holds, where, and whether they are all there.

Eight bytes with the header's length, the header, a JSON object that gives each tensor its type,
shape and range of bytes, then the bytes (https://github.com/huggingface/safetensors).
"""

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import IO

from max78000.errors import InputError

_LENGTH = struct.Struct("<Q")
_MOST_HEADER_BYTES = 100_000_000  # the format's own limit
ELEMENT_BYTES: Mapping[str, int] = MappingProxyType(
    {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1}
    | {"BOOL": 1}
)


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A tensor of a file: its name, type, shape, and its bytes."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    data: bytes


def is_safetensors(file: IO[bytes]) -> bool:
    """True for a length of a header within the file, and a header that begins as JSON does."""
    head = file.read(_LENGTH.size + 1)
    size = file.seek(0, 2)
    file.seek(0)
    if len(head) <= _LENGTH.size or head[_LENGTH.size :] != b"{":
        return False
    (length,) = _LENGTH.unpack(head[: _LENGTH.size])
    return bool(length <= min(size - _LENGTH.size, _MOST_HEADER_BYTES))


def read_safetensors(
    file: IO[bytes], where: str
) -> tuple[Mapping[str, object], tuple[StoredTensor, ...]]:
    """The texts of a file, and its tensors in their order.

    Raises:
        InputError: a type that is not read.
        ValueError, LookupError, TypeError or AttributeError: the file is cut or damaged.
    """
    (length,) = _LENGTH.unpack(file.read(_LENGTH.size))
    header = json.loads(file.read(length))
    data = file.read()
    texts = header.pop("__metadata__", {})
    found = []
    for name, entry in header.items():
        if entry["dtype"] not in ELEMENT_BYTES:
            known = ", ".join(ELEMENT_BYTES)
            why = f"{name} is of type {entry['dtype']}, and read are {known}"
            raise InputError(why, where=where, fix="save it as F32")
        shape = tuple(entry["shape"])
        size = math.prod(shape) * ELEMENT_BYTES[entry["dtype"]]
        content = _range(data, shape, entry["data_offsets"], size)
        found.append(StoredTensor(name, entry["dtype"], shape, content))
    return {str(key): text for key, text in texts.items()}, tuple(found)


def _range(data: bytes, shape: tuple[int, ...], offsets: list[int], size: int) -> bytes:
    """The bytes of one tensor; raises ValueError if its range is not that of its shape."""
    start, end = offsets
    if not 0 <= start <= end <= len(data) or min(shape, default=1) < 0:
        raise ValueError("outside the file")
    if end - start != size:
        raise ValueError("another size")
    return data[start:end]
