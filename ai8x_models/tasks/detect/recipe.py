"""Recipes of networks that find things: what they add to those of other tasks."""

from dataclasses import dataclass, field

from ai8x_models.tasks.detect.suppress import Suppression
from ai8x_models.tasks.sampled.recipe import SampledRecipe
from ai8x_models.training.sections import within


@dataclass(frozen=True, slots=True)
class LossPlan:
    """The loss of a single-shot detector; see `losses.DetectionLoss`.

    Args:
        least_overlap: intersection over union from which a prior answers for an object.
        negatives: priors that answer for nothing and count, for each that answers for an object.
        location_weight: what locations count beside classes.
        temperature: of both networks' class scores, in learning from a teacher.
    """

    least_overlap: float = field(default=0.5, metadata=within(0.0, 1.0))
    negatives: float = field(default=3.0, metadata=within(0.0, 100.0))
    location_weight: float = field(default=1.0, metadata=within(0.0, 100.0))
    temperature: float = field(default=2.0, metadata=within(0.1, 100.0))


@dataclass(frozen=True, slots=True)
class DetectRecipe(SampledRecipe):
    """One training run of a network that finds things."""

    loss: LossPlan = LossPlan()
    nms: Suppression = field(default_factory=Suppression)
