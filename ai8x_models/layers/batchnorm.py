"""Batch norm folded into the weights before it: the arithmetic, on tensors.

The accelerator has no batch norm. In training its result is divided by four so that most of it fits
the data range -1..127/128; the factor comes back through the layer's output shift. Layers of the
vendor's second kind (QATv2) do not divide: their ranges are measured. Which layers are folded, and
when, is decided in `qat.py` and `quantize.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

# Quirk batch-norm-quarter: the vendor's layers divide; the output shift brings it back.
BN_DIVISOR = 4  # of the vendor's training layers; folding must use the same
DEFAULT_EPS = 1e-5  # torch's own, and that of every layer here


@dataclass(frozen=True, slots=True)
class BatchNorm:
    """What a batch norm has learned, one value a channel; `scale` and `offset` may be absent."""

    mean: Tensor
    variance: Tensor
    scale: Tensor | None = None
    offset: Tensor | None = None
    eps: float = DEFAULT_EPS


def fold_batchnorm(
    weight: Tensor,
    bias: Tensor | None,
    norm: BatchNorm,
    output_axis: int = 0,
    divisor: int = BN_DIVISOR,
) -> tuple[Tensor, Tensor]:
    """Weights and biases that give BN(conv(x)) / divisor without the batch norm.

    Args:
        weight: of the convolution, output channels along `output_axis` (1 for transposed ones).
        bias: one per output channel, or None.
        norm: the batch norm that follows.
        divisor: 4, or 1 for layers that do not divide.

    Returns:
        New weight and bias, in the dtype of `weight`. Computed in float64.
    """
    deviation = torch.sqrt(norm.variance.double() + norm.eps)
    scale = torch.ones_like(deviation) if norm.scale is None else norm.scale.double()
    offset = torch.zeros_like(deviation) if norm.offset is None else norm.offset.double()
    old_bias = torch.zeros_like(deviation) if bias is None else bias.double()
    factor = scale / divisor / deviation
    shape = [1] * weight.dim()
    shape[output_axis] = -1
    new_weight = weight.double() * factor.view(shape)
    new_bias = (old_bias - norm.mean.double()) * factor + offset / divisor
    return new_weight.to(weight.dtype), new_bias.to(weight.dtype)


def normalized_over_shares(
    x: Tensor, norm: BatchNorm, momentum: float, add_up: Callable[[Tensor], Tensor]
) -> Tensor:
    """Batch norm of a share of a batch by the statistics of all of it, as in training.

    Args:
        x: the share of this process, (N, C, ...).
        norm: its running statistics take in those of the batch.
        momentum: share of the new ones.
        add_up: a tensor to its sum over all processes; gradients come back through it.

    Returns:
        As `x`; in float32, if `x` is narrower.
    """
    axes = [axis for axis in range(x.dim()) if axis != 1]
    shape = [1, -1] + [1] * (x.dim() - 2)
    x = x.to(torch.promote_types(x.dtype, torch.float32))
    n_here = x.new_tensor([x.numel() / x.shape[1]])
    sums = add_up(torch.cat([x.sum(axes), n_here]))
    count = sums[-1].item()
    mean = sums[:-1] / count
    centred = x - mean.view(shape)
    variance = add_up(centred.square().sum(axes)) / count
    with torch.no_grad():
        norm.mean.lerp_(mean, momentum)
        norm.variance.lerp_(variance * (count / (count - 1)), momentum)
    scale = torch.rsqrt(variance + norm.eps)
    if norm.scale is not None:
        scale = scale * norm.scale
    y = centred * scale.view(shape)
    return y if norm.offset is None else y + norm.offset.view(shape)
