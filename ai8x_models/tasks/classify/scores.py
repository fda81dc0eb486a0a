"""How often a network is right, in all and by class, and what it takes for what.

A function of numbers counted; it knows no network. torchmetrics would be another import of seconds
for four formulas.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ai8x_models.tasks.sampled.tables import text_table
from ai8x_models.training.intervals import percent, wilson_interval


@dataclass(frozen=True, slots=True)
class ClassScores:
    """Answers against truths.

    Args:
        classes: their names.
        confusion: (K, K) counts; row: what it is, column: what was answered.
    """

    classes: tuple[str, ...]
    confusion: NDArray[np.int64]

    @classmethod
    def of(
        cls, classes: Sequence[str], truths: NDArray[np.int64], answers: NDArray[np.int64]
    ) -> "ClassScores":
        """Count answers; both arrays are (N,)."""
        n = len(classes)
        counts = np.bincount(truths * n + answers, minlength=n * n)
        return cls(tuple(classes), counts.reshape(n, n).astype(np.int64))

    @property
    def n_examples(self) -> int:
        """How many were answered."""
        return int(self.confusion.sum())

    @property
    def n_right(self) -> int:
        """How many of them rightly."""
        return int(np.trace(self.confusion))

    @property
    def accuracy(self) -> float:
        """Share of right answers."""
        return self.n_right / self.n_examples

    @property
    def interval(self) -> tuple[float, float]:
        """Where the accuracy on further examples of the kind lies, with 95 % confidence."""
        return wilson_interval(self.n_right, self.n_examples)

    @property
    def recall(self) -> tuple[float | None, ...]:
        """Of the examples of a class, the share that was found; None without examples."""
        return _shares(np.diag(self.confusion), self.confusion.sum(axis=1))

    @property
    def precision(self) -> tuple[float | None, ...]:
        """Of the answers with a class, the share that is right; None without answers."""
        return _shares(np.diag(self.confusion), self.confusion.sum(axis=0))

    @property
    def f1(self) -> float:
        """Harmonic mean of recall and precision, averaged over the classes that occur."""
        found = [
            2 * r * p / (r + p) if r and p else 0.0
            for r, p in zip(self.recall, self.precision, strict=True)
            if r is not None
        ]
        return sum(found) / len(found)

    def to_json(self) -> dict[str, object]:
        """Give what `json.dumps` takes."""
        return {
            "n_examples": self.n_examples,
            "accuracy": self.accuracy,
            "accuracy_interval": list(self.interval),
            "f1": self.f1,
            "recall": dict(zip(self.classes, self.recall, strict=True)),
            "precision": dict(zip(self.classes, self.precision, strict=True)),
            "confusion": self.confusion.tolist(),
        }

    @property
    def summary(self) -> str:
        """Accuracy and its interval in words."""
        low, high = self.interval
        return (
            f"{self.n_right} of {self.n_examples} right, {self.accuracy:.1%}"
            f" ({low:.1%} to {high:.1%} with 95 % confidence)"
        )

    def to_text(self) -> str:
        """The confusion matrix as a table, with recall at the ends of the rows."""
        head = ("is, answered", *self.classes, "recall")
        rows = (
            (name, *map(str, counts), percent(recall))
            for name, counts, recall in zip(
                self.classes, self.confusion.tolist(), self.recall, strict=True
            )
        )
        return text_table(head, rows)


def _shares(parts: NDArray[np.int64], wholes: NDArray[np.int64]) -> tuple[float | None, ...]:
    return tuple(
        part / whole if whole else None
        for part, whole in zip(parts.tolist(), wholes.tolist(), strict=True)
    )
