"""What ONNX operators that mostly stand behind the last layer compute, in the words of PyTorch.

Rows of the table in `onnx_operators`. Those that a description's `finish` has are written as calls
that `finish_steps` knows; the others are PyTorch's own, and left to the application.
"""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ai8x_models.describe.onnx_constants import number_of
from max78000.errors import UnsupportedError

Attributes = Mapping[str, Any]

_OF_ONE_AXIS = 13  # softmax of earlier versions flattens all axes behind


def _soft(function: Callable[[Tensor, int], Tensor]) -> Callable[[Attributes, Tensor], Tensor]:
    def run(attributes: Attributes, x: Tensor) -> Tensor:
        is_old = attributes["opset"] < _OF_ONE_AXIS
        axis = attributes.get("axis", 1 if is_old else -1) % x.dim()
        if not is_old or all(size == 1 for size in x.shape[axis + 1 :]):
            return function(x, axis)
        return function(x.flatten(axis), axis).reshape(x.shape)

    return run


def _argmax(attributes: Attributes, x: Tensor) -> Tensor:
    if attributes.get("select_last_index", 0):
        fix = "take the first of equal numbers: select_last_index=0"
        raise UnsupportedError("the last of the largest numbers", fix=fix)
    return torch.argmax(x, attributes.get("axis", 0), bool(attributes.get("keepdims", 1)))


def _normalized(attributes: Attributes, x: Tensor) -> Tensor:
    p, eps = float(attributes.get("p", 2)), number_of(attributes.get("eps", 1e-12))
    return F.normalize(x, p, attributes.get("axis", -1), eps)


def _top(attributes: Attributes, x: Tensor, count: Tensor) -> tuple[Tensor, ...]:
    is_largest, is_sorted = (bool(attributes.get(key, 1)) for key in ("largest", "sorted"))
    return torch.topk(x, int(count), attributes.get("axis", -1), is_largest, is_sorted)


def _gathered(attributes: Attributes, x: Tensor, places: Tensor) -> Tensor:
    """One place, or places at equal distances, are a part of the tensor."""
    axis = attributes.get("axis", 0) % x.dim()
    front = (slice(None),) * axis
    numbers = places.reshape(-1).remainder(x.shape[axis]).tolist()
    if places.dim() == 0:
        part: Tensor = x[(*front, numbers[0])]
        return part
    distances = {after - one for one, after in pairwise(numbers)}
    step = distances.pop() if distances else 1
    if places.dim() == 1 and step > 0 and not distances:
        part = x[(*front, slice(numbers[0], numbers[-1] + 1, step))]
        return part
    found = torch.index_select(x, axis, places.reshape(-1))
    return found.reshape(*x.shape[:axis], *places.shape, *x.shape[axis + 1 :])


def _expanded(_attributes: Attributes, x: Tensor, target: Tensor) -> Tensor:
    """The examples may be more than the file was made for."""
    sizes = target.tolist()
    if len(sizes) == x.dim() and sizes[0] == 1:
        sizes[0] = x.shape[0]
    shape = np.broadcast_shapes(tuple(x.shape), tuple(sizes))
    return x if shape == x.shape else x.expand(shape)


def _limit(
    limit: Callable[[Tensor, float], Tensor], join: Callable[[Tensor, Tensor], Tensor]
) -> Callable[..., Tensor]:
    """`Max` and `Min`: with one number a limit."""

    def run(_attributes: Attributes, x: Tensor, *others: Tensor) -> Tensor:
        for other in others:
            data, number = (x, other) if other.numel() == 1 else (other, x)
            is_limit = number.numel() == 1 < data.numel()
            x = limit(data, number_of(number)) if is_limit else join(x, other)
        return x

    return run


def _hard_sigmoid(attributes: Attributes, x: Tensor) -> Tensor:
    """A line between two limits."""
    given = attributes.get("alpha", 0.2), attributes.get("beta", 0.5)
    slope, offset = map(number_of, given)
    return torch.clamp(x * slope + offset, 0.0, 1.0)


ANSWERS: Mapping[str, Callable[..., Any]] = {
    "Softmax": _soft(torch.softmax),
    "LogSoftmax": _soft(torch.log_softmax),
    "ArgMax": _argmax,
    "LpNormalization": _normalized,
    "TopK": _top,
    "Gather": _gathered,
    "Expand": _expanded,
    "Max": _limit(torch.clamp_min, torch.maximum),
    "Min": _limit(torch.clamp_max, torch.minimum),
    "Sigmoid": lambda _a, x: torch.sigmoid(x),
    "HardSigmoid": _hard_sigmoid,
    "Tanh": lambda _a, x: torch.tanh(x),
    "Exp": lambda _a, x: torch.exp(x),
    "Log": lambda _a, x: torch.log(x),
    "Sqrt": lambda _a, x: torch.sqrt(x),
    "Pow": lambda _a, x, y: torch.pow(x, y),
    "Mul": lambda _a, x, y: x * y,
    "Div": lambda _a, x, y: x / y,
    "Neg": lambda _a, x: -x,
}
