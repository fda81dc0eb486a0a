"""Integer checkpoint -> weights per layer, in stored order. Floats that are no integers are
refused.

Knows the naming of the vendor's quantized checkpoints (`<layer>.<op>.weight`, `.bias`,
`.weight_bits`, `.output_shift`); which of them belongs to which layer of a description is
`lower`'s decision.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from max78000.errors import InputError, ToolError, raise_all
from synthesis.torch_file import read_torch_file

DEFAULT_BITS = 8


@dataclass(frozen=True, slots=True)
class LayerWeights:
    """Integer parameters of one layer, as stored.

    `weight` int64, PyTorch order (out, in, ...), transposed convolutions (in, out, 3, 3); `bias`
    int64 bytes as the hardware adds them (stored value divided by 2^(weight_bits - 1), floored),
    or None. `weight_bits` is None where the checkpoint does not say; `output_shift` 0 where it
    does not.
    """

    name: str
    weight: np.ndarray
    bias: np.ndarray | None
    weight_bits: int | None
    output_shift: int


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What the compiler takes from a checkpoint file."""

    source: str
    arch: str | None
    layers: tuple[LayerWeights, ...]


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a quantized `.pth.tar`.

    Raises:
        InputError or ProblemList: unreadable file, missing keys, weights that are not integers.
    """
    root = read_torch_file(path)
    state = root.get("state_dict")
    if not isinstance(state, dict):
        raise InputError(
            "holds no state_dict", str(path), "give the output of `ai8x quantize`", "G25"
        )
    problems: list[ToolError] = []
    layers = []
    for key, value in state.items():
        if isinstance(key, str) and key.endswith(".weight") and isinstance(value, np.ndarray):
            try:
                layers.append(_layer(path, key, value, state))
            except ToolError as error:
                problems.append(error)
    raise_all(problems)
    arch = root.get("arch")
    return Checkpoint(str(path), arch if isinstance(arch, str) else None, tuple(layers))


def _layer(path: Path, key: str, weight: np.ndarray, state: dict[str, Any]) -> LayerWeights:
    where = f"{path} {key}"
    operator_name = key.removesuffix(".weight")
    layer_name = operator_name.rpartition(".")[0] or operator_name
    if weight.ndim == 1:
        raise InputError(
            "one-dimensional weights: batch normalization is not folded",
            where,
            "quantize with `ai8x quantize`, which folds it",
            "G25",
        )
    bits = _scalar(state.get(f"{layer_name}.weight_bits"))
    shift = _scalar(state.get(f"{layer_name}.output_shift"))
    bias = state.get(f"{operator_name}.bias", state.get(f"{layer_name}.bias"))
    if isinstance(bias, np.ndarray):
        stored = _integers(bias, f"{path} {operator_name}.bias")
        bias = np.floor_divide(stored, 1 << ((bits or DEFAULT_BITS) - 1))
        bias.setflags(write=False)
    else:
        bias = None
    return LayerWeights(layer_name, _integers(weight, where), bias, bits or None, shift or 0)


def _scalar(value: object) -> int | None:
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.reshape(-1)[0].item()
    return round(value) if isinstance(value, int | float) else None


def _integers(values: np.ndarray, where: str) -> np.ndarray:
    if not np.isfinite(values).all() or (values != np.floor(values)).any():
        raise InputError(
            "values are not integers: the checkpoint is not quantized",
            where,
            "run `ai8x quantize IN OUT` first",
            "G25",
        )
    integers = values.astype(np.int64)
    integers.setflags(write=False)
    return integers
