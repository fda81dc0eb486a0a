"""What a run minimises: the loss that a task defines, as the objective that the loop calls.

An objective is a module called with (model, batch, share of the run done). It returns named terms;
the one called `loss` is differentiated, the others are logged. `Objective` learns from the truth
alone; `distillation.py` has the one that learns from a teacher, too.
"""

from abc import abstractmethod
from collections.abc import Mapping
from functools import reduce
from operator import add
from typing import Any, Generic, TypeVar

from torch import Tensor, nn

from ai8x_models.training.batches import Batch

Answer = TypeVar("Answer")
Terms = dict[str, Tensor]


class Loss(nn.Module, Generic[Answer]):
    """How wrong an answer is, in named terms whose sum is the loss: what a task defines."""

    def mixed(self, batch: Batch[Answer], _seed: tuple[int, ...]) -> Batch[Answer]:
        """The batch to learn from: this one, or mixtures of its examples, drawn by the seed."""
        return batch

    @abstractmethod
    def to_truth(self, answer: Answer, batch: Batch[Answer]) -> Terms:
        """Compare with `batch.truth`."""

    @abstractmethod
    def to_teacher(self, answer: Answer, batch: Batch[Answer]) -> Terms:
        """Compare with `batch.teacher`, which is there."""


class Objective(nn.Module):
    """Learn from the truth."""

    def __init__(self, loss: Loss[Any]) -> None:
        super().__init__()
        self._measure = loss

    def forward(self, model: nn.Module, batch: Batch[Any], done: float) -> Terms:
        """Return the terms of this batch; `done` runs from 0 to 1 over the whole run."""
        terms = self._measure.to_truth(model(batch.inputs), batch)
        return {"loss": total(terms)} | terms


def total(terms: Mapping[str, Tensor]) -> Tensor:
    """Sum of all terms."""
    return reduce(add, terms.values())
