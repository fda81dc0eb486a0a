"""What the answers of a network that tells classes apart mean: a share for every class."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ai8x_models.tasks.classify.calibration import Calibration
from ai8x_models.tasks.classify.figures import class_table, reliability_picture
from ai8x_models.tasks.classify.recipe import ClassifyRecipe
from ai8x_models.tasks.classify.scores import ClassScores
from ai8x_models.tasks.sampled.answer import AnswerForm, Outputs, Shown
from ai8x_models.tasks.sampled.confusion import confusion_picture
from ai8x_models.training.data.form import Raw
from ai8x_models.training.data.open import Samples
from ai8x_models.training.data.source import Answers
from max78000.errors import InputError

N_SHOWN = 3


@dataclass(frozen=True, slots=True)
class ClassShares(AnswerForm):
    """How probable each class is; targets are the numbers of the classes.

    Args:
        classes: their names.
    """

    classes: tuple[str, ...]

    kind = Answers.CLASSES

    @classmethod
    def settled(cls, recipe: ClassifyRecipe, samples: Samples) -> Self:
        """Answers are about the classes of the source."""
        return cls(samples.classes)

    def to_extras(self) -> dict[str, Any]:
        """The names."""
        return {"classes": self.classes}

    @classmethod
    def from_extras(cls, extras: Mapping[str, Any]) -> Self:
        """The names, after a file."""
        return cls(tuple(extras["classes"]))

    def truth(self, targets: Raw) -> Tensor:
        """The classes (N,) as they are."""
        return torch.from_numpy(targets)

    def decode(self, outputs: Outputs) -> NDArray[np.float64]:
        """Scores (N, K), (N, K, 1) or (N, K, 1, 1) -> shares (N, K): a soft-max."""
        scores = np.concatenate([one.reshape(len(one), -1) for one in outputs], axis=1)
        if scores.shape[1] != len(self.classes):
            why = f"gives {scores.shape[1]} scores for {len(self.classes)} classes"
            raise InputError(why, fix=f"let its last layer have {len(self.classes)} outputs")
        powers: NDArray[np.float64] = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
        return shares

    def score(self, answers: Raw, targets: Raw) -> ClassScores:
        """Count right answers; where two classes have the same share, the first one is said."""
        return ClassScores.of(self.classes, targets, answers.argmax(axis=1))

    def errors(self, answers: Raw, targets: Raw) -> NDArray[np.float64]:
        """What the class that it is lacks of the whole."""
        missing: NDArray[np.float64] = 1 - answers[np.arange(len(answers)), targets]
        return missing

    def figures(self, answers: Raw, targets: Raw) -> Sequence[tuple[str, str]]:
        """What is taken for what, how sure answers are, and every class."""
        scores, calibration = self.score(answers, targets), Calibration.of(answers, targets)
        return (
            ("Confusion matrix", confusion_picture(scores.classes, scores.confusion)),
            ("Classes", class_table(scores)),
            (f"Calibration: {calibration.summary}", reliability_picture(calibration)),
        )

    def show(self, answer: Raw) -> Shown:
        """The most probable classes."""
        ranked = sorted(zip(answer.tolist(), self.classes, strict=True), reverse=True)
        text = ", ".join(f"{name} {share:.1%}" for share, name in ranked[:N_SHOWN])
        data = {"class": ranked[0][1], "probabilities": {name: share for share, name in ranked}}
        return Shown(text, data)

    def name_of(self, target: Raw) -> str:
        """The class."""
        return f"class {self.classes[int(target)]}"
