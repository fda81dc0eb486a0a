"""Examples in memory, and the batches of an epoch."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ai8x_models.tasks.sampled.answer import AnswerForm
from ai8x_models.tasks.sampled.augment import augmented
from ai8x_models.tasks.sampled.recipe import AugmentPlan
from ai8x_models.training.ahead import made_ahead
from ai8x_models.training.batches import Batch, shuffled_indexes
from ai8x_models.training.data.form import real_numbers
from ai8x_models.training.data.open import Samples
from ai8x_models.training.logs import Console
from max78000.errors import InputError

BATCH = 256  # where nothing is learned
Said = Tensor | tuple[Tensor, ...]  # what networks answer: one output, or several
_COUNTS = torch.ones(1)  # every example counts whole


@dataclass(frozen=True, slots=True)
class SampledExamples:
    """One split.

    Args:
        samples: inputs as signed bytes, and their targets.
        answer: what is to be answered.
        teacher: a teacher's answers, (N, ...) or several of them, of the examples as they are.
        n_threads: that make batches of an epoch ahead.
    """

    samples: Samples
    answer: AnswerForm
    teacher: Said | None = None
    n_threads: int = 0

    def __len__(self) -> int:
        return len(self.samples)

    def with_teacher(self, teacher: nn.Module, checkpoint: Path, console: Console) -> Self:
        """Add a teacher's answers; augmented examples are taught what the teacher said of them."""
        with console.progress(f"asking {checkpoint}") as progress, torch.no_grad():
            answers = []
            for batch in self.in_order(BATCH):
                answers.append(teacher.eval()(batch.inputs))
                progress(min(len(answers) * BATCH, len(self)), len(self))
        parts = [one if isinstance(one, tuple) else (one,) for one in answers]
        together = tuple(torch.cat(outputs) for outputs in zip(*parts, strict=True))
        return replace(self, teacher=together if len(together) > 1 else together[0])

    def in_order(self, size: int) -> Iterator[Batch[Said]]:
        """Yield all examples as they are."""
        for start in range(0, len(self), size):
            part = slice(start, start + size)
            truth = self.answer.truth(self.samples.targets[part])
            yield Batch(real_numbers(self.samples.inputs[part]), truth, _COUNTS)

    def shuffled(
        self, size: int, seed: int, epoch: int, augment: AugmentPlan
    ) -> Iterator[Batch[Said]]:
        """Give the batches of one epoch of training: a function of the arguments alone."""
        rng = np.random.default_rng((seed, epoch))
        return made_ahead(
            lambda indexes: self.batch(indexes, seed, epoch, augment),
            shuffled_indexes(len(self), size, rng),
            self.n_threads,
        )

    def batch(
        self, indexes: NDArray[np.intp], seed: int, epoch: int, augment: AugmentPlan
    ) -> Batch[Said]:
        """Make a batch of some examples, augmented.

        An example is changed by a generator of its own, made for (seed, epoch, index): it is the
        same in any batch, made by any process.
        """
        if self.teacher is not None and augment.moves and self.answer.has_places:
            why = "a teacher's answers say where things are, and do not move with the pixels"
            raise InputError(why, where="augment", fix="leave `shift` and `flip` out")
        inputs, targets = self.samples.inputs[indexes], self.samples.targets[indexes]
        if augment.changes:
            changed = []
            for place, index in enumerate(indexes.tolist()):
                rng = np.random.default_rng((seed, epoch, index))
                inputs[place], move = augmented(inputs[place], augment, rng)
                changed.append(self.answer.moved(targets[place], move))
            targets = np.stack(changed)
        teacher = self.teacher
        if isinstance(teacher, tuple):
            teacher = tuple(one[indexes] for one in teacher)
        elif teacher is not None:
            teacher = teacher[indexes]
        return Batch(real_numbers(inputs), self.answer.truth(targets), _COUNTS, teacher)
