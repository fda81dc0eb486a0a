"""What the answers of a network mean: the one thing that tasks have each of their own.

A network answers with real numbers. For the loss, targets become what it compares them with
(`truth`); for scores and for people, numbers become an answer (`decode`) in the form of the
targets: shares of classes, a mask, boxes, numbers in the units of the source. Checkpoints keep the
form, as they keep the `InputForm`, so that every verb asks a network in the same way.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image
from torch import Tensor

from ai8x_models.tasks.sampled.augment import Move
from ai8x_models.training.data.form import Raw
from ai8x_models.training.data.open import Samples, open_samples
from ai8x_models.training.data.plan import DataPlan
from ai8x_models.training.data.source import Answers
from ai8x_models.training.progress import Progress, no_progress
from ai8x_models.zoo.registry import Shape

Drawing = Callable[[Image], Image]  # puts something on a picture of any size; a new picture
Outputs = tuple[NDArray[np.float64], ...]  # one (N, ...) for every output of the network


class Scores(Protocol):
    """How good the answers on a split are."""

    @property
    def summary(self) -> str:
        """The most important of them in words, one line."""

    def to_json(self) -> dict[str, Any]:
        """Give what `json.dumps` takes; among it the task's `shown_scores`."""

    def to_text(self) -> str:
        """Tables for a terminal; empty for none."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One answer as `predict` shows it.

    Args:
        text: one line.
        data: the same for programs, as `json.dumps` takes it.
        draw: puts it on the picture that was asked about, of any size; None if it has no place.
    """

    text: str
    data: Mapping[str, Any]
    draw: Drawing | None = None


class AnswerForm(ABC):
    """What answers mean, for one network."""

    kind: ClassVar[Answers]  # what the targets are
    keeps_scale: ClassVar[bool] = False  # what the network says are numbers, not shares or ranks

    @classmethod
    def opened(
        cls,
        plan: DataPlan,
        split: str,
        shape: Shape | None,
        progress: Progress = no_progress,
    ) -> Samples:
        """Open the samples of a split.

        Args:
            plan: the recipe's section `data`.
            split: `train`, `validation` or `test`.
            shape: of the network's input, if it is known and the plan does not say it.
            progress: shows how far reading is.

        Raises:
            InputError: no such source, or one that the network cannot take.
            UnsupportedError: its targets are not of this kind.
        """
        return open_samples(plan, split, shape, cls.kind, progress)

    @classmethod
    @abstractmethod
    def settled(cls, recipe: Any, samples: Samples) -> Self:
        """What is to be answered, by a recipe and the samples of a split; equal for every split."""

    @abstractmethod
    def to_extras(self) -> dict[str, Any]:
        """Plain data, for checkpoints: entries beside `task`, `input` and `source`."""

    @classmethod
    @abstractmethod
    def from_extras(cls, extras: Mapping[str, Any]) -> Self:
        """What `to_extras` wrote, among other entries, after a file.

        Raises:
            KeyError: the entries are not there.
        """

    @abstractmethod
    def truth(self, targets: Raw) -> Tensor:
        """Targets (N, ...) as the task's loss takes them."""

    def moved(self, target: Raw, move: Move) -> Raw:
        """The target of an example whose pixels have moved; as it was if it names no places."""
        return target

    @property
    def has_places(self) -> bool:
        """True if targets, and what a teacher says, move with the pixels."""
        return False

    @abstractmethod
    def decode(self, outputs: Outputs) -> Raw:
        """What the network says -> answers (N, ...).

        Raises:
            InputError: a network of other outputs than the answers need.
        """

    @abstractmethod
    def score(self, answers: Raw, targets: Raw) -> Scores:
        """Compare all answers of a split with its targets."""

    def errors(self, answers: Raw, targets: Raw) -> NDArray[np.float64] | None:
        """How wrong each answer is, (N,), to find the worst; None if the task does not say."""
        return None

    def figures(self, answers: Raw, targets: Raw) -> Sequence[tuple[str, str]]:
        """What a report shows of the answers: a title, and SVG or a table in HTML."""
        return ()

    def draw_target(self, target: Raw) -> Drawing | None:
        """Puts what should be answered on its picture; None if it has no place there."""
        return None

    @abstractmethod
    def show(self, answer: Raw) -> Shown:
        """One answer, for people."""

    @abstractmethod
    def name_of(self, target: Raw) -> str:
        """One target in a few words."""
