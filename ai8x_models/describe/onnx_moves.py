"""What ONNX operators that cut, pad, split or enlarge data compute, in the words of PyTorch.

Rows of the table in `onnx_operators`; positions and sizes are constants of the file.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from max78000.errors import UnsupportedError

Attributes = Mapping[str, Any]

_EVEN_MODES = (b"asymmetric", b"half_pixel", b"pytorch_half_pixel")


def _sliced(
    _attributes: Attributes,
    x: Tensor,
    starts: Tensor,
    stops: Tensor,
    axes: Tensor | None = None,
    steps: Tensor | None = None,
) -> Tensor:
    places = range(len(starts)) if axes is None else axes.tolist()
    by = [1] * len(starts) if steps is None else steps.tolist()
    key = [slice(None)] * x.dim()
    for axis, start, stop, step in zip(places, starts.tolist(), stops.tolist(), by, strict=True):
        if step < 1:
            raise UnsupportedError("data in another order", fix="slice with steps from 1 up")
        is_whole = start == 0 and stop >= x.shape[axis] and step == 1
        key[axis] = slice(None) if is_whole else slice(start, stop, step)
    return x[tuple(key)]


def _split(attributes: Attributes, x: Tensor, sizes: Tensor | None = None) -> tuple[Tensor, ...]:
    axis = attributes.get("axis", 0)
    given = attributes.get("split") if sizes is None else sizes.tolist()
    n_parts = attributes.get("num_outputs", attributes["n_outputs"])
    parts = given or -(-x.shape[axis] // n_parts)
    return tuple(torch.split(x, parts, axis))


def _pad(
    attributes: Attributes, x: Tensor, pads: Tensor | None = None, *more: Tensor | None
) -> Tensor:
    value, axes = (*more, None, None)[:2]
    given = list(attributes.get("pads", [])) if pads is None else pads.tolist()
    mode = attributes.get("mode", b"constant").decode()
    number = float(attributes.get("value", 0.0) if value is None else value.item())
    places = range(x.dim()) if axes is None else axes.tolist()
    before, after = [0] * x.dim(), [0] * x.dim()
    for place, axis in enumerate(places):
        before[axis], after[axis] = given[place], given[len(given) // 2 + place]
    if any((*before[:2], *after[:2])) or mode != "constant":
        fix = "pad rows and columns with zeros"
        raise UnsupportedError("padding of channels, or with something else than zeros", fix=fix)
    sides = [n for pair in reversed(list(zip(before, after, strict=True))[2:]) for n in pair]
    return F.pad(x, sides, value=number)


def _resize(attributes: Attributes, x: Tensor, *given: Tensor | None) -> Tensor:
    """`Resize` and `Upsample`: the last input that is there says by how much, or to what."""
    found = [one for one in given if one is not None and one.numel()][-1]
    is_ratio = found.is_floating_point()
    sizes = [
        int(n * ratio) if is_ratio else int(ratio)
        for n, ratio in zip(x.shape, found.tolist(), strict=True)
    ]
    mode = attributes.get("mode", b"nearest")
    if mode != b"nearest":
        return F.interpolate(x, sizes[2:], mode="linear" if x.dim() == 3 else "bilinear")
    has_floor = attributes.get("nearest_mode", b"round_prefer_floor") == b"floor"
    placing = attributes.get("coordinate_transformation_mode", b"half_pixel")
    repeats = placing in _EVEN_MODES and (has_floor or placing != b"asymmetric")
    if not repeats or any(size % n for size, n in zip(sizes, x.shape, strict=True)):
        fix = "repeat every row and column the same number of times"
        raise UnsupportedError("resizing that does not repeat rows and columns", fix=fix)
    return F.interpolate(x, sizes[2:], mode="nearest")


MOVES: Mapping[str, Callable[..., Any]] = {
    "Slice": _sliced,
    "Split": _split,
    "Pad": _pad,
    "Resize": _resize,
    "Upsample": lambda a, x, scales: _resize(
        {**a, "coordinate_transformation_mode": b"asymmetric", "nearest_mode": b"floor"}, x, scales
    ),
    "Transpose": lambda a, x: torch.permute(x, a.get("perm", tuple(range(x.dim()))[::-1])),
}
