"""Small changes of pictures and signals, drawn from a generator: signed bytes in, signed bytes out.

What moves in from outside repeats the border. Where things are in an example, its target may say,
too: `Move` tells what has to happen to it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ai8x_models.layers.qat import DATA_GRID
from ai8x_models.tasks.sampled.recipe import AugmentPlan
from ai8x_models.training.data.form import Int8s


@dataclass(frozen=True, slots=True)
class Move:
    """Where the pixels of one example went: mirrored first, then scaled, then shifted.

    Args:
        is_mirrored: left to right; or a signal backwards.
        offset: pixels down and to the right, or steps onwards.
        size: of the example: (H, W) or (L,).
        scale: how much larger it has become, from its middle.
    """

    is_mirrored: bool
    offset: tuple[int, ...]
    size: tuple[int, ...]
    scale: float = 1.0

    def of(self, places: NDArray[Any]) -> NDArray[Any]:
        """Move something that has a value for every place, (..., *size): the nearest one."""
        if self.is_mirrored:
            places = places[..., ::-1]
        if any(self.offset) or self.scale != 1:
            pairs = zip(self.size, self.offset, strict=True)
            sources: tuple[Any, ...] = np.ix_(*(self._sources(*pair) for pair in pairs))
            places = places[(..., *sources)]
        return places

    def of_points(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Move points of a picture, (..., 2): x, y as shares of it; they may leave it."""
        x, y = points[..., 0], points[..., 1]
        if self.is_mirrored:
            x = 1 - x
        height, width = self.size
        down, right = self.offset
        x = (x - 0.5) * self.scale + 0.5 + right / width
        y = (y - 0.5) * self.scale + 0.5 + down / height
        return np.stack((x, y), axis=-1)

    def _sources(self, size: int, step: int) -> NDArray[np.intp]:
        """From which row, or column, each one comes."""
        middles = np.arange(size) + 0.5 - step - size / 2
        sources: NDArray[np.intp] = np.floor(middles / self.scale + size / 2).astype(np.intp)
        return sources.clip(0, size - 1)


def augmented(sample: Int8s, plan: AugmentPlan, rng: np.random.Generator) -> tuple[Int8s, Move]:
    """Change one example (C, H, W) or (C, L); a new array, and where its pixels went."""
    size = sample.shape[1:]
    is_mirrored = plan.flip and rng.random() < 0.5
    offset = rng.integers(-plan.shift, plan.shift, len(size), endpoint=True).tolist()
    scale = rng.uniform(1 - plan.scale, 1 + plan.scale) if plan.scale else 1.0
    move = Move(is_mirrored, tuple(offset), size, scale)
    sample = move.of(sample)
    if plan.noise or plan.brightness:
        change = rng.normal(0, plan.noise, sample.shape) if plan.noise else 0.0
        level = rng.uniform(-plan.brightness, plan.brightness) if plan.brightness else 0.0
        changed = np.round(sample + (change + level) * DATA_GRID.one)
        sample = changed.clip(DATA_GRID.low, DATA_GRID.high).astype(np.int8)
    if plan.blank:
        sample = sample.copy()
        sample[(slice(None), *_field(size, plan.blank, rng))] = 0
    return sample, move


def _field(size: tuple[int, ...], widest: int, rng: np.random.Generator) -> tuple[slice, ...]:
    """A stretch of each axis, of any width up to `widest` and anywhere.

    After DeVries and Taylor, Cutout, 2017; of signals it is the time mask of Park et al.,
    SpecAugment, 2019.
    """
    widths = [int(rng.integers(0, min(widest, side), endpoint=True)) for side in size]
    starts = [
        int(rng.integers(0, side - width, endpoint=True))
        for side, width in zip(size, widths, strict=True)
    ]
    return tuple(slice(start, start + width) for start, width in zip(starts, widths, strict=True))
