"""Kernels and paddings that no single layer has: shifted copies of the data in front of a 3x3.

A layer with identity weights in one tap moves the data by that tap, and its padding puts zeros
around them. Several copies as channels side by side let one kernel of 3x3 see 5x5, or behind two
such layers 7x7, in a single sum: nothing is rounded on the way.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import torch
from torch import Tensor

from ai8x_models.describe.graph import Convolution, Graph
from ai8x_models.describe.rewrites.editor import ONE, Editor, Rewritten, cycles, layer_of
from ai8x_models.describe.rewrites.kernels import (
    is_plain,
    kept,
    rest_is_left_out,
    sides_of,
    spans_of,
    sums,
)
from ai8x_models.layers.rules import MAX_PADDING, MAX_TAPS
from ai8x_models.zoo.registry import Shape
from max78000.facts.chip import MAX78000

_FRONT = 3  # taps of the kernels that shift
_MOST_FRONTS = 2
_MOST_REST = 2
_MOST_WEIGHTS = MAX78000.weight_bytes // 2  # of one layer: more is not worth it


@dataclass(frozen=True, slots=True)
class _Axis:
    """One axis of a kernel.

    Args:
        places: of its taps in what all layers see together.
        shifts: of the copies.
        rest: positions at the end of the result that are too many.
    """

    places: Shape
    shifts: Shape
    rest: int

    def copy_and_tap(self, place: int, size: int) -> tuple[int, int]:
        """Which copy, and which tap of the last kernel on it, sees a place."""
        copy = next(i for i, one in enumerate(self.shifts) if one <= place < one + size)
        return copy, place - self.shifts[copy]


@dataclass(frozen=True, slots=True)
class _Fit:
    """Layers that do what one kernel would: `n_fronts` that shift, and one with `size` taps.

    Args:
        padding: of all of them together.
    """

    size: int
    n_fronts: int
    padding: int
    axes: tuple[_Axis, ...]

    @property
    def paddings(self) -> Shape:
        """Of each layer: the first ones take all that they can, so that zeros stay zeros."""
        found: list[int] = []
        for _ in range(self.n_fronts + 1):
            found.append(min(MAX_PADDING, self.padding - sum(found)))
        return tuple(found)

    @property
    def rest(self) -> Shape:
        """Positions that are too many, for each axis."""
        return tuple(axis.rest for axis in self.axes)


def kernels_shifted(graph: Graph) -> Rewritten:
    """Large kernels, dilated ones, and padding that is uneven or wide."""
    editor = Editor(graph)
    shapes: dict[int, Shape] = {}
    for index, node in enumerate(graph.nodes):
        op = node.op
        fit = None
        if isinstance(op, Convolution) and not is_plain(op):
            fit = next(_fits(graph, index, op), None)
        if fit is None or not isinstance(op, Convolution):
            editor.keep(index, shape=shapes.get(index))
            continue
        shape = node.shape[0], *sums(node.shape[1:], kept(op, fit.rest))
        shapes |= dict.fromkeys(layer_of(graph, index), shape)
        _put(editor, index, fit, shape)
    return editor.finished()


def _fits(graph: Graph, index: int, one: Convolution) -> Iterator[_Fit]:
    """Ways to do it, the cheapest first."""
    sizes = (_FRONT,) if one.kind == "Conv2d" else (_FRONT, MAX_TAPS)
    for most_rest in range(_MOST_REST + 1):
        for n_fronts, size in product(range(1, _MOST_FRONTS + 1), sizes):
            for padding in range(MAX_PADDING * (n_fronts + 1) + 1):
                fit = _fit(one, size, n_fronts, padding)
                if fit is None or max(fit.rest) > most_rest or not _is_worth_it(one, fit):
                    continue
                if min(_sizes(fit, graph.nodes[graph.nodes[index].inputs[0]].shape[1:])) < 1:
                    continue
                if not any(fit.rest) or rest_is_left_out(graph, index, one, fit.rest):
                    yield fit


def _fit(one: Convolution, size: int, n_fronts: int, padding: int) -> _Fit | None:
    reach = size + (_FRONT - 1) * n_fronts
    axes: list[_Axis] = []
    numbers = zip(
        *(one.weight.shape[2:], one.each(one.dilation), spans_of(one), sides_of(one)), strict=True
    )
    for n_taps, step, span, (before, after) in numbers:
        first = padding - before
        rest = 2 * padding - (reach - 1) - (before + after - (span - 1))
        if first < 0 or first + span > reach or rest < 0:
            return None
        places = tuple(first + step * tap for tap in range(n_taps))
        axes.append(_Axis(places, _shifts(places, size, reach), rest))
    return _Fit(size, n_fronts, padding, tuple(axes))


def _shifts(places: Shape, size: int, reach: int) -> Shape:
    """As few copies as have all of these places within their kernels."""
    found: list[int] = []
    for place in places:
        if not found or place >= found[-1] + size:
            found.append(min(place, reach - size))
    return tuple(found)


def _sizes(fit: _Fit, sizes: Shape) -> Shape:
    """Rows and columns behind the layers that shift."""
    return tuple(n + sum(2 * one - _FRONT + 1 for one in fit.paddings[:-1]) for n in sizes)


def _is_worth_it(one: Convolution, fit: _Fit) -> bool:
    layers = _fronts(one.weight.shape[1], fit)
    n_copies = layers[-1].shape[0]
    n_weights = sum(one.numel() for one in layers) + n_copies * one.weight.shape[0] * 9
    return n_copies <= MAX78000.max_channels and n_weights <= _MOST_WEIGHTS


def _fronts(n_channels: int, fit: _Fit) -> list[Tensor]:
    """Weights of the layers that shift: each copy of one layer is made of one of those before."""
    found: list[Tensor] = []
    n_axes = len(fit.axes)
    before: list[Shape] = [(0,) * n_axes]
    most = _FRONT - 1
    targets = list(product(*(axis.shifts for axis in fit.axes)))
    for number in range(1, fit.n_fronts + 1):
        now = list(
            dict.fromkeys(tuple(min(one, most * number) for one in each) for each in targets)
        )
        weight = torch.zeros(len(now), n_channels, len(before), n_channels, *(_FRONT,) * n_axes)
        for copy, shifts in enumerate(now):
            source = tuple(min(one, most * (number - 1)) for one in shifts)
            tap = tuple(one - other for one, other in zip(shifts, source, strict=True))
            for channel in range(n_channels):
                weight[(copy, channel, before.index(source), channel, *tap)] = ONE
        weight = weight.flatten(2, 3).flatten(0, 1)
        found.append(weight)
        before = now
    return found


def _last(one: Convolution, fit: _Fit) -> Convolution:
    """The kernel itself, its taps dealt out to the copies."""
    given = one.weight.detach()
    n_out, n_in = given.shape[:2]
    copies = list(product(*(range(len(axis.shifts)) for axis in fit.axes)))
    weight = torch.zeros(n_out, len(copies) * n_in, *(fit.size,) * len(fit.axes))
    for tap in product(*(range(n) for n in given.shape[2:])):
        dealt = [
            axis.copy_and_tap(axis.places[place], fit.size)
            for axis, place in zip(fit.axes, tap, strict=True)
        ]
        copy = copies.index(tuple(one for one, _ in dealt))
        source: Any = (..., *tap)
        target: Any = (..., *(one for _, one in dealt))
        weight[:, copy * n_in : (copy + 1) * n_in][target] = given[source]
    return replace(one, weight=weight, padding=fit.paddings[-1:], padding_end=None, dilation=(1,))


def _put(editor: Editor, index: int, fit: _Fit, shape: Shape) -> None:
    node = editor.graph.nodes[index]
    one = node.op
    assert isinstance(one, Convolution)
    source = editor.nodes[editor.new[node.inputs[0]]]
    place, sizes = editor.new[node.inputs[0]], source.shape[1:]
    n_weights = -one.weight.numel()
    n_cycles = -cycles(one, node.shape)
    for number, weight in enumerate(_fronts(one.weight.shape[1], fit)):
        layer = Convolution(one.kind, weight, None, padding=(fit.paddings[number],))
        sizes = tuple(n + 2 * fit.paddings[number] - _FRONT + 1 for n in sizes)
        word = "shifted" if not number else "shifted_again"
        like = replace(node, limit=source.limit)
        place = editor.add(like, word, layer, (place,), (weight.shape[0], *sizes))
        n_weights += weight.numel()
        n_cycles += cycles(layer, (weight.shape[0], *sizes))
    last = _last(one, fit)
    editor.nodes.append(replace(node, op=last, inputs=(place,), shape=shape))
    editor.new[index] = len(editor.nodes) - 1
    taps = "x".join(map(str, one.weight.shape[2:]))
    n_copies = last.weight.shape[1] // one.weight.shape[1]
    how = f"{n_copies} shifted cop{'y' if n_copies == 1 else 'ies'} of the data"
    what = f"a kernel of {taps}, with its padding, as one of {fit.size} on {how}"
    n_weights, n_cycles = n_weights + last.weight.numel(), n_cycles + cycles(last, shape)
    editor.note(node, what, n_weights, n_cycles)
