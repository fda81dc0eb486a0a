"""What the answers of a detector mean: boxes, classes and probabilities."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from ai8x_models.tasks.detect.drawing import draw_boxes
from ai8x_models.tasks.detect.figures import box_figures, mistakes
from ai8x_models.tasks.detect.heads import check_parts, priors_of
from ai8x_models.tasks.detect.recipe import DetectRecipe
from ai8x_models.tasks.detect.scores import BoxScores
from ai8x_models.tasks.detect.suppress import (
    CLASS,
    SCORE,
    Suppression,
    found_in,
    rows_of,
)
from ai8x_models.tasks.sampled.answer import AnswerForm, Drawing, Outputs, Shown
from ai8x_models.tasks.sampled.augment import Move
from ai8x_models.training.data.form import Raw
from ai8x_models.training.data.open import Samples
from ai8x_models.training.data.source import NO_BOX, Answers

_LEAST_LEFT = 0.25  # share of a box that has to stay in the picture for the object to count


@dataclass(frozen=True, slots=True)
class BoxAnswers(AnswerForm):
    """Answers (N, top_k, 6): corners as shares of the picture, class, probability.

    Args:
        classes: their names.
        priors: centres and sizes (P, 4).
        nms: which boxes are said.
    """

    classes: tuple[str, ...]
    priors: Tensor
    nms: Suppression

    kind = Answers.BOXES

    @classmethod
    def settled(cls, recipe: DetectRecipe, samples: Samples) -> Self:
        """See `AnswerForm.settled`; the network names the priors."""
        return cls(samples.classes, priors_of(recipe.model, samples.form.shape), recipe.nms)

    def to_extras(self) -> dict[str, Any]:
        """See `AnswerForm.to_extras`."""
        return {
            "classes": self.classes,
            "priors": self.priors.tolist(),
            "nms": asdict(self.nms),
        }

    @classmethod
    def from_extras(cls, extras: Mapping[str, Any]) -> Self:
        """See `AnswerForm.from_extras`."""
        nms = Suppression(**extras["nms"])
        return cls(tuple(extras["classes"]), torch.tensor(extras["priors"]), nms)

    def truth(self, targets: Raw) -> Tensor:
        """Objects (N, M, 5) as they are."""
        return torch.from_numpy(targets.astype(np.float32))

    def moved(self, target: Raw, move: Move) -> Raw:
        """Objects (M, 5) that went with their pixels; those that have left are none any more."""
        moved = target.copy()
        is_object = moved[:, CLASS] != NO_BOX
        pairs = move.of_points(moved[is_object, :CLASS].reshape(-1, 2, 2).astype(np.float64))
        corners = np.concatenate((pairs.min(axis=1), pairs.max(axis=1)), axis=1)
        inside = corners.clip(0, 1)
        left = _areas(inside) / np.maximum(_areas(corners), np.finfo(float).tiny)
        moved[is_object, :CLASS] = inside
        moved[is_object, CLASS] = np.where(left >= _LEAST_LEFT, moved[is_object, CLASS], NO_BOX)
        return moved

    @property
    def has_places(self) -> bool:
        """True: what is learned moves with the pixels."""
        return True

    def decode(self, outputs: Outputs) -> Raw:
        """Locations (N, P, 4) and scores (N, P, 1 + classes) -> boxes; see `AnswerForm.decode`."""
        check_parts([one.shape for one in outputs], len(self.priors), len(self.classes))
        locations, scores = map(torch.from_numpy, outputs)
        pairs = zip(locations, scores, strict=True)
        return np.stack([found_in(*pair, self.priors, self.nms) for pair in pairs])

    def score(self, answers: Raw, targets: Raw) -> BoxScores:
        """Average precision."""
        return BoxScores.of(self.classes, answers, targets)

    def errors(self, answers: Raw, targets: Raw) -> Raw:
        """Objects that were missed, and shown boxes around none."""
        return mistakes(answers, targets, len(self.classes), self.nms.shown_score)

    def figures(self, answers: Raw, targets: Raw) -> Sequence[tuple[str, str]]:
        """Precision over recall, and every class."""
        return box_figures(self.score(answers, targets), answers, targets)

    def draw_target(self, target: Raw) -> Drawing:
        """The objects."""
        return lambda picture: draw_boxes(picture, target, self.classes)

    def show(self, answer: Raw) -> Shown:
        """Those boxes that are probable enough to be shown."""
        rows = rows_of(answer)
        rows = rows[rows[:, SCORE] >= self.nms.shown_score]
        found = [
            {
                "class": self.classes[int(row[CLASS])],
                "probability": float(row[SCORE]),
                "box": row[:CLASS].tolist(),
            }
            for row in rows
        ]
        words = (f"{one['class']} {one['probability']:.1%}" for one in found)
        return Shown(
            ", ".join(words) or "nothing",
            {"boxes": found},
            lambda picture: draw_boxes(picture, rows, self.classes),
        )

    def name_of(self, target: Raw) -> str:
        """The classes of what is there."""
        return ", ".join(self.classes[int(row[CLASS])] for row in rows_of(target)) or "nothing"


def _areas(corners: Raw) -> Raw:
    sides = corners[:, 2:] - corners[:, :2]
    areas: Raw = sides[:, 0] * sides[:, 1]
    return areas
