"""Checkpoints on disk: the vendor's dictionary in a `.pth.tar` file, written whole, read as data.

Nothing in a file is ever executed: reading goes through torch's restricted unpickler, which knows
tensors and plain containers. The classes that the vendor's files mention beside them (optimizers,
numpy scalars) are replaced by empty stand-ins; any other name is refused. What the tensors mean is
for `qat.py` and `quantize.py` to know.
"""

import hashlib
import os
import pickle
import re
import struct
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from max78000.errors import InputError

State = dict[str, Tensor]

# Put in front of every name by torch's data parallel wrapper and by its compiler.
_PREFIXES = ("module.", "_orig_mod.")
# What operators were called in the vendor's older files; now it is `op` for all of them.
_OLD_OPERATORS = ("conv1d", "conv2d", "convtranspose2d", "linear")
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


class _StandIn:
    """Takes the place of a class that a checkpoint mentions; keeps nothing."""

    def __init__(self, *_args: object, **_kwargs: object) -> None:
        """Forget the arguments."""

    def __setstate__(self, _state: object) -> None:
        """Forget the state."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What is in a checkpoint file.

    Args:
        arch: name of the network, as in its description.
        epoch: how many epochs were trained.
        state_dict: tensors by name, in the order of the layers.
        extras: plain data beside them: scores, stage, clipping method.
        optimizer: state to resume from, or empty.
    """

    arch: str
    epoch: int
    state_dict: State
    extras: Mapping[str, Any] = field(default_factory=dict)
    optimizer: Mapping[str, Any] = field(default_factory=dict)


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint; the file appears whole or not at all. Equal contents give equal bytes.

    Raises:
        InputError: the folder does not exist or cannot be written to; extras that are not data.
    """
    contents = {
        "epoch": checkpoint.epoch,
        "arch": checkpoint.arch,
        "state_dict": {name: _plain(tensor) for name, tensor in checkpoint.state_dict.items()},
        "extras": _plain_data(checkpoint.extras),
    }
    if checkpoint.optimizer:
        contents["optimizer_state_dict"] = dict(checkpoint.optimizer)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            torch.save(contents, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        why = f"cannot be written: {error.strerror}"
        raise InputError(why, where=str(path), fix="name a file in an existing folder") from error
    finally:
        temporary.unlink(missing_ok=True)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint of ours or of the vendor's.

    Names are those of the bare model: no wrappers' prefixes, and `op` for operators.

    Raises:
        InputError: missing, cut, damaged, not a checkpoint, or one that wants something executed.
    """
    contents = _read(path)
    if not isinstance(contents, dict) or not isinstance(contents.get("state_dict"), dict):
        why = "holds no `state_dict`, so it is not a training checkpoint"
        raise InputError(
            why, where=str(path), fix="name a .pth.tar file written by training or quantization"
        )
    tensors = contents["state_dict"]
    for name, tensor in tensors.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise InputError(f"state_dict[{name!r}] is not a tensor", where=str(path))
    return Checkpoint(
        arch=str(contents.get("arch") or ""),
        epoch=_whole_number(contents.get("epoch")),
        state_dict=_bare_names(tensors),
        extras=_mapping(contents.get("extras")),
        optimizer=_mapping(contents.get("optimizer_state_dict")),
    )


def file_hash(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from error


def _read(path: Path) -> object:
    """Everything in the file, as data."""
    stand_ins: list[Any] = [(_StandIn, name) for name in _HARMLESS]
    try:
        with (
            path.open("rb") as file,
            warnings.catch_warnings(action="ignore"),  # torch's remarks on how the file was written
            torch.serialization.safe_globals(stand_ins),
        ):
            contents: object = torch.load(file, map_location="cpu", weights_only=True)
    except OSError as error:
        why = f"cannot be read: {error.strerror or error}"
        raise InputError(why, where=str(path), fix="name a checkpoint file") from error
    except _MALFORMED as error:
        asked = re.search(r"GLOBAL ([\w.]*\w)", str(error))
        if asked and isinstance(error, pickle.UnpicklingError):
            why = f"asks for {asked.group(1)}, which is code and not data; nothing was executed"
            raise InputError(
                why, where=str(path), fix="get the checkpoint from its author again"
            ) from error
        why = "is not a checkpoint, or is cut short or damaged"
        raise InputError(
            why, where=str(path), fix="compare its size and hash with the original"
        ) from error
    return contents


def _bare_names(tensors: State) -> State:
    """Tensors under the names of the bare model.

    A file may hold the model twice, with a wrapper's prefix and without (the vendor's published
    keyword spotting network does): the first counts, as it does for the vendor's generator.
    """
    split = {name: _split_name(name) for name in tensors}
    first_prefix = next((prefix for prefix, _ in split.values()), "")
    holds_two = len({short for _, short in split.values()}) < len(split)
    return {
        short: tensors[name]
        for name, (prefix, short) in split.items()
        if prefix == first_prefix or not holds_two
    }


def _split_name(name: str) -> tuple[str, str]:
    """Prefixes of wrappers, and the name behind them with operators called `op`."""
    short = name
    while short.startswith(_PREFIXES):
        short = short.split(".", 1)[1]
    prefix = name.removesuffix(short)
    layer, *rest = short.rsplit(".", 2)
    if len(rest) == 2 and rest[0] in _OLD_OPERATORS:
        short = f"{layer}.op.{rest[1]}"
    return prefix, short


def _plain(tensor: Tensor) -> Tensor:
    """A tensor with its own dense storage: no channels-last strides, no view of a larger one."""
    return tensor.detach().cpu().contiguous().clone()


def _plain_data(value: object) -> object:
    """The same data in types that every reader takes."""
    if isinstance(value, Mapping):
        return {key: _plain_data(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain_data(item) for item in value]
    if isinstance(value, Tensor):
        return _plain(value)
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    fix = "pass numbers, texts, lists and dictionaries"
    raise InputError(f"a checkpoint cannot hold a {type(value).__name__}", where="extras", fix=fix)


def _whole_number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _mapping(value: object) -> Mapping[str, Any]:
    """A dictionary without the stand-ins in it, or an empty one."""
    if not isinstance(value, dict):
        return {}
    return {
        key: _mapping(item) if isinstance(item, dict) else item
        for key, item in value.items()
        if not isinstance(item, _StandIn)
    }
