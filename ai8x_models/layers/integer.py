"""Layers on the accelerator's own integers: exact sums by torch, every rule by `facts.fixed`.

Whole numbers travel in float tensors because torch convolves those fast; the type is chosen so that
no sum can be rounded. Runs on the CPU. No gradients, no real numbers, no layer classes.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from max78000.facts import fixed

Operator = Callable[[Tensor, Tensor, Tensor | None], Tensor]

_EXACT_FLOAT32 = 1 << 24  # every whole number up to here is a float32


def accumulate(
    operate: Operator, x: Tensor, weight: Tensor, bias: Tensor | None, output_axis: int = 0
) -> Tensor:
    """Sum products and bias without error.

    Args:
        operate: convolution or product of data, weight and bias.
        x: data bytes.
        weight: integer weights, output channels along `output_axis`.
        bias: bias bytes, one per output channel.

    Returns:
        Accumulators, int64.
    """
    offset = None if bias is None else bias.double() * fixed.BIAS_ONE
    others = [axis for axis in range(weight.dim()) if axis != output_axis]
    largest = weight.double().abs().sum(others).amax() * fixed.DATA_ONE
    if offset is not None:
        largest = largest + offset.abs().amax()
    dtype = torch.float32 if largest < _EXACT_FLOAT32 else torch.float64
    offset = None if offset is None else offset.to(dtype)
    return operate(x.to(dtype), weight.to(dtype), offset).to(torch.int64)


def bias_bytes(stored: Tensor, weight_bits: int) -> Tensor:
    """Bias bytes of a quantized checkpoint, which stores byte * 2^(weight bits - 1)."""
    return torch.floor(stored.double() / (1 << (weight_bits - 1)))


def requantize(acc: Tensor, shift: int, activation: fixed.Activation) -> Tensor:
    """Accumulators to data bytes in float32; see `max78000.facts.fixed.requantize`."""
    return torch.from_numpy(fixed.requantize(acc.numpy(), shift, activation)).float()


def average_pool(x: Tensor, size: tuple[int, int], stride: tuple[int, int]) -> Tensor:
    """Average data bytes over windows, toward zero. Shape (N, C, H, W)."""
    total = F.avg_pool2d(x, size, stride, divisor_override=1).to(torch.int64)
    return torch.from_numpy(fixed.average_trunc(total.numpy(), size[0] * size[1])).float()


def combine(operands: tuple[Tensor, ...], op: fixed.Combine) -> Tensor:
    """Join data bytes element by element."""
    arrays = [operand.to(torch.int64).numpy() for operand in operands]
    return torch.from_numpy(fixed.combine(arrays, op)).float()
