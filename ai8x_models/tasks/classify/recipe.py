"""Recipes of networks that tell classes apart: their sections `data`, `loss` and `augment`."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ai8x_models.training.data.plan import DataPlan
from ai8x_models.training.recipe import Recipe
from ai8x_models.training.sections import one_of, within


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
class AugmentPlan:
    """How examples are changed from epoch to epoch; see `augment.py`.

    Args:
        shift: pixels, or steps of a signal, by which an example moves at most.
        flip: half of the pictures are mirrored left to right.
        noise: standard deviation of what is added to every number; 1 is half the range.
        brightness: an example becomes brighter or darker by this at most, in the same unit.
    """

    shift: int = field(default=0, metadata=within(0, 64))
    flip: bool = False
    noise: float = field(default=0.0, metadata=within(0.0, 1.0))
    brightness: float = field(default=0.0, metadata=within(0.0, 1.0))


@dataclass(frozen=True, slots=True)
class ClassifyRecipe(Recipe):
    """One training run of a network that tells classes apart."""

    data: DataPlan
    loss: LossPlan = field(default_factory=LossPlan)
    augment: AugmentPlan = AugmentPlan()
    keep: str = field(default="best", metadata=one_of("last", "best"))
