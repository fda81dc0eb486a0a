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
    """Where the pixels of one example went: mirrored first, then shifted.

    Args:
        is_mirrored: left to right; or a signal backwards.
        offset: pixels down and to the right, or steps onwards.
        size: of the example: (H, W) or (L,).
    """

    is_mirrored: bool
    offset: tuple[int, ...]
    size: tuple[int, ...]

    def of(self, places: NDArray[Any]) -> NDArray[Any]:
        """Move something that has a value for every place, (..., *size)."""
        if self.is_mirrored:
            places = places[..., ::-1]
        for axis, step in enumerate(self.offset, -len(self.offset)):
            if step:
                sources = np.clip(np.arange(self.size[axis]) - step, 0, self.size[axis] - 1)
                places = places.take(sources, axis)
        return places


def augmented(sample: Int8s, plan: AugmentPlan, rng: np.random.Generator) -> tuple[Int8s, Move]:
    """Change one example (C, H, W) or (C, L); a new array, and where its pixels went."""
    size = sample.shape[1:]
    is_mirrored = plan.flip and rng.random() < 0.5
    offset = rng.integers(-plan.shift, plan.shift, len(size), endpoint=True).tolist()
    move = Move(is_mirrored, tuple(offset), size)
    sample = move.of(sample)
    if plan.noise or plan.brightness:
        change = rng.normal(0, plan.noise, sample.shape) if plan.noise else 0.0
        level = rng.uniform(-plan.brightness, plan.brightness) if plan.brightness else 0.0
        changed = np.round(sample + (change + level) * DATA_GRID.one)
        sample = changed.clip(DATA_GRID.low, DATA_GRID.high).astype(np.int8)
    return sample, move
