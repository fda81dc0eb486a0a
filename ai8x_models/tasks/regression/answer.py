"""What the answers of a network that gives numbers mean: numbers in the units of the source.

The chip answers with -1 to nearly 1; a target's range becomes that, as an input's does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ai8x_models.layers.qat import DATA_GRID
from ai8x_models.tasks.regression.figures import number_figures
from ai8x_models.tasks.regression.recipe import INPUT, NumbersPlan, RegressionRecipe
from ai8x_models.tasks.regression.scores import NumberScores
from ai8x_models.tasks.sampled.answer import AnswerForm, Drawing, Outputs, Shown
from ai8x_models.tasks.sampled.augment import Move
from ai8x_models.training.data.form import N_STEPS, Raw
from ai8x_models.training.data.open import Samples, open_samples
from ai8x_models.training.data.plan import DataPlan
from ai8x_models.training.data.source import Answers
from ai8x_models.training.progress import Progress, no_progress
from ai8x_models.zoo.registry import Shape
from max78000.errors import InputError

N_SHOWN = 6
_GREY, _COLOUR = 1, 3  # channels of pictures


@dataclass(frozen=True, slots=True)
class Numbers(AnswerForm):
    """Numbers v; the network says (v - zero) / (128 * step).

    Args:
        shape: of one target.
        zero: number of the source that the network says as 0; one, or one for every channel.
        step: number of the source that is 1/128 in the network.
        is_input: the target is the input, with the channels first.
    """

    shape: tuple[int, ...]
    zero: tuple[float, ...]
    step: float
    is_input: bool

    kind = Answers.NUMBERS
    keeps_scale = True

    @classmethod
    def opened(
        cls,
        plan: DataPlan,
        split: str,
        shape: Shape | None,
        progress: Progress = no_progress,
    ) -> Samples:
        """Open a split; with the inputs as targets if the plan says so."""
        if not (isinstance(plan, NumbersPlan) and plan.target == INPUT):
            return open_samples(plan, split, shape, cls.kind, progress)
        samples = open_samples(plan, split, shape, None, progress)
        targets = samples.form.numbers(samples.inputs)
        return replace(samples, targets=targets, answers=cls.kind, training_targets=None)

    @classmethod
    def settled(cls, recipe: RegressionRecipe, samples: Samples) -> Self:
        """In the range that the recipe says, or the training targets have."""
        shape, plan, form = samples.targets.shape[1:], recipe.data, samples.form
        if plan.target == INPUT:
            return cls(shape, tuple(form.zero.ravel().tolist()), form.step, is_input=True)
        seen = samples.targets if samples.training_targets is None else samples.training_targets
        low, high = plan.target_range or (float(seen.min()), float(seen.max()))
        if not low < high:
            why = f"all targets are {low:g}: there is nothing to learn"
            raise InputError(why, where=plan.source, fix="give `data.target_range`, or other data")
        step = (high - low) / N_STEPS
        return cls(shape, (low - DATA_GRID.low * step,), step, is_input=False)

    def to_extras(self) -> dict[str, Any]:
        """One entry."""
        target = {"shape": self.shape, "zero": self.zero, "step": self.step}
        return {"target": target | {"is_input": self.is_input}}

    @classmethod
    def from_extras(cls, extras: Mapping[str, Any]) -> Self:
        """What `to_extras` wrote, after a file."""
        target = extras["target"]
        zero = tuple(map(float, target["zero"]))
        return cls(tuple(target["shape"]), zero, target["step"], target["is_input"])

    def truth(self, targets: Raw) -> Tensor:
        """Targets as the network says them, float32."""
        said = (targets - self._zero) / (self.step * DATA_GRID.one)
        return torch.from_numpy(said.astype(np.float32))

    def moved(self, target: Raw, move: Move) -> Raw:
        """An input moves with itself, other numbers do not."""
        return move.of(target) if self.is_input else target

    def decode(self, outputs: Outputs) -> NDArray[np.float64]:
        """All numbers of all outputs, in the targets' shape and units."""
        said = np.concatenate([one.reshape(len(one), -1) for one in outputs], axis=1)
        n_wanted = int(np.prod(self.shape))
        if said.shape[1] != n_wanted:
            why = f"gives {said.shape[1]} numbers, a target has {n_wanted}"
            raise InputError(why, fix=f"let its last layer give {n_wanted}")
        numbers: NDArray[np.float64] = said.reshape(-1, *self.shape) * (self.step * DATA_GRID.one)
        return numbers + self._zero

    def score(self, answers: Raw, targets: Raw) -> NumberScores:
        """Errors in the units of the source."""
        said, wanted = (one.reshape(len(one), -1).astype(np.float64) for one in (answers, targets))
        return NumberScores(said, wanted, N_STEPS * self.step if self._is_picture else 0.0)

    def errors(self, answers: Raw, targets: Raw) -> NDArray[np.float64]:
        """Root of the mean squared error of each example."""
        return self.score(answers, targets).errors

    def figures(self, answers: Raw, targets: Raw) -> Sequence[tuple[str, str]]:
        """Answers over targets, and how errors are spread."""
        return number_figures(self.score(answers, targets))

    def show(self, answer: Raw) -> Shown:
        """The numbers, or how many and from where to where; and the picture, if it is one."""
        draw = self._drawn(answer) if self._is_picture else None
        return Shown(_words(answer), {"numbers": answer.tolist()}, draw)

    def name_of(self, target: Raw) -> str:
        """The numbers."""
        return _words(target)

    @property
    def has_places(self) -> bool:
        """True if targets move with the pixels."""
        return self.is_input

    @property
    def _is_picture(self) -> bool:
        return self.is_input and len(self.shape) == 3 and self.shape[0] in (_GREY, _COLOUR)

    @property
    def _zero(self) -> NDArray[np.float64]:
        """To subtract from targets; one for every channel stands before their other axes."""
        return np.reshape(self.zero, (-1, *(1 for _ in self.shape[1:])) if self.is_input else -1)

    def _drawn(self, answer: Raw) -> Drawing:
        """Puts what the network gives back in the place of a picture."""
        bytes_ = (answer - self._zero) / self.step - DATA_GRID.low
        pixels = np.round(bytes_).clip(0, N_STEPS).astype(np.uint8).transpose(1, 2, 0)
        restored = Image.fromarray(np.repeat(pixels, _COLOUR // pixels.shape[2], axis=2))
        return lambda picture: restored.resize(picture.size, Image.Resampling.NEAREST)


def _words(numbers: Raw) -> str:
    flat = np.ravel(numbers)
    if len(flat) <= N_SHOWN:
        return ", ".join(f"{number:.4g}" for number in flat)
    return f"{len(flat)} numbers from {flat.min():.4g} to {flat.max():.4g}"
