"""A trained network that tells classes apart, as a function, whatever numbers it computes with.

Evaluation, predictions and comparisons with the accelerator ask networks through this file. What an
example has to become first is the checkpoint's to say.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ai8x_models.checkpoint import Checkpoint, load_checkpoint
from ai8x_models.describe.stored import restored
from ai8x_models.layers.qat import DATA_GRID, WIDE_GRID, Layer, Mode, QatModule
from ai8x_models.tasks.classify.scores import ClassScores
from ai8x_models.training.data.form import InputForm, Int8s, real_numbers
from ai8x_models.training.data.open import Samples, open_samples
from ai8x_models.training.data.plan import DataPlan
from ai8x_models.training.progress import Progress, no_progress
from ai8x_models.zoo.load import channels_last, mode_of
from max78000.errors import InputError, UnsupportedError

NAME = "classification"  # the task
BATCH = 256

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Classifier:
    """A network that answers with a score for every class.

    Args:
        model: of layers of ours.
        form: what an example has to become.
        classes: names of its answers.
    """

    model: nn.Module
    form: InputForm
    classes: tuple[str, ...]

    @classmethod
    def load(cls, path: Path, word: str = "") -> "Classifier":
        """Take the network of a checkpoint.

        Args:
            path: of any stage.
            word: where the model is now, if its file has moved.

        Raises:
            InputError: the file is missing, damaged, or does not fit its network.
            UnsupportedError: the checkpoint was not made by training for classes.
        """
        checkpoint = load_checkpoint(path)
        form, classes = checkpoint.extras.get("input"), checkpoint.extras.get("classes")
        if not form or not classes:
            raise not_trained_here(path)
        model = channels_last(restored(checkpoint, str(path), word))
        return cls(model, InputForm.from_json(form), tuple(classes))

    @property
    def mode(self) -> Mode:
        """The numbers it computes with."""
        return mode_of(self.model)

    def answers(self, inputs: Int8s) -> Tensor:
        """Signed bytes (N, *shape) -> what the network says, (N, K): real numbers, or integers."""
        x = real_numbers(inputs)
        if self.mode is Mode.INTEGER:
            x = x * DATA_GRID.one
        was_training = self.model.training
        with torch.no_grad():
            answer: Tensor = self.model.eval()(x).flatten(1)
        self.model.train(was_training)
        if answer.shape[1] != len(self.classes):
            why = f"gives {answer.shape[1]} scores for {len(self.classes)} classes"
            fix = f"let its last layer have {len(self.classes)} outputs"
            raise InputError(why, where=type(self.model).__name__, fix=fix)
        return answer

    def scores(self, inputs: Int8s) -> Floats:
        """Signed bytes (N, *shape) -> scores (N, K) as real numbers, as before a soft-max."""
        answer = self.answers(inputs)
        if self.mode is not Mode.INTEGER:
            return np.asarray(answer.double())
        one = WIDE_GRID.one if answer.dtype is torch.int32 else DATA_GRID.one
        return np.asarray(_unloaded(self.model, answer).double()) / one

    def probabilities(self, inputs: Int8s) -> Floats:
        """Signed bytes (N, *shape) -> (N, K), each row summing to 1."""
        scores = self.scores(inputs)
        powers: Floats = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares: Floats = powers / powers.sum(axis=1, keepdims=True)
        return shares

    def scores_on(self, samples: Samples, progress: Progress = no_progress) -> ClassScores:
        """Count right answers; where two classes have the same score, the first one is said."""
        said = []
        for part in _parts(len(samples)):
            said.append(self.scores(samples.inputs[part]).argmax(axis=1))
            progress(part.stop, len(samples))
        return ClassScores.of(self.classes, samples.targets, np.concatenate(said))


def stored_samples(checkpoint: Checkpoint, split: str, where: Path, source: str = "") -> Samples:
    """Open the data that a checkpoint was trained on.

    Args:
        checkpoint: of any stage.
        split: `train`, `validation` or `test`.
        where: its file, for messages.
        source: other data of the same kind; empty for its own.

    Raises:
        InputError: the source is not there.
        UnsupportedError: the checkpoint does not say what it was trained on.
    """
    stored, form = checkpoint.extras.get("source"), checkpoint.extras.get("input")
    if not stored or not form:
        raise not_trained_here(where)
    values: dict[str, Any] = {
        name: tuple(one) if isinstance(one, list) else one for name, one in stored.items()
    }
    if source:
        values["source"] = source
    return open_samples(DataPlan(**values), split, tuple(form["shape"]))


def not_trained_here(path: Path) -> UnsupportedError:
    """Why a checkpoint without its data cannot be asked."""
    why = "does not say what its input and its classes are"
    fix = "name a checkpoint that `ai8x train` wrote for classification, or its integers"
    return UnsupportedError(why, where=str(path), fix=fix)


def _parts(count: int) -> Iterator[slice]:
    return (slice(start, min(start + BATCH, count)) for start in range(0, count, BATCH))


def _unloaded(model: nn.Module, answer: Tensor) -> Tensor:
    """What software makes of integer answers: the final scale of the layer that gave them."""
    heads = [layer for layer in model.modules() if isinstance(layer, Layer)]
    head = next((one for one in reversed(heads) if isinstance(one, QatModule)), None)
    return answer if head is None else head.unloaded(answer)
