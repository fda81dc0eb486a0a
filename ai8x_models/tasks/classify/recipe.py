"""Recipes of networks that tell classes apart: their section `loss`."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ai8x_models.tasks.sampled.recipe import SampledRecipe
from ai8x_models.training.sections import within


@dataclass(frozen=True, slots=True)
class LossPlan:
    """Cross entropy; see `losses.ClassLoss`.

    Args:
        label_smoothing: share of the truth that is spread over all classes.
        class_weights: what a class counts, by its name; 1 if it is not there.
        balance: classes count as much as each other, however many examples they have.
        temperature: of both networks, in learning from a teacher.
    """

    label_smoothing: float = field(default=0.0, metadata=within(0.0, 0.9))
    class_weights: Mapping[str, float] = field(default_factory=dict)
    balance: bool = False
    temperature: float = field(default=2.0, metadata=within(0.1, 100.0))


@dataclass(frozen=True, slots=True)
class ClassifyRecipe(SampledRecipe):
    """One training run of a network that tells classes apart."""

    loss: LossPlan = field(default_factory=LossPlan)
