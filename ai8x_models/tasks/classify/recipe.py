"""Recipes of networks that tell classes apart: their section `loss`."""

from dataclasses import dataclass, field

from ai8x_models.tasks.sampled.class_weights import ClassCounts
from ai8x_models.tasks.sampled.recipe import SampledRecipe
from ai8x_models.training.sections import within


@dataclass(frozen=True, slots=True)
class LossPlan(ClassCounts):
    """Cross entropy; see `losses.ClassLoss`.

    Args:
        label_smoothing: share of the truth that is spread over all classes.
        temperature: of both networks, in learning from a teacher.
        mix_up: examples are laid over each other; the larger, the more evenly. 0: they are not.
    """

    label_smoothing: float = field(default=0.0, metadata=within(0.0, 0.9))
    temperature: float = field(default=2.0, metadata=within(0.1, 100.0))
    mix_up: float = field(default=0.0, metadata=within(0.0, 10.0))


@dataclass(frozen=True, slots=True)
class ClassifyRecipe(SampledRecipe):
    """One training run of a network that tells classes apart."""

    loss: LossPlan = field(default_factory=LossPlan)
