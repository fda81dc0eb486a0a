"""Numbers of a buffer seen as a tensor: moving axes about costs nothing until somebody copies.

An axis of a tensor may be several of a buffer: channels last, seen as boxes of four numbers, are
rows, columns and groups of channels in one.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from math import prod

from synthesis.finish.steps import Shape

Run = tuple[int, int]  # places, and elements from one to the next
Axis = tuple[int, int, int]  # places; elements apart in the source, and in the target


@dataclass(frozen=True, slots=True)
class View:
    """A tensor in a buffer. Offset and distances in elements.

    `axes` has the runs of every axis, the slowest first; none where there is one place.
    """

    buffer: int
    offset: int
    axes: tuple[tuple[Run, ...], ...]

    @staticmethod
    def whole(buffer: int, shape: Shape) -> "View":
        """All of a buffer, the last axis fastest."""
        steps = (prod(shape[axis + 1 :]) for axis in range(len(shape)))
        return View.of(buffer, 0, shape, tuple(steps))

    @staticmethod
    def of(buffer: int, offset: int, shape: Shape, steps: Shape) -> "View":
        """A tensor with one run for each axis."""
        runs = (((n, step),) if n > 1 else () for n, step in zip(shape, steps, strict=True))
        return View(buffer, offset, tuple(runs))

    @property
    def shape(self) -> Shape:
        """Sizes of the tensor."""
        return tuple(prod(n for n, _ in runs) for runs in self.axes)

    @property
    def is_contiguous(self) -> bool:
        """True if the numbers lie in order, without gaps."""
        return self._merged in ([], [(prod(self.shape), 1)])

    @property
    def _merged(self) -> list[Run]:
        """All runs, neighbours that step evenly made one."""
        merged: list[Run] = []
        for n, step in chain.from_iterable(self.axes):
            if merged and merged[-1][1] == n * step:
                merged[-1] = (merged[-1][0] * n, step)
            else:
                merged.append((n, step))
        return merged

    def permuted(self, dims: Shape) -> "View":
        """Axes in another order."""
        return replace(self, axes=tuple(self.axes[dim] for dim in dims))

    def cut(self, axis: int, start: int, n: int, step: int = 1) -> "View | None":
        """Some places along an axis; None if only a copy can be seen that way."""
        runs = replace(self, axes=(self.axes[axis],))._merged
        if (start, n) == (0, prod(places for places, _ in runs)):
            return self
        if len(runs) > 1:
            return None
        apart = runs[0][1]
        cut = ((n, step * apart),) if n > 1 else ()
        axes = (*self.axes[:axis], cut, *self.axes[axis + 1 :])
        return replace(self, offset=self.offset + start * apart, axes=axes)

    def reshaped(self, shape: Shape) -> "View | None":
        """The same numbers in the same order; None if only a copy can be seen that way."""
        runs = _split(self._merged, _ends(shape))
        return None if runs is None else replace(self, axes=tuple(_grouped(runs, shape)))


def walk(source: View, target: View) -> tuple[Axis, ...]:
    """How to copy: as few axes as will do, the slowest first."""
    runs = [list(chain.from_iterable(view.axes)) for view in (source, target)]
    ends = [_ends(n for n, _ in one) for one in runs]
    split = [_split(one, other) for one, other in zip(runs, reversed(ends), strict=True)]
    assert split[0] is not None
    assert split[1] is not None
    axes: list[Axis] = []
    for (n, from_step), (_, to_step) in zip(*split, strict=True):
        if axes and axes[-1][1:] == (n * from_step, n * to_step):
            axes[-1] = (axes[-1][0] * n, from_step, to_step)
        else:
            axes.append((n, from_step, to_step))
    return tuple(axes)


def _ends(sizes: Iterable[int]) -> set[int]:
    """How many numbers lie behind the start of every axis, that axis included."""
    ends, n = set(), 1
    for size in reversed(tuple(sizes)):
        n *= size
        ends.add(n)
    return ends - {1}


def _split(runs: list[Run], ends: set[int]) -> list[Run] | None:
    """Runs cut so that one starts at each of the ends; None if the ends do not divide them."""
    wanted = sorted({1} | ends | _ends(n for n, _ in runs))
    if any(large % small for small, large in pairwise(wanted)):
        return None
    split: list[Run] = []
    behind = prod(n for n, _ in runs)
    for n, step in runs:
        behind //= n
        inside = [end for end in wanted if behind <= end <= behind * n]
        split += [
            (large // small, step * small // behind)
            for small, large in reversed(list(pairwise(inside)))
        ]
    return split


def _grouped(runs: list[Run], shape: Shape) -> Iterable[tuple[Run, ...]]:
    """Runs dealt out to the axes that they make up."""
    left = list(runs)
    for size in shape:
        taken: list[Run] = []
        while prod(n for n, _ in taken) < size:
            taken.append(left.pop(0))
        yield tuple(taken)
