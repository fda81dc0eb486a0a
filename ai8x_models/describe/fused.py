"""A convolution with all that goes with it, and the layer of ours that does the same.

The layer's batch norm gives a quarter of its result (see `fuse`), and data saturate, so parameters
are scaled on the way; see `Fused`. What a layer cannot have is refused by its constructor.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ai8x_models.describe.graph import (
    Activate,
    Clamp,
    Convolution,
    Graph,
    Normalize,
    Op,
)
from ai8x_models.describe.ranges import power_within
from ai8x_models.layers.batchnorm import BN_DIVISOR, BatchNorm, fold_batchnorm
from ai8x_models.layers.layers import (
    Conv1d,
    Conv2d,
    ConvTranspose2d,
    FoldedConv2d,
    FusedLayer,
    Linear,
)
from ai8x_models.layers.qat import DATA_MAX
from ai8x_models.layers.space_to_depth import RATIO, fold_image
from ai8x_models.zoo.registry import Shape
from max78000.errors import UnsupportedError
from max78000.facts.chip import MAX78000
from max78000.facts.fixed import Activation

_CLASSES = (
    ("Conv1d", Conv1d),
    ("Conv2d", Conv2d),
    ("ConvTranspose2d", ConvTranspose2d),
)


@dataclass(frozen=True, slots=True, eq=False)
class Fused:
    """What one layer shall do.

    Args:
        folds: it is the only reader of the network's input, and that can be folded.
        is_wide: its answer has 32 bits.
        is_scaled: `scales` were chosen for examples.
        scales: factors on its input and its output, powers of two.
    """

    convolution: Convolution
    norm: BatchNorm | None
    activation: Activation
    folds: bool
    is_wide: bool
    is_scaled: bool
    scales: tuple[float, float]

    @property
    def is_folded(self) -> bool:
        """True if it is the strided layer that runs on a folded picture."""
        one = self.convolution
        return self.folds and is_foldable(one)

    def is_like(self, other: "Fused") -> bool:
        """True if one layer can do both."""
        mine = (*_settings(self.convolution), self.activation, self.is_wide, self.scales)
        theirs = (*_settings(other.convolution), other.activation, other.is_wide, other.scales)
        same_norm = (self.norm is None) == (other.norm is None) and (
            self.norm is None or other.norm is None or self.norm.mean is other.norm.mean
        )
        return mine == theirs and self.convolution.bias is other.convolution.bias and same_norm


def is_foldable(one: Convolution) -> bool:
    """True for strided kernels that the folded picture has.

    With stride r that is 3r x 3r with padding r; and 3x3 with padding 1, for a stride of 2.
    """
    ratio, (n_in, *sizes) = one.stride[0], one.weight.shape[1:]
    return (
        one.kind == "Conv2d"
        and one.groups == 1
        and one.padding_end is None
        and (set(one.stride), set(one.dilation)) == ({ratio}, {1})
        and ratio > 1
        and ratio**2 * n_in <= MAX78000.max_channels
        and (
            (set(sizes), set(one.padding)) == ({3 * ratio}, {ratio})
            or (ratio, set(sizes), set(one.padding)) == (RATIO, {3}, {1})
        )
    )


def is_fold_reader(graph: Graph, index: int, ratio: int) -> bool:
    """True for the picture's one reader, if the picture can be folded by this ratio."""
    is_only_one = graph.nodes[index].inputs == (0,) and graph.readers()[0] == [index]
    return is_only_one and all(size % ratio == 0 for size in graph.nodes[0].shape[1:])


def _settings(one: Convolution) -> tuple[object, ...]:
    return one.kind, one.stride, one.padding, one.dilation, one.output_padding, one.groups


def activation_of(ops: list[Op]) -> Activation:
    """Activation among what follows a convolution; data that start at 0 have been through ReLU."""
    found = Activation.NONE
    for op in ops:
        if isinstance(op, Activate):
            found = op.activation
        elif isinstance(op, Clamp) and op.low == 0 and found is Activation.NONE:
            found = Activation.RELU
    return found


def is_known_clamp(op: Clamp) -> bool:
    """True for the limits of data, -1 (or 0) and 127/128 (or 1), and for those of wide sums.

    Others are brought there by a scale (see `ranges`).
    """
    return (op.low in (-1, 0) and op.high in (1, DATA_MAX)) or op.is_scaled or is_wide_clamp(op)


def is_wide_clamp(op: Op) -> bool:
    """True for the limits that our layers with 32-bit output have in training."""
    return isinstance(op, Clamp) and op.low == -op.high and op.high >= 1 << 15


def norm_of(ops: list[Op]) -> BatchNorm | None:
    """Batch norm among what follows a convolution."""
    return next((op.norm for op in ops if isinstance(op, Normalize)), None)


def fused_layer(fused: Fused) -> tuple[FusedLayer, float]:
    """Make the layer, with copies of the parameters.

    Returns:
        The layer, and the factor on its answer, which only 32-bit answers choose themselves.

    Raises:
        UnsupportedError or ProblemList: the accelerator cannot do this.
    """
    one = fused.convolution
    input_scale, output_scale = fused.scales
    weight, bias = one.weight.detach().float(), one.bias
    bias = None if bias is None else bias.detach().float()
    norm = fused.norm
    if norm is not None and (one.kind == "Linear" or fused.is_wide):
        axis = 1 if one.kind == "ConvTranspose2d" else 0
        weight, bias = fold_batchnorm(weight, bias, norm, axis)
        weight, bias, norm = weight * BN_DIVISOR, bias * BN_DIVISOR, None
    weight = weight / input_scale
    if fused.is_wide and fused.is_scaled:
        largest = [float(part.abs().max()) for part in (weight, bias) if part is not None]
        output_scale = power_within(max(largest))
    if norm is None:
        weight = weight * output_scale
        bias = None if bias is None else bias * output_scale
    layer = _constructed(fused, has_norm=norm is not None, has_bias=bias is not None)
    if fused.is_folded and weight.shape[2] > 3:
        weight = fold_image(weight, fused.convolution.stride[0])
    with torch.no_grad():
        layer.op.weight.copy_(weight)
        if layer.op.bias is not None:
            layer.op.bias.copy_(torch.zeros_like(layer.op.bias) if bias is None else bias)
    if norm is not None and layer.bn is not None:
        _copy_norm(layer.bn, norm, BN_DIVISOR * output_scale)
    return layer, output_scale


def _constructed(fused: Fused, has_norm: bool, has_bias: bool) -> FusedLayer:
    """The layer with its options; refuses by raising."""
    one = fused.convolution
    options: dict[str, Any] = {
        "batchnorm": "Affine" if has_norm else None,
        "activation": None if fused.activation is Activation.NONE else fused.activation.value,
        "bias": has_bias or has_norm,
        "wide": fused.is_wide,
        "fixed_scale": fused.is_wide and fused.is_scaled,
    }
    if one.kind == "Linear":
        return Linear(one.weight.shape[1], one.weight.shape[0], **options)
    n_out, n_in = one.weight.shape[:2]
    n_out, n_in = (n_in, n_out) if one.kind == "ConvTranspose2d" else (n_out, n_in)
    if fused.is_folded:
        is_free = one.weight.shape[2] > 3
        return FoldedConv2d(n_in, n_out, free=is_free, ratio=one.stride[0], **options)
    if one.padding_end is not None:
        fix = "pad both sides alike; one side is possible in front of a first layer with stride 2"
        raise UnsupportedError("padding on one side", fix=fix, rule="C5")
    kernel_size = _one_size(one.weight.shape[2:], "kernel size")
    options |= _sizes(one)
    layer: FusedLayer = dict(_CLASSES)[one.kind](
        n_in * (one.groups if one.kind != "ConvTranspose2d" else 1),
        n_out * (one.groups if one.kind == "ConvTranspose2d" else 1),
        kernel_size,
        **options,
    )
    if one.kind == "ConvTranspose2d" and set(one.output_padding) != {1}:
        why = f"output padding {one.output_padding[0]} is not 1"
        raise UnsupportedError(why, fix="use output_padding=1", rule="C3")
    return layer


def _sizes(one: Convolution) -> dict[str, Any]:
    """Options of a convolution's geometry."""
    stride = _one_size(one.stride, "stride")
    found: dict[str, Any] = {
        "padding": _one_size(one.padding, "padding"),
        "dilation": _one_size(one.dilation, "dilation"),
        "groups": one.groups,
        "stride": stride,
    }
    if one.kind != "ConvTranspose2d" and stride > 1 and set(one.weight.shape[2:]) == {1}:
        # A kernel of one pixel may as well skip pixels before it as after.
        found |= {"stride": 1, "pool": "max", "pool_size": 1, "pool_stride": stride}
    return found


def _one_size(sizes: Shape, word: str) -> int:
    if len(set(sizes)) > 1:
        why = f"{word} {'x'.join(map(str, sizes))} is not square"
        raise UnsupportedError(why, fix="use 3x3 with zeros", rule="C1")
    return int(sizes[0])


def _copy_norm(bn: nn.BatchNorm1d | nn.BatchNorm2d, norm: BatchNorm, factor: float) -> None:
    """Give a layer's batch norm the numbers of another; its result is `factor` times as large."""
    ones = torch.ones_like(norm.mean)
    scale: Tensor = ones if norm.scale is None else norm.scale.detach()
    offset: Tensor = torch.zeros_like(ones) if norm.offset is None else norm.offset.detach()
    assert bn.running_mean is not None
    assert bn.running_var is not None
    with torch.no_grad():
        bn.running_mean.copy_(norm.mean)
        bn.running_var.copy_(norm.variance)
        bn.weight.copy_(scale * factor)
        bn.bias.copy_(offset * factor)
    bn.eps = norm.eps
