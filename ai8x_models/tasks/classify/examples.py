"""Labelled examples in memory, and the batches of an epoch."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from ai8x_models.tasks.classify.augment import augmented
from ai8x_models.tasks.classify.recipe import AugmentPlan
from ai8x_models.training.batches import Batch, shuffled_indexes
from ai8x_models.training.data.form import InputForm, real_numbers
from ai8x_models.training.data.open import Samples
from ai8x_models.training.logs import Console

BATCH = 256  # where nothing is learned
_COUNTS = torch.ones(1)  # every example counts whole


@dataclass(frozen=True, slots=True)
class ClassExamples:
    """One split.

    Args:
        samples: inputs as signed bytes, and their classes.
        teacher: a teacher's scores (N, K), of the examples as they are.
    """

    samples: Samples
    teacher: Tensor | None = None

    @property
    def form(self) -> InputForm:
        """How the inputs were made."""
        return self.samples.form

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes."""
        return self.samples.classes

    def __len__(self) -> int:
        return len(self.samples)

    def with_teacher(self, teacher: nn.Module, checkpoint: Path, console: Console) -> Self:
        """Add a teacher's scores; augmented examples are taught what the teacher said of them."""
        with console.progress(f"asking {checkpoint}") as progress, torch.no_grad():
            scores = []
            for batch in self.in_order(BATCH):
                scores.append(teacher.eval()(batch.inputs).flatten(1))
                progress(min(len(scores) * BATCH, len(self)), len(self))
        return replace(self, teacher=torch.cat(scores))

    def in_order(self, size: int) -> Iterator[Batch[Tensor]]:
        """Yield all examples as they are."""
        targets = torch.from_numpy(self.samples.targets)
        for start in range(0, len(self), size):
            part = slice(start, start + size)
            yield Batch(real_numbers(self.samples.inputs[part]), targets[part], _COUNTS)

    def shuffled(
        self, size: int, seed: int, epoch: int, augment: AugmentPlan
    ) -> Iterator[Batch[Tensor]]:
        """Yield the batches of one epoch of training: a function of the arguments alone."""
        rng = np.random.default_rng((seed, epoch))
        targets = torch.from_numpy(self.samples.targets)
        for index in shuffled_indexes(len(self), size, rng):
            inputs = real_numbers(augmented(self.samples.inputs[index], augment, rng))
            teacher = None if self.teacher is None else self.teacher[index]
            yield Batch(inputs, targets[index], _COUNTS, teacher)
