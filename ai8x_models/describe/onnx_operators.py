"""What ONNX operators compute, in the words of PyTorch: one row for each.

Written so that `record` sees the same calls as from a model of PyTorch; operators that the
accelerator lacks but PyTorch has are here too, so that they are refused with all the others.
Operators that quantize and restore data change nothing here: their numbers are kept real.
"""

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ai8x_models.describe.onnx_answers import ANSWERS
from ai8x_models.describe.onnx_constants import number_of
from ai8x_models.describe.onnx_moves import MOVES
from max78000.errors import UnsupportedError

Attributes = Mapping[str, Any]
Operator = Callable[..., Tensor | tuple[Tensor, ...]]


def _padding(x: Tensor, attributes: Attributes, kernel: list[int]) -> tuple[Tensor, list[int]]:
    """Padding as PyTorch has it; what differs between the sides is put around the data first."""
    n_axes = len(kernel)
    automatic = attributes.get("auto_pad", b"NOTSET")
    pads = list(attributes.get("pads", [0] * 2 * n_axes))
    if automatic in (b"SAME_UPPER", b"SAME_LOWER"):
        total = _same_padding(x, attributes, kernel)
        less, more = [n // 2 for n in total], [n - n // 2 for n in total]
        pads = less + more if automatic == b"SAME_UPPER" else more + less
    before, after = pads[:n_axes], pads[n_axes:]
    if before == after:
        return x, before
    sides = [n for pair in reversed(list(zip(before, after, strict=True))) for n in pair]
    return F.pad(x, sides), [0] * n_axes


def _same_padding(x: Tensor, attributes: Attributes, kernel: list[int]) -> list[int]:
    """Zeros on both sides of each axis, so that a result has one position every stride."""
    ones = [1] * len(kernel)
    steps, dilation = attributes.get("strides", ones), attributes.get("dilations", ones)
    return [
        max(0, (-(-n // step) - 1) * step + apart * (size - 1) + 1 - n)
        for n, size, step, apart in zip(x.shape[2:], kernel, steps, dilation, strict=True)
    ]


def _conv(attributes: Attributes, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    kernel = list(weight.shape[2:])
    x, padding = _padding(x, attributes, kernel)
    convolve = (F.conv1d, F.conv2d, F.conv3d)[len(kernel) - 1]
    ones = [1] * len(kernel)
    stride, dilation = attributes.get("strides", ones), attributes.get("dilations", ones)
    groups = attributes.get("group", 1)
    return convolve(x, weight, bias, tuple(stride), tuple(padding), tuple(dilation), groups)


def _conv_transpose(
    attributes: Attributes, x: Tensor, weight: Tensor, bias: Tensor | None = None
) -> Tensor:
    n_axes = weight.dim() - 2
    ones, zeros = [1] * n_axes, [0] * n_axes
    pads = attributes.get("pads", zeros * 2)
    extra = list(attributes.get("output_padding", zeros))
    for axis in range(n_axes):  # less cut off at the end is as much as more output there
        extra[axis] += pads[axis] - pads[n_axes + axis]
    if "output_shape" in attributes or min(extra) < 0:
        fix = "export it with pads and output_padding"
        raise UnsupportedError("a transposed convolution cut at the beginning", fix=fix)
    convolve = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[n_axes - 1]
    return convolve(
        x,
        weight,
        bias,
        tuple(attributes.get("strides", ones)),
        tuple(pads[:n_axes]),
        tuple(extra),
        attributes.get("group", 1),
        tuple(attributes.get("dilations", ones)),
    )


def _gemm(attributes: Attributes, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    factors = attributes.get("alpha", 1.0), attributes.get("beta", 1.0)
    if factors != (1.0, 1.0) or attributes.get("transA", 0):
        fix = "export it from a Linear layer"
        raise UnsupportedError("a product with factors, or of turned data", fix=fix)
    return F.linear(x, weight if attributes.get("transB", 0) else weight.T.contiguous(), bias)


def _matmul(_attributes: Attributes, x: Tensor, weight: Tensor) -> Tensor:
    return F.linear(x, weight.T) if weight.dim() == 2 else torch.matmul(x, weight)


def _batch_norm(attributes: Attributes, x: Tensor, *numbers: Tensor) -> Tensor:
    scale, offset, mean, variance = numbers
    eps = attributes.get("epsilon", 1e-5)
    return F.batch_norm(x, mean, variance, scale, offset, training=False, eps=eps)


def _max_pool(attributes: Attributes, x: Tensor) -> Tensor:
    kernel, stride, padding = _window(x, attributes)
    pool = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[len(kernel) - 1]
    dilation = tuple(attributes.get("dilations", [1] * len(kernel)))
    result: Tensor = pool(
        x, kernel, stride, padding, dilation, bool(attributes.get("ceil_mode", 0))
    )
    return result


def _average_pool(attributes: Attributes, x: Tensor) -> Tensor:
    kernel, stride, padding = _window(x, attributes)
    pool: Any = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[len(kernel) - 1]
    is_up, has_zeros = (
        bool(attributes.get(name, 0)) for name in ("ceil_mode", "count_include_pad")
    )
    result: Tensor = pool(x, kernel, stride, padding, is_up, has_zeros)
    return result


def _window(
    x: Tensor, attributes: Attributes
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    kernel = list(attributes["kernel_shape"])
    pads = list(attributes.get("pads", [0] * 2 * len(kernel)))
    if attributes.get("auto_pad", b"NOTSET") in (b"SAME_UPPER", b"SAME_LOWER"):
        total = _same_padding(x, attributes, kernel)
        pads = [n // 2 for n in total] + [n - n // 2 for n in total]
    if pads[: len(kernel)] != pads[len(kernel) :]:
        fix = "use windows without padding"
        raise UnsupportedError("pooling with padding on one side", fix=fix)
    stride = tuple(attributes.get("strides", [1] * len(kernel)))
    return tuple(kernel), stride, tuple(pads[: len(kernel)])


def _global_average(_attributes: Attributes, x: Tensor) -> Tensor:
    return F.adaptive_avg_pool2d(x, 1) if x.dim() == 4 else F.adaptive_avg_pool1d(x, 1)


def _global_max(_attributes: Attributes, x: Tensor) -> Tensor:
    result: Tensor = F.adaptive_max_pool2d(x, 1) if x.dim() == 4 else F.adaptive_max_pool1d(x, 1)
    return result


def _clip(attributes: Attributes, x: Tensor, *limits: Tensor | None) -> Tensor:
    low, high = (*limits, None, None)[:2]
    least = number_of(attributes.get("min", -torch.inf) if low is None else low)
    most = number_of(attributes.get("max", torch.inf) if high is None else high)
    return torch.clamp(x, least, most)


def _reshape(_attributes: Attributes, x: Tensor, target: Tensor) -> Tensor:
    """The examples may be more than the file was made for."""
    sizes = [x.shape[axis] if n == 0 else n for axis, n in enumerate(target.tolist())][1:]
    known, n_numbers = prod(n for n in sizes if n > 0), prod(x.shape[1:])
    if (n_numbers % known if -1 in sizes else n_numbers != known) or not sizes:
        fix = "keep the axis of examples, the first"
        raise UnsupportedError("a shape in which examples are mixed", fix=fix)
    return x.reshape(x.shape[0], *sizes)


def _axes(attributes: Attributes, axes: Tensor | None) -> list[int]:
    return list(attributes.get("axes", [])) if axes is None else axes.tolist()


def _squeeze(attributes: Attributes, x: Tensor, axes: Tensor | None = None) -> Tensor:
    return torch.squeeze(x, tuple(_axes(attributes, axes)))


def _unsqueeze(attributes: Attributes, x: Tensor, axes: Tensor | None = None) -> Tensor:
    for axis in sorted(_axes(attributes, axes)):
        x = torch.unsqueeze(x, axis)
    return x


def _reduce_mean(attributes: Attributes, x: Tensor, axes: Tensor | None = None) -> Tensor:
    return torch.mean(x, tuple(_axes(attributes, axes)), bool(attributes.get("keepdims", 1)))


def _reduce_max(attributes: Attributes, x: Tensor, axes: Tensor | None = None) -> Tensor:
    """Over rows and columns it is pooling."""
    found = {axis % x.dim() for axis in _axes(attributes, axes)}
    if found != set(range(2, x.dim())) or not found:
        return torch.amax(x, tuple(found), bool(attributes.get("keepdims", 1)))
    result = _global_max({}, x)
    return result if attributes.get("keepdims", 1) else result.flatten(1)


def _dequantize(
    attributes: Attributes, x: Tensor, scale: Tensor, zero: Tensor | None = None
) -> Tensor:
    """Stored integers become real numbers; data have stayed real."""
    if x.is_floating_point():
        return x
    shape = [1] * x.dim()
    if scale.dim() == 1 and scale.numel() > 1:
        shape[attributes.get("axis", 1)] = -1
    offset = torch.zeros_like(scale) if zero is None else zero.to(scale.dtype)
    return (x.to(scale.dtype) - offset.reshape(shape)) * scale.reshape(shape)


def _same(_attributes: Attributes, x: Tensor, *_others: Any) -> Tensor:
    return x


def _sum(_attributes: Attributes, first: Tensor, *others: Tensor) -> Tensor:
    for other in others:
        first = first + other
    return first


OPERATORS: Mapping[str, Operator] = {
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "BatchNormalization": _batch_norm,
    "MaxPool": _max_pool,
    "AveragePool": _average_pool,
    "GlobalAveragePool": _global_average,
    "GlobalMaxPool": _global_max,
    "ReduceMean": _reduce_mean,
    "ReduceMax": _reduce_max,
    "Relu": lambda _a, x: torch.relu(x),
    "Abs": lambda _a, x: torch.abs(x),
    "Clip": _clip,
    "Add": _sum,
    "Sum": _sum,
    "Sub": lambda _a, x, y: x - y,
    "Concat": lambda a, *parts: torch.cat(parts, a["axis"]),
    "Flatten": lambda a, x: torch.flatten(x, a.get("axis", 1)),
    "Reshape": _reshape,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Identity": _same,
    "Dropout": _same,
    "QuantizeLinear": _same,
    "DequantizeLinear": _dequantize,
    "Cast": _same,
    # Known to PyTorch, refused for the accelerator.
    "LeakyRelu": lambda a, x: F.leaky_relu(x, a.get("alpha", 0.01)),
    "PRelu": lambda _a, x, slope: F.prelu(x, slope.reshape(-1)),
    "Gelu": lambda _a, x: F.gelu(x),
    "HardSwish": lambda _a, x: F.hardswish(x),
    "Elu": lambda _a, x: F.elu(x),
    **MOVES,
    **ANSWERS,
}  # fmt: skip
