"""A source of samples as its reader gives it: parts, numbers, names. Knows no network.

A reader opens one kind of source; which one is asked, `open.py` decides.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ai8x_models.training.data.form import Raw
from max78000.errors import InputError, UnsupportedError

Indexes = NDArray[np.intp]
Targets = NDArray[Any]
ALL, TRAIN, VALIDATION, TEST = "all", "train", "validation", "test"
SPLITS = (TRAIN, VALIDATION, TEST)
UNKNOWN = "unknown"  # class of all that are not told apart
NO_BOX = -1  # class of a row of boxes that holds none
UNCOUNTED = 255  # pixels of a mask that no score and no loss counts


class Answers(StrEnum):
    """What the targets of samples are."""

    CLASSES = "classes"  # int64 (N,), from 0
    NUMBERS = "numbers"  # float32 (N, n, ...)
    MASKS = "masks"  # uint8 (N, H, W): a class for every pixel, or UNCOUNTED
    BOXES = "boxes"  # float32 (N, M, 5): x0, y0, x1, y1 in shares of the picture, class or NO_BOX
    KEYPOINTS = "keypoints"  # float32 (N, K, 3): x, y in shares, 0 missing, 1 hidden, 2 visible

    def array(self, given: Targets, where: str) -> Targets:
        """Targets in the form above.

        Raises:
            InputError: they are something else.
        """
        shape = "x".join(map(str, given.shape))
        if self is Answers.CLASSES and given.ndim == 2 and given.shape[1] == 1:
            given = given[:, 0]
        if self is Answers.NUMBERS and given.ndim == 1:
            given = given[:, None]
        if not _FITS[self](given):
            why = f"targets are {given.dtype} {shape}, which are no {self}"
            raise InputError(why, where=where, fix=_FIXES[self])
        return given.astype(_TYPES[self])


_TYPES: Mapping[Answers, type[np.generic]] = {
    Answers.CLASSES: np.int64,
    Answers.NUMBERS: np.float32,
    Answers.MASKS: np.uint8,
    Answers.BOXES: np.float32,
    Answers.KEYPOINTS: np.float32,
}
_FITS: Mapping[Answers, Callable[[Targets], bool]] = {
    Answers.CLASSES: lambda given: given.ndim == 1 and given.dtype.kind in "iu",
    Answers.NUMBERS: lambda given: given.dtype.kind in "iuf" and bool(np.isfinite(given).all()),
    Answers.MASKS: lambda given: (
        given.ndim == 3 and given.dtype.kind in "iu" and given.min() >= 0 and given.max() <= 255
    ),
    Answers.BOXES: lambda given: given.shape[2:] == (5,) and given.dtype.kind in "iuf",
    Answers.KEYPOINTS: lambda given: given.shape[2:] == (3,) and given.dtype.kind in "iuf",
}
_FIXES: Mapping[Answers, str] = {
    Answers.CLASSES: "give one class, a whole number from 0, for every sample",
    Answers.NUMBERS: "give finite numbers, equally many for every sample",
    Answers.MASKS: "give a class, 0 to 254, for every pixel, as whole numbers (N, H, W)",
    Answers.BOXES: "give x0, y0, x1, y1 and the class of every box, as numbers (N, M, 5)",
    Answers.KEYPOINTS: "give x, y and visibility of every point, as numbers (N, K, 3)",
}
# Answers that are told by the form of an array alone.
_ARRAYS = frozenset((Answers.CLASSES, Answers.NUMBERS, Answers.MASKS))
# Answers of which numbers are made, whatever names come with them.
_NAMED = frozenset((Answers.BOXES, Answers.KEYPOINTS))


@dataclass(frozen=True, slots=True)
class Part:
    """Samples that belong together, read when they are asked for.

    Args:
        targets: what should be answered, (N, ...), as `Answers` says.
        read: indexes to raw samples (n, ...), all of one shape.
        stamp: gives a text that is another when what is read has changed; None if nothing tells.
    """

    targets: Targets
    read: Callable[[Indexes], Raw]
    stamp: Callable[[], str] | None = None

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
        answers: what the targets are.
        rate: samples a second of recordings; 0 for what is none.
    """

    parts: Mapping[str, Part]
    range: tuple[float, float] | None
    classes: tuple[str, ...] = ()
    layout: str = ""
    answers: Answers = Answers.CLASSES
    rate: int = 0

    def telling_apart(self, words: tuple[str, ...], where: str) -> "Source":
        """The same with these classes, and one more for all others if there are others.

        Raises:
            InputError: it has no such classes.
        """
        missing = [word for word in words if word not in self.classes]
        if missing or self.answers is not Answers.CLASSES:
            why = f"has no class {', '.join(missing)}" if missing else "its answers have no classes"
            nearest = ", ".join(self.classes[:20]) or "none by name"
            raise InputError(why, where=where, fix=f"`data.classes`: it has {nearest}")
        numbers = np.array([words.index(one) if one in words else len(words)
                            for one in self.classes], np.int64)  # fmt: skip
        parts = {
            split: replace(part, targets=numbers[part.targets])
            for split, part in self.parts.items()
        }
        others = (UNKNOWN,) if set(self.classes) - set(words) else ()
        return replace(self, parts=parts, classes=(*words, *others))

    def answering(self, wanted: Answers | None, where: str) -> "Source":
        """The same for a task that needs such answers; None: any will do.

        Arrays without names of classes are what is wanted if they have its form: whole numbers are
        numbers, too, and numbers (N, M, 5) boxes. Boxes and points may come with names.

        Raises:
            UnsupportedError: the source has others.
        """
        if wanted is None or wanted is self.answers:
            return self
        if self.answers in _ARRAYS and (not self.classes or wanted in _NAMED):
            with suppress(InputError):
                parts = {
                    split: replace(part, targets=wanted.array(part.targets, where))
                    for split, part in self.parts.items()
                }
                return replace(self, parts=parts, answers=wanted)
        why = f"its answers are {self.answers}, the task learns {wanted}"
        raise UnsupportedError(why, where=where, fix=_FIXES[wanted])


@dataclass(frozen=True, slots=True)
class Cut:
    """How samples are divided where the source does not say: shares, and a seed for the draw."""

    validation: float
    test: float
    seed: int

    def chosen(self, parts: Mapping[str, Part], split: str, where: str) -> tuple[Part, Indexes]:
        """Part and indexes of a split.

        Without samples for a test, it is that of validation; with a share of 0 for validation, that
        is the test's.

        Raises:
            InputError: a split that is left without samples.
        """
        if split == TEST and TEST not in parts and (ALL not in parts or not self.test):
            split = VALIDATION
        elif split == VALIDATION and VALIDATION not in parts and not self.validation:
            split = TEST
        if split in parts and (split != TRAIN or VALIDATION in parts):
            part, chosen = parts[split], np.arange(len(parts[split]))
        else:
            part = parts.get(ALL) or parts[TRAIN]
            n = len(part)
            n_test = round(n * self.test) if ALL in parts else 0
            n_validation = max(1, round(n * self.validation)) if self.validation else 0
            order = np.random.default_rng(self.seed).permutation(n)
            ends = {TEST: (0, n_test), VALIDATION: (n_test, n_test + n_validation)}
            start, end = ends.get(split, (n_test + n_validation, n))
            chosen = np.sort(order[start:end])
        if not len(chosen):
            why = f"no samples for {split}: {len(part)} in all"
            raise InputError(why, where=where, fix="give more, or other shares")
        return part, chosen


def array_part(inputs: Raw, targets: Targets) -> Part:
    """A part that is in memory."""
    return Part(targets, lambda indexes: inputs[indexes])


def array_source(
    parts: Mapping[str, Part],
    numbers: tuple[float, float] | None,
    classes: tuple[str, ...],
    where: str,
) -> Source:
    """A source whose targets tell what they are: whole numbers are classes, pictures of them masks.

    Args:
        parts: by split.
        numbers: range of the samples, if it is known.
        classes: their names.
        where: the source, for messages.

    Raises:
        InputError: targets of the parts that are of different kinds.
    """
    answers = _answers_of(next(iter(parts.values())).targets)
    settled = {
        split: replace(part, targets=answers.array(part.targets, f"{where} {split}"))
        for split, part in parts.items()
    }
    return Source(settled, numbers, classes, answers=answers)


def _answers_of(targets: Targets) -> Answers:
    if targets.dtype.kind not in "iu":
        return Answers.NUMBERS
    if targets.ndim == 1 or targets.shape[1:] == (1,):
        return Answers.CLASSES
    return Answers.MASKS if targets.ndim == 3 else Answers.NUMBERS
