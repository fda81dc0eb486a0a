"""What one training step sees, and which examples it is made of."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

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


def shuffled_indexes(count: int, size: int, rng: np.random.Generator) -> Iterator[NDArray[np.intp]]:
    """Cut `count` examples into batches of `size`; the rest is left out, for batch norm's sake."""
    order = rng.permutation(count)
    for start in range(0, count - count % size, size):
        yield order[start : start + size]
