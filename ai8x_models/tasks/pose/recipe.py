"""Recipes of pose networks: their sections `data`, `loss` and `augment`."""

from dataclasses import dataclass, field
from pathlib import Path

from ai8x_models.tasks.pose.figures.preset import PRESETS
from ai8x_models.training.recipe import Recipe
from ai8x_models.training.sections import one_of, within

IMPORTED = "coco"  # preset of pictures that were imported, not rendered


@dataclass(frozen=True, slots=True)
class DataPlan:
    """Which images, how many of each split, and where their caches are kept.

    `preset` says what is rendered; `coco` takes imported pictures, whose counts must be right.
    """

    preset: str = field(metadata=one_of(*PRESETS, IMPORTED))
    train_count: int = field(metadata=within(1, 1_000_000))
    validation_count: int = field(default=300, metadata=within(1, 1_000_000))
    folder: Path = Path("data")

    @property
    def name(self) -> str:
        """What the data are called in the checkpoint."""
        return self.preset


@dataclass(frozen=True, slots=True)
class LossPlan:
    """Weights of the squared map errors; see `losses.PoseLoss`."""

    paf_weight: float = field(default=0.5, metadata=within(0.0))
    positive_weight: float = field(default=4.0, metadata=within(0.0))
    arm_weight: float = field(default=2.0, metadata=within(0.0))


@dataclass(frozen=True, slots=True)
class AugmentPlan:
    """Changes that map exactly onto cached maps: mirror, whole-cell shifts; and exposure."""

    flip: bool = True
    shift_cells: int = field(default=1, metadata=within(0, 8))
    jitter: bool = False


@dataclass(frozen=True, slots=True)
class PoseRecipe(Recipe):
    """One training run of a pose network."""

    data: DataPlan
    loss: LossPlan = LossPlan()
    augment: AugmentPlan = AugmentPlan()
