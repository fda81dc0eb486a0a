"""A trained network as a function, whatever numbers it computes with.

Scores, predictions and comparisons with the accelerator ask networks through this file. What an
example has to become first, and what the answers mean, is the checkpoint's to say.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from ai8x_models.layers.qat import DATA_GRID, Mode
from ai8x_models.tasks.sampled.answer import AnswerForm, Outputs
from ai8x_models.tasks.sampled.ends import Ends, real_numbers_of
from ai8x_models.training.data.form import InputForm, Int8s, Raw, real_numbers
from ai8x_models.training.data.open import Samples
from ai8x_models.training.progress import Progress, no_progress
from ai8x_models.zoo.load import mode_of
from max78000.errors import InputError

BATCH = 256


@dataclass(frozen=True)
class TrainedNetwork:
    """A network, and what goes in and comes out.

    Args:
        model: of layers of ours.
        form: what an example has to become.
        answer: what its answers mean.
    """

    model: nn.Module
    form: InputForm
    answer: AnswerForm

    @property
    def mode(self) -> Mode:
        """The numbers it computes with."""
        return mode_of(self.model)

    def raw(self, inputs: Int8s) -> tuple[Tensor, ...]:
        """Signed bytes (N, *shape) -> every output (N, ...) as it is: real numbers, or integers."""
        x = real_numbers(inputs)
        if self.mode is Mode.INTEGER:
            x = x * DATA_GRID.one
        was_training = self.model.training
        with torch.no_grad():
            found: Tensor | tuple[Tensor, ...] = self.model.eval()(x)
        self.model.train(was_training)
        return (found,) if isinstance(found, Tensor) else tuple(found)

    def outputs(self, inputs: Int8s) -> Outputs:
        """Signed bytes (N, *shape) -> every output (N, ...) as real numbers."""
        if self.mode is not Mode.INTEGER:
            return tuple(np.asarray(one.double()) for one in self.raw(inputs))
        with self.ends.made_real():
            found = self.raw(inputs)
        return tuple(np.asarray(real_numbers_of(one)) for one in found)

    def end_results(self, inputs: Int8s) -> dict[str, Tensor]:
        """Signed bytes (N, *shape) -> results (N, ...) of the last layers, by their names."""
        with self.ends.kept() as found:
            self.raw(inputs)
        return found

    @cached_property
    def ends(self) -> Ends:
        """The layers whose results the accelerator gives."""
        return Ends.of(self.model, self.form.shape)

    def answers(self, inputs: Int8s) -> Raw:
        """Signed bytes (N, *shape) -> answers (N, ...), in the form of the task.

        Raises:
            InputError: the network's outputs are not those that the answers need.
        """
        try:
            return self.answer.decode(self.outputs(inputs))
        except InputError as problem:
            problem.where = problem.where or type(self.model).__name__
            raise

    def answers_on(self, samples: Samples, progress: Progress = no_progress) -> Raw:
        """Answers for all examples of a split, in their order."""
        answers = []
        for part in _parts(len(samples)):
            answers.append(self.answers(samples.inputs[part]))
            progress(part.stop, len(samples))
        return np.concatenate(answers)


def _parts(count: int) -> Iterator[slice]:
    return (slice(start, min(start + BATCH, count)) for start in range(0, count, BATCH))
