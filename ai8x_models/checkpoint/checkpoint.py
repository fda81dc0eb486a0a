"""Checkpoints on disk: the vendor's dictionary in a `.pth.tar` file, written whole, read as data.

How bytes become tensors without anything being executed is in `tensor_files.py`, what is done to
their names in `names.py`. What the tensors mean is for `qat.py` and `quantize.py` to know.
"""

import hashlib
import io
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ai8x_models.checkpoint.names import bare_names
from ai8x_models.checkpoint.tensor_files import StandIn, read_contents
from max78000.errors import InputError
from max78000.facts.shipped import find_input
from max78000.files import write_whole

State = dict[str, Tensor]

# How files call the dictionary of tensors; without any of these, the file may be that dictionary.
_STATE_KEYS = ("state_dict", "model_state_dict")
# What torch's own quantization leaves in a state dictionary.
_TORCH_QUANTIZED = ("_packed_params", "activation_post_process", "weight_fake_quant", "fake_quant")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What is in a checkpoint file.

    Args:
        arch: name of the network, as in its description.
        epoch: how many epochs were trained.
        state_dict: tensors by name, in the order of the layers.
        extras: plain data beside them: scores, stage, clipping method.
        optimizer: state to resume from, or empty.
        notes: what had to be decided in reading it, for the user to know; not in the file.
    """

    arch: str
    epoch: int
    state_dict: State
    extras: Mapping[str, Any] = field(default_factory=dict)
    optimizer: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint; the file appears whole or not at all.

    Raises:
        InputError: the folder does not exist or cannot be written to; extras that are not data.
    """
    write_whole(path, checkpoint_bytes(checkpoint))


def checkpoint_bytes(checkpoint: Checkpoint) -> bytes:
    """A checkpoint as its file holds it. Equal contents give equal bytes.

    `torch.save` writes no times. What its pickle would tell apart is made alike first: a text that
    is written twice is a reference to the first if, and only if, both are one object, so equal
    texts are made one; tensors are copies that share no storage.

    Raises:
        InputError: extras that are not data.
    """
    contents = {
        "epoch": checkpoint.epoch,
        "arch": sys.intern(checkpoint.arch),
        "state_dict": _plain_data(checkpoint.state_dict),
        "extras": _plain_data(checkpoint.extras),
    }
    if checkpoint.optimizer:
        contents["optimizer_state_dict"] = _plain_data(checkpoint.optimizer)
    file = io.BytesIO()
    torch.save(contents, file)
    return file.getvalue()


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint of ours or of the vendor's, or the tensors of any model.

    Read are files of torch that hold a `state_dict` or are one, and safetensors. Names are those of
    the bare model: no wrappers' prefixes, and `op` for operators.

    Raises:
        InputError: missing, cut, damaged, not a checkpoint, quantized by torch, two models in one,
            or one that wants something executed.
    """
    contents = read_contents(path)
    tensors = _tensors_in(contents, str(path))
    beside = contents if isinstance(contents, dict) and tensors is not contents else {}
    try:
        state, notes = bare_names(tensors)
    except InputError as error:
        raise InputError(error.why, where=str(path), fix=error.fix) from error
    return Checkpoint(
        arch=str(beside.get("arch") or ""),
        epoch=_whole_number(beside.get("epoch")),
        state_dict=state,
        extras=_mapping(beside.get("extras")),
        optimizer=_mapping(beside.get("optimizer_state_dict")),
        notes=notes,
    )


def file_hash(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        with find_input(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from error


def _tensors_in(contents: object, where: str) -> State:
    """The state dictionary in a file, or the file itself if it is one."""
    found: object = None
    if isinstance(contents, dict):
        found = next((contents[key] for key in _STATE_KEYS if key in contents), None)
        found = _only_group(contents, where) if found is None else found
    is_wrapped = found is not contents
    if not isinstance(found, dict) or not (is_wrapped or _has_tensors(found)):
        why = "holds no `state_dict`, so it is not a training checkpoint"
        raise InputError(
            why, where=where, fix="name a .pth.tar file written by training or quantization"
        )
    _refuse_torch_quantized(found, where)
    for name, tensor in found.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise InputError(f"state_dict[{name!r}] is not a tensor", where=where)
    return found


def _only_group(contents: Mapping[Any, object], where: str) -> object:
    """The one group of tensors under whatever name, or the file itself if there is none."""
    groups = {
        str(key): group
        for key, group in contents.items()
        if isinstance(group, dict) and group and _are_tensors(group)
    }
    if len(groups) > 1:
        why = f"holds tensors under {' and '.join(groups)}"
        raise InputError(why, where=where, fix="save the one that is meant as `state_dict`")
    return next(iter(groups.values()), contents)


def _are_tensors(group: Mapping[Any, object]) -> bool:
    return all(isinstance(value, Tensor) for value in group.values())


def _has_tensors(contents: Mapping[Any, object]) -> bool:
    return any(isinstance(value, Tensor) for value in contents.values())


def _refuse_torch_quantized(tensors: Mapping[Any, object], where: str) -> None:
    """The scales of torch's integers are no powers of two: there is no way from them to ours."""
    for name, tensor in tensors.items():
        is_packed = any(part in _TORCH_QUANTIZED for part in str(name).split("."))
        if is_packed or (isinstance(tensor, Tensor) and tensor.is_quantized):
            raise InputError(
                f"was quantized, or prepared for it, by torch.ao: {name}",
                where=where,
                fix="save the state_dict of the float model, from before torch.ao prepared it",
            )


def _plain(tensor: Tensor) -> Tensor:
    """A tensor with its own dense storage: no channels-last strides, no view of a larger one."""
    return tensor.detach().cpu().clone(memory_format=torch.contiguous_format)


def _plain_data(value: object) -> object:
    """The same data in types that every reader takes."""
    if isinstance(value, Mapping):
        return {_plain_data(key): _plain_data(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain_data(item) for item in value]
    if isinstance(value, Tensor):
        return _plain(value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, str):
        return sys.intern(str(value))
    if value is None or isinstance(value, bool | int | float):
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
        if not isinstance(item, StandIn)
    }
