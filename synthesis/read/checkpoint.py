"""Integer checkpoint -> weights per layer, in stored order. Floats that are no integers are
refused.

Knows the naming of the vendor's quantized checkpoints (`<layer>.<op>.weight`, `.bias`,
`.weight_bits`, `.output_shift`, `.final_scale`); which of them belongs to which layer of a
description is `lower`'s decision.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from max78000.errors import InputError, ToolError, raise_all
from max78000.facts.chip import WEIGHT_BITS
from max78000.program.network_file import TRAINED_KEYS
from max78000.program.torch_file import Inert, read_torch_file

DEFAULT_BITS = 8
RULE = "G25"
SCALE_LIMIT = 31
# What the vendor's layers store beside weights and bias, also those without any.
NUMBERS = frozenset({
    "output_shift", "weight_bits", "bias_bits", "quantize_activation", "adjust_output_shift",
    "shift_quantile", "activation_threshold", "final_scale", "clamp_activation", "fold",
})  # fmt: skip
LIMIT = 1 << 31  # far above any weight or bias, far below what a conversion to int64 cannot hold


@dataclass(frozen=True, slots=True)
class LayerWeights:
    """Integer parameters of one layer, as stored.

    `weight` int64, PyTorch order (out, in, ...), transposed convolutions (in, out, 3, 3); `bias`
    int64 bytes as the hardware adds them (stored value divided by 2^(weight_bits - 1), floored),
    or None. `weight_bits` is None where the checkpoint does not say; `output_shift` 0 where it
    does not. `is_raw`: test weights, which are turned already and may be wider than the layer.
    `final_scale`: what answers are multiplied by, as a power of two; 0 where the checkpoint does
    not say. `entry`: weights and bias are stored under this name, followed by `.weight`, `.bias`.
    """

    name: str
    weight: NDArray[np.int64]
    bias: NDArray[np.int64] | None
    weight_bits: int | None
    output_shift: int
    is_raw: bool = False
    final_scale: int = 0
    entry: str = ""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What the compiler takes from a checkpoint file.

    `strays` are entries of no layer; `trained` is what training has kept beside the weights about
    inputs and answers: plain data, by `TRAINED_KEYS`.
    """

    source: str
    arch: str | None
    layers: tuple[LayerWeights, ...]
    strays: tuple[str, ...] = ()
    trained: Mapping[str, Any] = field(default_factory=dict)


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a quantized `.pth.tar`.

    Raises:
        InputError or ProblemList: unreadable file, missing keys, weights that are not integers.
    """
    root = read_torch_file(path)
    is_bare = "state_dict" not in root and any(str(key).endswith(".weight") for key in root)
    state = root if is_bare else root.get("state_dict")
    if not isinstance(state, dict):
        raise InputError(
            "holds no state_dict",
            where=str(path),
            fix="give the output of `ai8x quantize`",
            rule=RULE,
        )
    problems: list[ToolError] = []
    layers = []
    for key, value in state.items():
        if isinstance(key, str) and key.endswith(".weight"):
            try:
                layers.append(_layer(path, key, value, state))
            except ToolError as error:
                problems.append(error)
    raise_all(problems)
    arch = root.get("arch")
    return Checkpoint(
        source=str(path),
        arch=arch if isinstance(arch, str) and arch else None,  # a bare state_dict names none
        layers=tuple(layers),
        strays=_strays(state, layers),
        trained=_trained(root.get("extras")),
    )


def _trained(extras: object) -> dict[str, Any]:
    """What JSON can hold of the entries that say what inputs and answers mean."""
    if not isinstance(extras, dict):
        return {}
    kept = {key: extras[key] for key in TRAINED_KEYS if key in extras}
    return {key: value for key, value in kept.items() if _is_json(value)}


def _is_json(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):  # an object, endless or not finite, too deep
        return False
    return True


def _strays(state: dict[str, Any], layers: Sequence[LayerWeights]) -> tuple[str, ...]:
    """Entries of neither a layer nor the numbers beside one, which modules without weights have."""
    taken = {f"{layer.entry}.weight" for layer in layers}
    taken |= {_bias_key(layer.entry, state) for layer in layers}
    names = (key for key in state if isinstance(key, str) and key not in taken)
    return tuple(name for name in names if name.rpartition(".")[2] not in NUMBERS)


def _bias_key(entry: str, state: dict[str, Any]) -> str:
    """The name of a layer's bias: beside its weights, or beside the layer's numbers."""
    beside = f"{entry}.bias"
    return beside if beside in state else f"{entry.rpartition('.')[0] or entry}.bias"


def _layer(path: Path, key: str, weight: object, state: dict[str, Any]) -> LayerWeights:
    where = f"{path} {key}"
    operator_name = key.removesuffix(".weight")
    layer_name = operator_name.rpartition(".")[0] or operator_name
    weights = _weights(weight, where)
    bits = _scalar(state, f"{layer_name}.weight_bits", path)
    shift = _scalar(state, f"{layer_name}.output_shift", path)
    if bits not in (None, 0, *WEIGHT_BITS):
        raise InputError(
            f"{bits}-bit weights, there are 1, 2, 4 and 8",
            where=f"{path} {layer_name}.weight_bits",
            fix="quantize again",
            rule=RULE,
        )
    bias = state.get(_bias_key(operator_name, state))
    if bias is not None:
        stored = integers(bias, f"{path} {operator_name}.bias").reshape(-1)
        # Quirk bias-stored-width: by the width it was stored with, whatever the description says.
        bias = np.floor_divide(stored, 1 << ((bits or DEFAULT_BITS) - 1))
        bias.setflags(write=False)
    return LayerWeights(
        name=layer_name,
        weight=weights,
        bias=bias,
        weight_bits=bits or None,
        output_shift=shift or 0,
        final_scale=_final_scale(state, f"{layer_name}.final_scale", path),
        entry=operator_name,
    )


def _final_scale(state: dict[str, Any], key: str, path: Path) -> int:
    """The power of two that a layer's answers are multiplied by."""
    value = state.get(key)
    if isinstance(value, np.ndarray) and value.size == 1 and np.isneginf(value).all():
        return 0  # of a layer whose results were nothing but zeros: any power of two is right
    scale = _scalar(state, key, path) or 0
    if abs(scale) > SCALE_LIMIT:
        raise InputError(
            f"is {scale}: values of 32 bits are multiplied by 2^-{SCALE_LIMIT} to 2^{SCALE_LIMIT}",
            where=f"{path} {key}",
            fix="quantize again",
            rule=RULE,
        )
    return scale


def _weights(values: object, where: str) -> NDArray[np.int64]:
    shape = values.shape if isinstance(values, np.ndarray) else None
    if shape is not None and len(shape) == 1:
        raise InputError(
            "one-dimensional weights: batch normalization is not folded",
            where=where,
            fix="quantize with `ai8x quantize`, which folds it",
            rule=RULE,
        )
    if shape is not None and (not 2 <= len(shape) <= 4 or 0 in shape):
        raise InputError(
            f"weights of shape {shape}; layers have (out, in), (out, in, taps) or "
            "(out, in, rows, columns)",
            where=where,
            fix="remove what is no layer from the state_dict",
            rule=RULE,
        )
    return integers(values, where)


def _scalar(state: dict[str, Any], key: str, path: Path) -> int | None:
    """A number, or an array of one; None if the checkpoint does not say."""
    value = state.get(key)
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.reshape(-1)[0].item()
    if value is None:
        return None
    if not isinstance(value, int | float) or not abs(value) < LIMIT or value % 1:
        shown = "a huge number" if isinstance(value, int) else f"{value!r:.40}, not an integer"
        raise InputError(f"is {shown}", where=f"{path} {key}", fix="quantize again", rule=RULE)
    return int(value)


def integers(values: object, where: str) -> NDArray[np.int64]:
    """Numbers of any type as int64; `where` names them in messages.

    Raises:
        InputError: they are no array, no integers, or absurdly large.
    """
    if not isinstance(values, np.ndarray):
        kind = "a tensor of a kind unknown here" if isinstance(values, Inert) else repr(values)
        raise InputError(
            f"is {kind:.60}", where=where, fix="save plain float or integer tensors", rule=RULE
        )
    numbers = values.astype(np.float64)
    if not np.isfinite(numbers).all() or (numbers != np.floor(numbers)).any():
        raise InputError(
            "values are not integers: the checkpoint is not quantized",
            where=where,
            fix="run `ai8x quantize IN OUT` first",
            rule=RULE,
        )
    if numbers.size and np.abs(numbers).max() >= LIMIT:
        raise InputError(
            f"values up to {np.abs(numbers).max():.3g} are no weights",
            where=where,
            fix="quantize again",
            rule=RULE,
        )
    integers = numbers.astype(np.int64)
    integers.setflags(write=False)
    return integers
