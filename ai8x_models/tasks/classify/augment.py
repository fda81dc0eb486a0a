"""Small changes of pictures and signals, drawn from a generator: signed bytes in, signed bytes out.

What moves in from outside repeats the border.
"""

import numpy as np

from ai8x_models.layers.qat import DATA_GRID
from ai8x_models.tasks.classify.recipe import AugmentPlan
from ai8x_models.training.data.form import Int8s


def augmented(inputs: Int8s, plan: AugmentPlan, rng: np.random.Generator) -> Int8s:
    """Change every example of a batch (N, C, H, W) or (N, C, L) by itself; a new array."""
    n = len(inputs)
    if plan.flip:
        inputs = inputs.copy()
        mirrored = rng.random(n) < 0.5
        inputs[mirrored] = inputs[mirrored, ..., ::-1]
    if plan.shift:
        inputs = _shifted(inputs, plan.shift, rng)
    if plan.noise or plan.brightness:
        change = rng.normal(0, plan.noise * DATA_GRID.one, inputs.shape) if plan.noise else 0
        reach = plan.brightness * DATA_GRID.one
        level = rng.uniform(-reach, reach, (n, *(1 for _ in inputs.shape[1:]))) if reach else 0
        changed = np.round(inputs + change + level).clip(DATA_GRID.low, DATA_GRID.high)
        inputs = changed.astype(np.int8)
    return inputs


def _shifted(inputs: Int8s, reach: int, rng: np.random.Generator) -> Int8s:
    sizes = inputs.shape[2:]
    offsets = rng.integers(-reach, reach, (len(inputs), len(sizes)), endpoint=True)
    result = np.empty_like(inputs)
    for index, offset in enumerate(offsets.tolist()):
        places = (
            np.clip(np.arange(size) - step, 0, size - 1)
            for size, step in zip(sizes, offset, strict=True)
        )
        result[index] = inputs[index][:, *np.ix_(*places)]
    return result
