"""A source of samples as its reader gives it: parts, numbers, names. Knows no network.

A reader opens one kind of source; which one is asked, `open.py` decides.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ai8x_models.training.data.form import Raw
from max78000.errors import InputError

Indexes = NDArray[np.intp]
ALL, TRAIN, VALIDATION, TEST = "all", "train", "validation", "test"
SPLITS = (TRAIN, VALIDATION, TEST)


@dataclass(frozen=True, slots=True)
class Part:
    """Samples that belong together, read when they are asked for.

    Args:
        targets: what should be answered, (N, ...).
        read: indexes to raw samples (n, ...), all of one shape.
    """

    targets: NDArray[np.int64]
    read: Callable[[Indexes], Raw]

    def __len__(self) -> int:
        return len(self.targets)


@dataclass(frozen=True, slots=True)
class Source:
    """What a reader found.

    Args:
        parts: `all`; or `train` and what else there is of `validation` and `test`.
        range: lowest and highest number that a sample can have; None if it is to be looked for.
        classes: names of the classes; empty if they have none.
        layout: axes of a sample; empty if its shape has to tell.
    """

    parts: Mapping[str, Part]
    range: tuple[float, float] | None
    classes: tuple[str, ...] = ()
    layout: str = ""


@dataclass(frozen=True, slots=True)
class Cut:
    """How samples are divided where the source does not say: shares, and a seed for the draw."""

    validation: float
    test: float
    seed: int

    def chosen(self, parts: Mapping[str, Part], split: str, where: str) -> tuple[Part, Indexes]:
        """Part and indexes of a split. Without samples for a test, it is that of validation.

        Raises:
            InputError: a split that is left without samples.
        """
        if split == TEST and TEST not in parts and (ALL not in parts or not self.test):
            split = VALIDATION
        if split in parts and (split != TRAIN or VALIDATION in parts):
            part, chosen = parts[split], np.arange(len(parts[split]))
        else:
            part = parts.get(ALL) or parts[TRAIN]
            n = len(part)
            n_test = round(n * self.test) if ALL in parts else 0
            n_validation = max(1, round(n * self.validation))
            order = np.random.default_rng(self.seed).permutation(n)
            ends = {TEST: (0, n_test), VALIDATION: (n_test, n_test + n_validation)}
            start, end = ends.get(split, (n_test + n_validation, n))
            chosen = np.sort(order[start:end])
        if not len(chosen):
            why = f"no samples for {split}: {len(part)} in all"
            raise InputError(why, where=where, fix="give more, or other shares")
        return part, chosen


def array_part(inputs: Raw, targets: Raw) -> Part:
    """A part that is in memory."""
    return Part(targets.astype(np.int64), lambda indexes: inputs[indexes])
