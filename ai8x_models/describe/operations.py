"""What PyTorch's functions mean to the accelerator: one row for each, by the function's name.

A builder looks at the arguments of one call and says which operation it is; functions without a row
are refused, most of them with a row in `refusals`. No tracing here, and no limits of the chip:
sizes that it lacks are refused by `layers.rules` when the layer is made.
"""

from collections.abc import Callable, Mapping
from math import inf
from typing import Any

from torch import Tensor

from ai8x_models.describe.calls import Call
from ai8x_models.describe.graph import (
    Activate,
    Affine,
    Clamp,
    Concat,
    Convolution,
    Foreign,
    Join,
    Kind,
    Normalize,
    Op,
    Pad,
    PaddedPooling,
    Pooling,
    View,
)
from ai8x_models.describe.moves import affine, channels, padding, permutation, scaling, upsampling
from ai8x_models.describe.refusals import foreign
from ai8x_models.layers.batchnorm import DEFAULT_EPS, BatchNorm
from ai8x_models.zoo.registry import Shape
from max78000.facts.fixed import Activation, Combine


def _convolution(kind: Kind) -> Callable[[Call], Op]:
    def build(call: Call) -> Op:
        weight, dilation = call.values["weight"], call.sizes("dilation", 1)
        padding = call.get("padding", 0)
        if padding == "same":
            padding = tuple(
                step * (size - 1) // 2
                for step, size in zip(dilation * (weight.dim() - 2), weight.shape[2:], strict=False)
            )
        elif padding == "valid":
            padding = 0
        return Convolution(
            kind,
            weight,
            call.values.get("bias"),
            call.sizes("stride", 1),
            (padding,) if isinstance(padding, int) else tuple(padding),
            dilation,
            call.sizes("output_padding", 0),
            call.get("groups", 1),
        )

    return build


def _linear(call: Call) -> Op:
    if call.values["input"].dim() != 2:
        why = f"a fully connected layer on data of {call.values['input'].dim() - 1} dimensions"
        return Foreign(why, "flatten the data, or use a convolution with a kernel of 1")
    return Convolution("Linear", call.values["weight"], call.values.get("bias"))


def _product(call: Call) -> Op:
    """A product with a matrix of the model's own is a fully connected layer."""
    data, matrix = call.values["input"], call.values.get("weight")
    if not isinstance(matrix, Tensor) or matrix.dim() != 2 or data.dim() != 2:
        return foreign("matmul")
    if call.is_data(matrix) or not call.is_data(data):
        return foreign("matmul")
    bias = call.values.get("bias")
    return Convolution("Linear", matrix.detach().T, None if bias is None else bias.reshape(-1))


def _batch_norm(call: Call) -> Op:
    mean, variance = call.values.get("running_mean"), call.values.get("running_var")
    if mean is None or variance is None:
        return Foreign("batch norm without running statistics", "use track_running_stats=True")
    eps = call.get("eps", DEFAULT_EPS)
    scale, offset = call.values.get("weight"), call.values.get("bias")
    return Normalize(BatchNorm(mean, variance, scale, offset, eps))


def _pool(kind: Any) -> Callable[[Call], Op]:
    def build(call: Call) -> Op:
        shape = call.values["input"].shape[2:]
        size = _each(call.sizes("kernel_size", 1), len(shape))
        stride = _each(call.sizes("stride", 0), len(shape))
        stride = stride if any(stride) else size
        padding = _each(call.sizes("padding", 0), len(shape))
        if any(step != 1 for step in call.sizes("dilation", 1)):
            return Foreign("pooling with dilation", "use dilation=1", "L5")
        if call.get("divisor_override", None) is not None:
            return Foreign("average pooling with another divisor", "scale the next layer's weights")
        sizes = zip(shape, padding, size, stride, strict=True)
        whole = tuple((n + 2 * p - k) // s + 1 for n, p, k, s in sizes)
        if whole != tuple(call.result.shape[2:]):
            fix = "use ceil_mode=False, which drops the rest"
            return Foreign("pooling with windows that are not full", fix)
        pooling = Pooling(kind, size, stride)
        if not any(padding):
            return pooling
        fix = "drop the padding, and pad a convolution before or after it instead"
        otherwise = Foreign("pooling with padding", fix, "L3")
        counts_zeros = kind == "max" or call.get("count_include_pad", True)
        pad = Pad(padding, padding, otherwise)
        return PaddedPooling(pooling, pad) if counts_zeros else otherwise

    return build


def _adaptive(kind: Any) -> Callable[[Call], Op]:
    def build(call: Call) -> Op:
        shape, target = call.values["input"].shape[2:], call.result.shape[2:]
        if any(n % k for n, k in zip(shape, target, strict=True)):
            sizes = f"{'x'.join(map(str, shape))} to {'x'.join(map(str, target))}"
            return Foreign(f"adaptive pooling from {sizes}", "use sizes that divide")
        size = tuple(n // k for n, k in zip(shape, target, strict=True))
        return Pooling(kind, size, size)

    return build


def _over_all(kind: Any) -> Callable[[Call], Op]:
    def build(call: Call) -> Op:
        shape = call.values["input"].shape[2:]
        axes = {axis % call.values["input"].dim() for axis in call.sizes("dim", 0)}
        if axes != set(range(2, 2 + len(shape))) or not shape:
            return foreign(call.word)
        return Pooling(kind, tuple(shape), tuple(shape))

    return build


def _combine(combine: Combine) -> Callable[[Call], Op]:
    def build(call: Call) -> Op:
        others = [value for value in call.args if isinstance(value, Tensor)]
        is_plain = call.get("alpha", 1) == 1
        if len(others) != 2 or not is_plain:
            word = "adds" if combine is Combine.ADD else "subtracts"
            fix = "let the bias of a convolution do it"
            return affine(call, Foreign(f"{word} a number", fix)) if is_plain else foreign("add")
        if not all(call.is_data(one) for one in others):
            otherwise = Foreign(
                "joins data with a constant tensor", "let the bias of a convolution do it"
            )
            found = affine(call, otherwise)
            if isinstance(found, Affine):
                return found
        if others[0].shape != others[1].shape:
            shapes = " and ".join("x".join(map(str, one.shape[1:])) or "1" for one in others)
            rule = "G14" if others[0].shape[1:2] == others[1].shape[1:2] else "G13"
            fix = "make them equal: nothing is broadcast"
            return Foreign(f"combines shapes {shapes}", fix, rule)
        return Join(combine)

    return build


def _concat(call: Call) -> Op:
    axis = call.get("dim", 0) % call.result.dim()
    if axis != 1:
        fix = "join along the channels, dimension 1"
        return Foreign(f"joins tensors along dimension {axis}", fix, on_cpu=True)
    return Concat()


def _clamp(call: Call) -> Op:
    is_hardtanh = call.name.startswith("hardtanh")
    names = ("min_val", "max_val") if is_hardtanh else ("min", "max")
    limits = (-1.0, 1.0) if is_hardtanh else (-inf, inf)
    low, high = (float(call.get(name, one)) for name, one in zip(names, limits, strict=True))
    return Activate(Activation.RELU) if (low, high) == (0, inf) else Clamp(low, high)


def _refused(call: Call) -> Op:
    """An operator of a file that says itself why it is refused."""
    op = call.args[1]
    assert isinstance(op, Foreign)
    return op


def _dropout(call: Call) -> Op:
    return View() if not call.get("training", True) else foreign("dropout")


def _each(sizes: Shape, n_axes: int) -> Shape:
    return sizes if len(sizes) == n_axes else sizes * n_axes


_SAME_NUMBERS = (
    *("flatten", "unflatten", "view", "reshape", "squeeze", "unsqueeze"),
    *("contiguous", "clone", "detach", "float", "identity", "to", "cpu", "type_as"),
)
_ADD, _SUB = _combine(Combine.ADD), _combine(Combine.SUB)
BUILDERS: Mapping[str, Callable[[Call], Op]] = {
    "conv1d": _convolution("Conv1d"),
    "conv2d": _convolution("Conv2d"),
    "conv_transpose2d": _convolution("ConvTranspose2d"),
    "linear": _linear,
    "matmul": _product,
    "mm": _product,
    "addmm": _product,
    "batch_norm": _batch_norm,
    "relu": lambda _call: Activate(Activation.RELU),
    "abs": lambda _call: Activate(Activation.ABS),
    "absolute": lambda _call: Activate(Activation.ABS),
    "max_pool1d": _pool("max"),
    "max_pool2d": _pool("max"),
    "avg_pool1d": _pool("avg"),
    "avg_pool2d": _pool("avg"),
    "adaptive_avg_pool1d": _adaptive("avg"),
    "adaptive_avg_pool2d": _adaptive("avg"),
    "adaptive_max_pool1d": _adaptive("max"),
    "adaptive_max_pool2d": _adaptive("max"),
    "mean": _over_all("avg"),
    "amax": _over_all("max"),
    "add": _ADD,
    "sub": _SUB,
    "subtract": _SUB,
    "cat": _concat,
    "concat": _concat,
    "hardtanh": _clamp,
    "clamp": _clamp,
    "clip": _clamp,
    "clamp_min": _clamp,
    "relu6": lambda _call: Clamp(0, 6),
    **dict.fromkeys(("mul", "multiply", "div", "true_divide", "rsub", "neg"), scaling),
    **dict.fromkeys(("permute", "transpose", "swapaxes", "swapdims"), permutation),
    **dict.fromkeys(("movedim", "moveaxis"), permutation),
    "getitem": channels,
    "pad": padding,
    "interpolate": upsampling,
    **dict.fromkeys(("dropout", "dropout1d", "dropout2d", "feature_dropout"), _dropout),
    **dict.fromkeys(_SAME_NUMBERS, lambda _call: View()),
    "refused": _refused,
}


def operation(name: str, call: Call) -> Op:
    """What a call does; in-place functions mean what the others do."""
    word = name.strip("_")
    return BUILDERS[word](call) if word in BUILDERS else foreign(word)
