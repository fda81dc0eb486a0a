"""Recipes of networks that answer for every pixel: their section `loss`."""

from dataclasses import dataclass, field

from ai8x_models.tasks.sampled.class_weights import ClassCounts
from ai8x_models.tasks.sampled.recipe import SampledRecipe
from ai8x_models.training.sections import within


@dataclass(frozen=True, slots=True)
class LossPlan(ClassCounts):
    """Cross entropy of all pixels, and overlap; see `losses.MaskLoss`.

    Args:
        dice: how much the overlap of areas counts, beside the cross entropy of pixels.
        temperature: of both networks, in learning from a teacher.
    """

    dice: float = field(default=0.0, metadata=within(0.0, 10.0))
    temperature: float = field(default=2.0, metadata=within(0.1, 100.0))


@dataclass(frozen=True, slots=True)
class SegmentationRecipe(SampledRecipe):
    """One training run of a network that tells for every pixel what it belongs to."""

    loss: LossPlan = field(default_factory=LossPlan)
