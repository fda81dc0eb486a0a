"""What the answers of a network that finds points mean: heat maps, or coordinates.

Heat maps are (N, K, rows, columns). Coordinates are 2 K numbers, x and y of one point after the
other, from -1, the left or upper edge of the picture, to 1, as far as eight bits reach.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from ai8x_models.tasks.keypoints.drawing import draw_points
from ai8x_models.tasks.keypoints.figures import point_figures
from ai8x_models.tasks.keypoints.heatmaps import points_in
from ai8x_models.tasks.keypoints.losses import are_heatmaps, check_points, coordinates_of
from ai8x_models.tasks.keypoints.recipe import KeypointsRecipe
from ai8x_models.tasks.keypoints.scores import PointScores
from ai8x_models.tasks.sampled.answer import AnswerForm, Drawing, Outputs, Shown
from ai8x_models.tasks.sampled.augment import Move
from ai8x_models.training.data.form import Raw
from ai8x_models.training.data.open import Samples
from ai8x_models.training.data.source import Answers
from max78000.errors import InputError


@dataclass(frozen=True, slots=True)
class PointAnswers(AnswerForm):
    """Answers (N, K, 3): x, y as shares of the picture, probability (1 of coordinates).

    Args:
        names: of the points.
        mirrored: which point stands in the place of each in a mirrored picture; empty for itself.
        size: height and width of the network's input, pixels.
    """

    names: tuple[str, ...]
    mirrored: tuple[int, ...]
    size: tuple[int, int]

    kind = Answers.KEYPOINTS

    @classmethod
    def settled(cls, recipe: KeypointsRecipe, samples: Samples) -> Self:
        """See `AnswerForm.settled`."""
        n_points = samples.targets.shape[1]
        names = recipe.points.names or samples.classes or tuple(map(str, range(n_points)))
        mirrored = recipe.points.mirrored
        for key, given in (("names", names), ("mirrored", mirrored)):
            if given and len(given) != n_points:
                why = f"has {len(given)} points, the data have {n_points}"
                raise InputError(why, where=f"points.{key}", fix="say something of each")
        _, height, width = samples.form.shape
        return cls(names, mirrored, (height, width))

    def to_extras(self) -> dict[str, Any]:
        """See `AnswerForm.to_extras`."""
        return {"points": self.names, "mirrored": self.mirrored, "size": self.size}

    @classmethod
    def from_extras(cls, extras: Mapping[str, Any]) -> Self:
        """See `AnswerForm.from_extras`."""
        height, width = extras["size"]
        return cls(tuple(extras["points"]), tuple(extras["mirrored"]), (height, width))

    def truth(self, targets: Raw) -> Tensor:
        """Points (N, K, 3) as they are."""
        return torch.from_numpy(targets.astype(np.float32))

    def moved(self, target: Raw, move: Move) -> Raw:
        """Points (K, 3) that went with their pixels; those that have left are missing."""
        moved = target.copy()
        if move.is_mirrored and self.mirrored:
            moved = moved[list(self.mirrored)]
        moved[:, :2] = move.of_points(moved[:, :2].astype(np.float64))
        is_inside = ((moved[:, :2] >= 0) & (moved[:, :2] < 1)).all(axis=1)
        moved[:, 2] *= is_inside
        return moved

    @property
    def has_places(self) -> bool:
        """True: what is learned moves with the pixels."""
        return True

    def decode(self, outputs: Outputs) -> Raw:
        """One output, heat maps or coordinates -> points; see `AnswerForm.decode`."""
        if len(outputs) != 1:
            why = f"the network gives {len(outputs)} answers, points are read from one"
            raise InputError(why, fix="let it end with one layer")
        answer = torch.from_numpy(outputs[0])
        check_points(answer, len(self.names))
        if are_heatmaps(answer):
            return points_in(outputs[0])
        places = coordinates_of(answer).numpy()
        return np.concatenate((places, np.ones_like(places[..., :1])), axis=2)

    def score(self, answers: Raw, targets: Raw) -> PointScores:
        """Shares of correct points."""
        return PointScores.of(self.names, answers, targets, self.size)

    def errors(self, answers: Raw, targets: Raw) -> Raw:
        """Mean distance of the points, as a share of the object's longer side."""
        return self.score(answers, targets).errors

    def figures(self, answers: Raw, targets: Raw) -> Sequence[tuple[str, str]]:
        """How many points are near, and every point."""
        return point_figures(self.score(answers, targets))

    def draw_target(self, target: Raw) -> Drawing:
        """The points that are there."""
        return lambda picture: draw_points(picture, target, self.names)

    def show(self, answer: Raw) -> Shown:
        """Where each point is, in pixels of the network's input."""
        height, width = self.size
        found = {
            name: {"x": float(x * width), "y": float(y * height), "probability": float(share)}
            for name, (x, y, share) in zip(self.names, answer, strict=True)
        }
        words = (f"{name} at {one['x']:.1f}, {one['y']:.1f}" for name, one in found.items())
        return Shown(
            "; ".join(words),
            {"points": found},
            lambda picture: draw_points(picture, answer, self.names),
        )

    def name_of(self, target: Raw) -> str:
        """How many of the points are there."""
        return f"{int((target[:, 2] > 0).sum())} of {len(self.names)} points"
