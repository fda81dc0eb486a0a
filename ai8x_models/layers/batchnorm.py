"""Batch norm folded into the weights before it: the arithmetic, on tensors.

The accelerator has no batch norm. In training its result is divided by four so that most of it fits
the data range -1..127/128; the factor comes back through the layer's output shift. Layers of the
vendor's second kind (QATv2) do not divide: their ranges are measured. Which layers are folded, and
when, is decided in `qat.py` and `quantize.py`.
"""

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
