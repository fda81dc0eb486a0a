"""Files of tensors, read as data: torch's own, and safetensors.

Nothing in a file is ever executed: reading goes through torch's restricted unpickler, which knows
tensors and plain containers. The classes that the vendor's files mention beside them (optimizers,
numpy scalars) are replaced by empty stand-ins; any other name is refused. What the tensors mean is
for others to know.
"""

import pickle
import re
import struct
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO

import torch
from torch import Tensor

from max78000.facts.shipped import find_input
from max78000.program.safetensors_file import StoredTensor, is_safetensors, read_safetensors
from max78000.program.tensor_check import check_tensors, refusal, unreadable

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
    check_tensors(path)
    try:
        with find_input(path).open("rb") as file:
            if is_safetensors(file):
                return _read_safetensors(file, str(path))
            return _read_torch(file)
    except OSError as error:
        raise unreadable(path, error) from error
    except _MALFORMED as error:
        code = re.search(r"GLOBAL ([\w.]*\w)", str(error))
        is_asked = isinstance(error, pickle.UnpicklingError)
        raise refusal(path, code.group(1) if code and is_asked else "") from error


def _read_torch(file: BinaryIO) -> object:
    stand_ins: list[Any] = [(StandIn, name) for name in _HARMLESS]
    with (
        warnings.catch_warnings(action="ignore"),  # torch's remarks on how the file was written
        torch.serialization.safe_globals(stand_ins),
    ):
        contents: object = torch.load(file, map_location="cpu", weights_only=True)
    return contents


def _read_safetensors(file: BinaryIO, where: str) -> dict[str, object]:
    texts, stored = read_safetensors(file, where)
    return {**texts, "state_dict": {one.name: _tensor(one) for one in stored}}


def _tensor(stored: StoredTensor) -> Tensor:
    dtype = _TYPES[stored.dtype]
    if not stored.data:
        return torch.empty(stored.shape, dtype=dtype)
    return torch.frombuffer(bytearray(stored.data), dtype=dtype).reshape(stored.shape)
