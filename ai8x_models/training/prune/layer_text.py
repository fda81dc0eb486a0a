"""A layer of ours with other channels, as a call in a model file."""

from dataclasses import fields

from torch import Tensor

from ai8x_models.layers.layers import (
    Conv1d,
    Conv2d,
    ConvTranspose2d,
    FoldedConv2d,
    FusedLayer,
    Linear,
)
from ai8x_models.layers.rules import Plan
from max78000.errors import UnsupportedError
from max78000.facts.fixed import Activation

_KINDS = (Conv1d, Conv2d, ConvTranspose2d, FoldedConv2d, Linear)
_USUAL_KERNEL = 3
_CALL_LIMIT = 90  # characters behind which a call goes over several lines


def layer_call(layer: FusedLayer, weight: Tensor) -> str:
    """Write the constructor of a layer with the channels of other weights.

    Args:
        layer: has the options.
        weight: has the channels, as those of the layer's operator lie.

    Raises:
        UnsupportedError: a kind of layer that is not among those of `ai8x_models.layers.layers`.
    """
    name = type(layer).__name__
    if type(layer) not in _KINDS:
        fix = "take the layer from ai8x_models.layers.layers"
        raise UnsupportedError(f"a {name} cannot be written anew", where="model", fix=fix)
    words = [str(count) for count in _channels(layer, weight)]
    if isinstance(layer, Conv1d | Conv2d) and _kernel_size(layer) != _USUAL_KERNEL:
        words.append(f"kernel_size={_kernel_size(layer)}")
    if isinstance(layer, FoldedConv2d):
        words += _fold_words(layer)
    words += [f"{key}={_written(value)}" for key, value in _options(layer).items()]
    line = f"{name}({', '.join(words)})"
    if len(line) <= _CALL_LIMIT:
        return line
    return "\n".join((f"{name}(", *(f"        {word}," for word in words), "    )"))


def _channels(layer: FusedLayer, weight: Tensor) -> tuple[int, int]:
    """Channels, or features, in and out, as the constructor takes them."""
    n_in, n_out = weight.shape[1 - layer.output_axis], weight.shape[layer.output_axis]
    if isinstance(layer, FoldedConv2d) and n_in == layer.folded_channels:
        n_in //= layer.ratio**2
    return n_in, n_out


def _kernel_size(layer: FusedLayer) -> int:
    """Taps of a side; 1 of a fully connected layer."""
    sizes = layer.op.weight.shape[2:]
    return sizes[0] if sizes else 1


def _fold_words(layer: FoldedConv2d) -> list[str]:
    if layer.ratio != 2:
        return [f"ratio={layer.ratio}"]
    return ["free=True"] if layer.op.weight.shape[1] == layer.folded_channels else []


def _written(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _options(layer: FusedLayer) -> dict[str, object]:
    """Options that differ from those of a layer that is given none."""
    usual = Plan.make(
        _kernel_size(layer), {"stride": 2} if isinstance(layer, ConvTranspose2d) else {}
    )
    found: dict[str, object] = {}
    for one in fields(Plan):
        value = getattr(layer.plan, one.name)
        if value != getattr(usual, one.name):
            found[one.name] = value.value if isinstance(value, Activation) else value
    found.pop("pool_stride", None)
    if layer.plan.pool is None:
        found.pop("pool_size", None)
    elif layer.plan.pool_stride != layer.plan.pool_size:
        found["pool_stride"] = layer.plan.pool_stride
    return found
