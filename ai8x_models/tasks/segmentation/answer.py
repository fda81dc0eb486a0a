"""What the answers of a network that tells for every pixel what it belongs to mean: masks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ai8x_models.tasks.sampled.answer import AnswerForm, Drawing, Outputs, Shown
from ai8x_models.tasks.sampled.augment import Move
from ai8x_models.tasks.segmentation.drawing import draw_mask
from ai8x_models.tasks.segmentation.figures import mask_figures
from ai8x_models.tasks.segmentation.places import at_size, unfolded
from ai8x_models.tasks.segmentation.recipe import SegmentationRecipe
from ai8x_models.tasks.segmentation.scores import MaskScores
from ai8x_models.training.data.form import Raw
from ai8x_models.training.data.open import Samples, open_samples
from ai8x_models.training.data.plan import DataPlan
from ai8x_models.training.data.source import UNCOUNTED, Answers
from ai8x_models.training.progress import Progress, no_progress
from ai8x_models.zoo.registry import Shape
from max78000.errors import InputError


@dataclass(frozen=True, slots=True)
class ClassMasks(AnswerForm):
    """A class for every pixel of a mask, which may have more or fewer pixels than the input.

    Args:
        classes: their names.
        size: rows and columns of a mask.
    """

    classes: tuple[str, ...]
    size: tuple[int, ...]

    kind = Answers.MASKS

    @classmethod
    def opened(
        cls, plan: DataPlan, split: str, shape: Shape | None, progress: Progress = no_progress
    ) -> Samples:
        """Open a split; masks get the size of the input, unless a whole number of their pixels fits
        into one of the input's: that of pictures that came folded.
        """
        samples = open_samples(plan, split, shape, cls.kind, progress)
        size = samples.form.shape[1:]
        if len(size) != 2:
            why = f"samples of {'x'.join(map(str, samples.form.shape))} are no pictures"
            raise InputError(why, where=plan.source, fix="masks are for pictures: (C, H, W)")
        if any(of_mask % own for of_mask, own in zip(samples.targets.shape[1:], size, strict=True)):
            return replace(samples, targets=at_size(samples.targets, size))
        return samples

    @classmethod
    def settled(cls, recipe: SegmentationRecipe, samples: Samples) -> Self:
        """Of the classes of the source, at the size of its masks."""
        return cls(samples.classes, samples.targets.shape[1:])

    def to_extras(self) -> dict[str, Any]:
        """Two entries."""
        return {"classes": self.classes, "mask": self.size}

    @classmethod
    def from_extras(cls, extras: Mapping[str, Any]) -> Self:
        """What `to_extras` wrote, after a file."""
        return cls(tuple(extras["classes"]), tuple(extras["mask"]))

    def truth(self, targets: Raw) -> Tensor:
        """The classes (N, H, W) as torch's cross entropy takes them."""
        return torch.from_numpy(targets.astype(np.int64))

    def moved(self, target: Raw, move: Move) -> Raw:
        """A mask goes where its picture goes."""
        ratios = [own // other for own, other in zip(self.size, move.size, strict=True)]
        offset = tuple(step * ratio for step, ratio in zip(move.offset, ratios, strict=True))
        return replace(move, offset=offset, size=self.size).of(target)

    @property
    def has_places(self) -> bool:
        """Masks do nothing but name places."""
        return True

    def decode(self, outputs: Outputs) -> NDArray[np.uint8]:
        """Scores, folded or not -> masks (N, H, W); of equal scores the first class is said."""
        if len(outputs) != 1:
            raise InputError(f"has {len(outputs)} outputs", fix="let it have one, of class scores")
        scores = unfolded(torch.from_numpy(outputs[0]), len(self.classes))
        masks: NDArray[np.uint8] = scores.numpy().argmax(axis=1).astype(np.uint8)
        return at_size(masks, self.size)

    def score(self, answers: Raw, targets: Raw) -> MaskScores:
        """Count pixels."""
        return MaskScores.of(self.classes, targets, answers)

    def errors(self, answers: Raw, targets: Raw) -> NDArray[np.float64]:
        """What the mean IoU of each picture lacks of the whole."""
        return self.score(answers, targets).errors

    def figures(self, answers: Raw, targets: Raw) -> Sequence[tuple[str, str]]:
        """The IoU of every class, and what pixels are taken for."""
        return mask_figures(self.score(answers, targets))

    def draw_target(self, target: Raw) -> Drawing:
        """The mask over its picture; pixels that do not count are left as they are."""
        return lambda picture: draw_mask(picture, target)

    def show(self, answer: Raw) -> Shown:
        """The share of every class in the picture, the largest first; and the mask over it."""
        counts = np.bincount(answer.ravel(), minlength=len(self.classes)) / answer.size
        shares = dict(
            sorted(zip(self.classes, counts.tolist(), strict=True), key=lambda one: -one[1])
        )
        text = ", ".join(f"{name} {share:.1%}" for name, share in shares.items() if share)
        return Shown(text, {"shares": shares}, lambda picture: draw_mask(picture, answer))

    def name_of(self, target: Raw) -> str:
        """The classes that occur."""
        names = (self.classes[one] for one in np.unique(target) if one != UNCOUNTED)
        return f"classes {', '.join(names)}"
