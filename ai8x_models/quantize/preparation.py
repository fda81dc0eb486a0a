"""A state dictionary before it is rounded: layers under one kind of name, batch norm folded.

Layers of the vendor's and of ours are `LAYER.op.weight` with `LAYER.bn` beside it. Plain torch
layers, `conv1.weight`, are given the same names; their batch norm is found by its own name, `bn1`
beside `conv1`, or the next number of an nn.Sequential. What has no such name is refused: the order
of entries says nothing about who is connected with whom.
"""

import re
from collections.abc import Iterator, Mapping

from torch import Tensor

from ai8x_models.checkpoint import State
from ai8x_models.layers.batchnorm import BN_DIVISOR, BatchNorm, fold_batchnorm
from ai8x_models.layers.qat import STATE_NAMES, V2_MARK
from ai8x_models.quantize.options import QuantizeOptions
from max78000.errors import InputError

_MEAN = ".running_mean"
_NORM_WORDS = r"(?:batch_?norm|norm|bn)"
_LAYER_WORDS = ("conv", "fc", "linear", "deconv", "upconv", "layer", "dense")
_WEIGHTS_MOVED = ("weight", "bias")


def prepared_state(
    state: Mapping[str, Tensor], options: QuantizeOptions
) -> tuple[State, tuple[str, ...]]:
    """Every weight as `LAYER.op.weight`, no batch norm, in the order of `state`; and notes.

    Raises:
        InputError: a batch norm whose layer cannot be told, or a bias to drop that is not there.
    """
    notes: list[str] = []
    plain = _plain_layers(state)
    result = dict(state)
    for key in [name for name in state if name.endswith(_MEAN)]:
        norm_name = key.removesuffix(_MEAN)
        layer = _layer_of_norm(norm_name, state, plain)
        _fold(result, norm_name, layer, options)
        if layer not in plain and not _has_state(state, layer):
            notes.append(
                f"{layer}: batch norm is folded as by layers of the first generation, divided by 4;"
                " nothing in the file tells it from the second"
            )
        elif layer in plain:
            notes.append(f"{norm_name} is folded into {layer}, by its name")
    norms = tuple(f"{name.removesuffix(_MEAN)}." for name in state if name.endswith(_MEAN))
    kept = {name: tensor for name, tensor in result.items() if not name.startswith(norms or "\0")}
    if plain and len(plain) < sum(name.endswith(".weight") for name in kept):
        notes.append(f"{', '.join(sorted(plain))}: plain torch layers, quantized like the others")
    named = {_accelerator_name(name, plain): tensor for name, tensor in kept.items()}
    return _without_biases(named, options), tuple(notes)


def _plain_layers(state: Mapping[str, Tensor]) -> set[str]:
    """Names of layers whose weight is directly theirs."""
    names = (
        name.removesuffix(".weight") for name, tensor in state.items() if _is_plain(name, tensor)
    )
    return set(names)


def _is_plain(name: str, tensor: Tensor) -> bool:
    *layer, operator, parameter = ("", *name.split("."))
    return parameter == "weight" and operator not in ("op", "") and tensor.dim() > 1 and bool(layer)


def _accelerator_name(name: str, plain: set[str]) -> str:
    layer, _, parameter = name.rpartition(".")
    moves = layer in plain and parameter in _WEIGHTS_MOVED
    return f"{layer}.op.{parameter}" if moves else name


def _layer_of_norm(norm: str, state: Mapping[str, Tensor], plain: set[str]) -> str:
    own = norm.removesuffix(".bn")
    if norm.endswith(".bn") and f"{own}.op.weight" in state:
        return own
    n_channels = state[f"{norm}{_MEAN}"].numel()
    for name in _neighbours(norm):
        if name in plain and n_channels in state[f"{name}.weight"].shape[:2]:
            return name
    if norm.endswith(".bn") and not plain:
        raise InputError("has batch norm, but no weight to fold it into", where=own)
    why = "is a batch norm, and its name does not tell the layer that it follows"
    fix = "call it bn1 beside conv1, or give the model: --model FILE.py:NAME"
    raise InputError(why, where=norm, fix=fix)


def _neighbours(norm: str) -> Iterator[str]:
    """Names that the layer of a batch norm may have."""
    parent, dot, last = norm.rpartition(".")
    if last.isdecimal():
        yield f"{parent}{dot}{int(last) - 1}"
        return
    for word in _LAYER_WORDS:
        yield parent + dot + re.sub(_NORM_WORDS, word, last, count=1)
    yield parent + dot + re.sub(f"_?{_NORM_WORDS}_?", "", last, count=1)


def _fold(result: State, norm_name: str, layer: str, options: QuantizeOptions) -> None:
    """Replace the weight and bias of a layer by those with batch norm in them."""
    is_own = f"{layer}.op.weight" in result
    prefix = f"{layer}.op" if is_own else layer
    weight = result[f"{prefix}.weight"]
    norm = BatchNorm(
        result[f"{norm_name}.running_mean"],
        result[f"{norm_name}.running_var"],
        result.get(f"{norm_name}.weight"),
        result.get(f"{norm_name}.bias"),
        options.bn_eps,
    )
    is_transposed = layer in options.transposed or weight.shape[0] != norm.mean.numel()
    bias = result.get(f"{prefix}.bias")
    divisor = BN_DIVISOR if is_own and f"{layer}.{V2_MARK}" not in result else 1
    folded = fold_batchnorm(weight, bias, norm, 1 if is_transposed else 0, divisor)
    result[f"{prefix}.weight"], result[f"{prefix}.bias"] = folded


def _has_state(state: Mapping[str, Tensor], layer: str) -> bool:
    return any(f"{layer}.{name}" in state for name in STATE_NAMES)


def _without_biases(state: State, options: QuantizeOptions) -> State:
    gone = {f"{layer}.op.bias" for layer in options.no_bias}
    missing = sorted(name.removesuffix(".op.bias") for name in gone - state.keys())
    if missing:
        raise InputError(f"there is no bias of {', '.join(missing)} to drop", fix="see --verbose")
    return {name: tensor for name, tensor in state.items() if name not in gone}


def layer_names(state: Mapping[str, Tensor]) -> list[str]:
    """Layers with weights, in the order of their weights."""
    return [
        name.removesuffix(".weight").removesuffix(".op")
        for name, tensor in state.items()
        if name.endswith(".weight") and tensor.dim() > 1
    ]
