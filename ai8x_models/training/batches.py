"""What one training step sees, and which examples it is made of."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Batch(Generic[Answer]):
    """N examples.

    Args:
        inputs: (N, ...) float32 in -1..127/128, as the network takes it.
        truth: what should be answered, in the form in which the task's loss takes it.
        mask: (N, 1, H, W) float32 or what broadcasts to it: how much each place of an answer
            counts, from 0, ignored, to 1.
        teacher: what a teacher answered, likewise; None if there is none.
    """

    inputs: Tensor
    truth: Answer
    mask: Tensor
    teacher: Answer | None = None

    def __len__(self) -> int:
        return len(self.inputs)


def map_tensors(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """Change all tensors in a batch, an answer, or whatever else is made of plain containers."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, dict):
        return {key: map_tensors(one, change) for key, one in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):  # named
        return type(value)(*(map_tensors(one, change) for one in value))
    if isinstance(value, tuple | list):
        return type(value)(map_tensors(one, change) for one in value)
    if is_dataclass(value) and not isinstance(value, type):
        names = (one.name for one in fields(value))
        return replace(value, **{name: map_tensors(getattr(value, name), change) for name in names})
    return value


def shuffled_indexes(count: int, size: int, rng: np.random.Generator) -> Iterator[NDArray[np.intp]]:
    """Cut `count` examples into batches of `size`; the rest is left out, for batch norm's sake."""
    order = rng.permutation(count)
    for start in range(0, count - count % size, size):
        yield order[start : start + size]
