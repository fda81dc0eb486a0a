"""Functions that scale, shift or move data, as operations that a rewrite may take along.

What is left over when the rewrites are done is refused with the words of `refusals`.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from ai8x_models.describe.calls import Call
from ai8x_models.describe.graph import (
    Affine,
    Foreign,
    Op,
    Pad,
    Permute,
    Slice,
    Upsample,
    View,
)
from ai8x_models.describe.refusals import foreign, product_of_data
from ai8x_models.zoo.registry import Shape


def affine(call: Call, otherwise: Foreign) -> Op:
    """Sums, differences and products with one number, or one a channel; else `otherwise`.

    A call of one operand is taken as that operand and the function's number.
    """
    operands = list(call.args[:2])
    is_first = call.is_data(operands[0])
    data, constant = operands if is_first else reversed(operands)
    numbers = _each_channel(constant, data)
    meaning = _MEANINGS.get((call.word, is_first))
    if numbers is None or meaning is None or (call.word in _QUOTIENTS and not numbers.all()):
        return otherwise
    return Affine(*meaning(numbers), otherwise)


_QUOTIENTS = ("div", "true_divide")
# function, and whether the data come first -> factor and number to add
_MEANINGS: Mapping[tuple[str, bool], Callable[[Tensor], tuple[Tensor, Tensor]]] = {
    ("add", True): lambda n: (torch.ones_like(n), n),
    ("add", False): lambda n: (torch.ones_like(n), n),
    ("sub", True): lambda n: (torch.ones_like(n), -n),
    ("sub", False): lambda n: (-torch.ones_like(n), n),
    ("rsub", True): lambda n: (-torch.ones_like(n), n),
    **{
        (word, is_first): lambda n: (n, torch.zeros_like(n))
        for word in ("mul", "multiply")
        for is_first in (True, False)
    },
    **{(word, True): lambda n: (1 / n, torch.zeros_like(n)) for word in _QUOTIENTS},
}


def scaling(call: Call) -> Op:
    """Products, quotients, negative numbers."""
    word = call.word
    if word == "neg":
        ones = _each_channel(1.0, call.result)
        otherwise = foreign("mul")
        return otherwise if ones is None else Affine(-ones, torch.zeros_like(ones), otherwise)
    name = {"true_divide": "div", "multiply": "mul"}.get(word, word)
    is_data = [call.is_data(one) for one in call.args[:2]]
    otherwise = product_of_data(name) if is_data == [True, True] else foreign(name)
    return affine(call, otherwise) if len(call.args) == 2 else otherwise


def _each_channel(constant: object, data: Tensor) -> Tensor | None:
    """One number a channel, if that is what a constant means to these data."""
    if data.dim() < 2:
        return None  # one number for each example, or for all: no channels
    n_channels = data.shape[1]
    if isinstance(constant, int | float):
        return torch.full((n_channels,), float(constant))
    if not isinstance(constant, Tensor) or not constant.is_floating_point():
        return None
    sizes = (1,) * (data.dim() - constant.dim()) + tuple(constant.shape)
    is_alike = len(sizes) == data.dim() and all(
        size == 1 or (axis == 1 and size == n_channels) for axis, size in enumerate(sizes)
    )
    return constant.detach().float().reshape(-1).expand(n_channels) if is_alike else None


def permutation(call: Call) -> Op:
    """Axes in another order; the batch stays in front."""
    word, otherwise = call.word, foreign(call.word)
    # The same done to a tensor whose sizes are the numbers of its axes.
    marked = torch.empty(tuple(range(call.result.dim())), device="meta")
    named = {name: value for name, value in call.values.items() if name != "input"}
    order = getattr(marked, word)(*(() if named else call.args[1:]), **named).shape
    return Permute(tuple(axis - 1 for axis in order[1:]), otherwise) if order[0] == 0 else otherwise


def channels(call: Call) -> Op:
    """`x[:, a:b]`, without steps and with all rows and columns; all channels are a view.

    So is `x[:, :, None]`, which adds an axis.
    """
    data, key = call.args[:2]
    otherwise = foreign("getitem")
    everything = slice(None)
    if not isinstance(key, tuple) or len(key) < 2 or not isinstance(data, Tensor):
        return otherwise
    is_whole = [one is None or one is Ellipsis or one == everything for one in key]
    if all(is_whole) and key[0] is not None:
        return View()
    rest = [one for one in (key[0], *key[2:]) if one is not Ellipsis]
    if not isinstance(key[1], slice) or any(one != everything for one in rest):
        return otherwise
    start, stop, step = key[1].indices(data.shape[1])
    if (start, stop, step) == (0, data.shape[1], 1):
        return View()
    return Slice(start, stop, otherwise) if step == 1 and start < stop else otherwise


def parts(call: Call, results: list[Tensor]) -> list[Op] | None:
    """`chunk` and `split` along the channels: a slice for each result; one of all is a view."""
    word, data = call.word, call.args[0]
    if word not in ("chunk", "split", "tensor_split", "split_with_sizes"):
        return None
    axis = call.values.get("dim", call.args[2] if len(call.args) > 2 else 0)
    if axis % data.dim() != 1 or sum(one.shape[1] for one in results) != data.shape[1]:
        return None
    found: list[Op] = []
    start = 0
    for one in results:
        is_all = one.shape == data.shape
        found.append(View() if is_all else Slice(start, start + one.shape[1], foreign(word)))
        start += one.shape[1]
    return found


def padding(call: Call) -> Op:
    """Zeros around rows and columns; none at all are a view."""
    sides: Shape = tuple(call.get("pad", ()))
    otherwise = foreign("pad")
    if call.get("mode", "constant") != "constant" or call.get("value", 0) != 0:
        return otherwise
    n_axes = call.result.dim() - 2
    if len(sides) > 2 * n_axes and any(sides[2 * n_axes :]):
        return otherwise
    pairs = [*zip(sides[::2], sides[1::2], strict=True), *[(0, 0)] * n_axes][:n_axes]
    before, after = zip(*reversed(pairs), strict=True) if n_axes else ((), ())
    return Pad(before, after, otherwise) if any((*before, *after)) else View()


def upsampling(call: Call) -> Op:
    """Nearest neighbours, by one whole ratio."""
    data, otherwise = call.values["input"], foreign("interpolate")
    if call.get("mode", "nearest") != "nearest":
        return otherwise
    pairs = zip(call.result.shape[2:], data.shape[2:], strict=True)
    ratios = {large / small for large, small in pairs}
    ratio = ratios.pop()
    return Upsample(int(ratio), otherwise) if not ratios and ratio.is_integer() else otherwise
