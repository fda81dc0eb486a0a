"""Files of tensors, read as data: torch's own, and safetensors.

Nothing in a file is ever executed: reading goes through torch's restricted unpickler, which knows
tensors and plain containers. The classes that the vendor's files mention beside them (optimizers,
numpy scalars) are replaced by empty stand-ins; any other name is refused. What the tensors mean is
for others to know.

Safetensors: eight bytes with the header's length, the header, a JSON object that gives each tensor
its type, shape and range of bytes, then the bytes (https://github.com/huggingface/safetensors).
"""

import json
import math
import pickle
import pickletools
import re
import struct
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO

import torch
from torch import Tensor

from max78000.errors import InputError
from max78000.facts.shipped import CHECKPOINTS, find_input, or_shipped

# Mentioned, never needed, in the vendor's files: the optimizer's class, scalars among the scores.
_HARMLESS = (
    *(f"torch.optim.{name.lower()}.{name}" for name in ("SGD", "Adam", "AdamW", "RMSprop")),
    *(f"numpy.{core}.multiarray.scalar" for core in ("core", "_core")),
    "numpy.dtype",
)
# What torch's readers raise on files that are cut, damaged, or no checkpoints at all.
_MALFORMED = (
    *(EOFError, RuntimeError, ValueError, LookupError, TypeError, AttributeError, ImportError),
    *(AssertionError, OverflowError, struct.error, pickle.UnpicklingError, MemoryError),
)
_N_PICKLES = 4  # in a file of the older kind: magic number, version, machine, contents
_DESCRIBE = "`ai8x describe FILE.onnx --calibration SAMPLES --checkpoint-out OUT` makes integers"
_DAMAGED = "is not a checkpoint, or is cut short or damaged"
_COMPARE = "compare its size and hash with the original"
_SAVE_NUMBERS = "where the model was made, save model.state_dict()"
_IN_MODULES = frozenset({"_parameters", "_buffers", "_modules"})  # what every pickled one has
_ARCHIVES = MappingProxyType(
    {"/constants.pkl": "a TorchScript archive", "/archive_format": "a program of torch.export"}
)

# Safetensors.
_LENGTH = struct.Struct("<Q")
_MOST_HEADER_BYTES = 100_000_000  # the format's own limit
_TYPES: Mapping[str, torch.dtype] = MappingProxyType(
    {
        **{"F64": torch.float64, "F32": torch.float32, "F16": torch.float16},
        **{"BF16": torch.bfloat16, "I64": torch.int64, "I32": torch.int32, "I16": torch.int16},
        **{"I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool},
    }
)


class StandIn:
    """Takes the place of a class that a checkpoint mentions; keeps nothing."""

    def __init__(self, *_args: object, **_kwargs: object) -> None:
        """Forget the arguments."""

    def __setstate__(self, _state: object) -> None:
        """Forget the state."""


def read_contents(path: Path) -> object:
    """Everything in a file, as data: mostly a dictionary.

    Of a safetensors file, `state_dict` with its tensors, and the texts that it has beside them.
    A file that is shipped is found from any folder.

    Raises:
        InputError: missing, cut, damaged, no such file, or one that wants something executed.
    """
    try:
        with find_input(path).open("rb") as file:
            if _is_safetensors(file):
                return _read_safetensors(file, str(path))
            return _read_torch(file)
    except OSError as error:
        why = f"cannot be read: {error.strerror or error}"
        fix = or_shipped("name a checkpoint file", path, CHECKPOINTS)
        raise InputError(why, where=str(path), fix=fix) from error
    except _MALFORMED as error:
        raise _refusal(path, error) from error


def _read_torch(file: BinaryIO) -> object:
    stand_ins: list[Any] = [(StandIn, name) for name in _HARMLESS]
    with (
        warnings.catch_warnings(action="ignore"),  # torch's remarks on how the file was written
        torch.serialization.safe_globals(stand_ins),
    ):
        contents: object = torch.load(file, map_location="cpu", weights_only=True)
    return contents


def _refusal(path: Path, error: BaseException) -> InputError:
    """Why torch's reader stopped, in the words of whoever saved the file."""
    asked = re.search(r"GLOBAL ([\w.]*\w)", str(error))
    what = f"asks for {asked.group(1)}, which" if asked else "which"
    why = f"{what} is code and not data; nothing was executed"
    words = _words_of(path)
    if words >= _IN_MODULES or any(word.startswith("torch.nn.modules.") for word in words):
        comma = ":" if asked else ","
        why = f"is a whole pickled model{comma} {why}"
        return InputError(why, where=str(path), fix=_SAVE_NUMBERS)
    if asked and isinstance(error, pickle.UnpicklingError):
        return InputError(why, where=str(path), fix="get the checkpoint from its author again")
    for mark, kind in _ARCHIVES.items():
        if _has_member(path, mark):
            why = f"is {kind}, which is code and not data; nothing was executed"
            return InputError(why, where=str(path), fix=_SAVE_NUMBERS)
    if path.suffix.lower() == ".onnx":
        return InputError("is an ONNX file, no checkpoint", where=str(path), fix=_DESCRIBE)
    return InputError(_DAMAGED, where=str(path), fix=_COMPARE)


def _words_of(path: Path) -> set[str]:
    """Names and texts in a pickle, without running it."""
    words: set[str] = set()
    try:
        with path.open("rb") as file:
            if not zipfile.is_zipfile(file):
                file.seek(0)
                for _ in range(_N_PICKLES):
                    words |= _words_in(file)
                return words
            with zipfile.ZipFile(file) as archive:
                (name,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
                with archive.open(name) as pickled:
                    return _words_in(pickled)
    except (OSError, ValueError, zipfile.BadZipFile):  # what was found counts
        return words


def _words_in(file: Any) -> set[str]:
    return {argument for _, argument, _ in pickletools.genops(file) if isinstance(argument, str)}


def _has_member(path: Path, ending: str) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith(ending) for name in archive.namelist())
    except (OSError, ValueError, zipfile.BadZipFile):
        return False


def _is_safetensors(file: BinaryIO) -> bool:
    """True for a length of a header within the file, and a header that begins as JSON does."""
    head = file.read(_LENGTH.size + 1)
    size = file.seek(0, 2)
    file.seek(0)
    if len(head) <= _LENGTH.size or head[_LENGTH.size :] != b"{":
        return False
    (length,) = _LENGTH.unpack(head[: _LENGTH.size])
    return bool(length <= min(size - _LENGTH.size, _MOST_HEADER_BYTES))


def _read_safetensors(file: BinaryIO, where: str) -> dict[str, object]:
    (length,) = _LENGTH.unpack(file.read(_LENGTH.size))
    header = json.loads(file.read(length))
    data = file.read()
    texts = header.pop("__metadata__", {})
    tensors: dict[str, Tensor] = {}
    for name, entry in header.items():
        if entry["dtype"] not in _TYPES:
            known = ", ".join(_TYPES)
            why = f"{name} is of type {entry['dtype']}, and read are {known}"
            raise InputError(why, where=where, fix="save it as F32")
        tensors[name] = _tensor(data, _TYPES[entry["dtype"]], entry["shape"], entry["data_offsets"])
    return {**{str(key): text for key, text in texts.items()}, "state_dict": tensors}


def _tensor(data: bytes, dtype: torch.dtype, shape: list[int], offsets: list[int]) -> Tensor:
    """One tensor of a safetensors file; raises ValueError if its range is not that of its shape."""
    start, end = offsets
    if not 0 <= start <= end <= len(data) or min(shape, default=1) < 0:
        raise ValueError("outside the file")
    if end - start != math.prod(shape) * dtype.itemsize:
        raise ValueError("another size")
    if start == end:
        return torch.empty(shape, dtype=dtype)
    return torch.frombuffer(bytearray(data[start:end]), dtype=dtype).reshape(shape)
