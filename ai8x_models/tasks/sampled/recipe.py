"""What recipes of all tasks with samples have alike: their sections `data` and `augment`."""

from dataclasses import dataclass, field

from ai8x_models.training.data.plan import DataPlan
from ai8x_models.training.recipe import Recipe
from ai8x_models.training.sections import one_of, within


@dataclass(frozen=True, slots=True)
class AugmentPlan:
    """How examples are changed from epoch to epoch; see `augment.py`.

    Args:
        shift: pixels, or steps of a signal, by which an example moves at most.
        flip: half of the pictures are mirrored left to right.
        scale: an example becomes larger or smaller by at most this share.
        noise: standard deviation of what is added to every number; 1 is half the range.
        blank: a stretch of a signal, or a field of a picture, of at most so many steps, or pixels,
            wide and high, becomes 0: silence, or medium grey.
        brightness: an example becomes brighter or darker by this at most, in the same unit.
    """

    shift: int = field(default=0, metadata=within(0, 64))
    flip: bool = False
    scale: float = field(default=0.0, metadata=within(0.0, 0.5))
    noise: float = field(default=0.0, metadata=within(0.0, 1.0))
    blank: int = field(default=0, metadata=within(0, 128))
    brightness: float = field(default=0.0, metadata=within(0.0, 1.0))

    @property
    def moves(self) -> bool:
        """True if pixels change their places, and with them what is asked for in places."""
        return self.flip or self.shift > 0 or self.scale > 0

    @property
    def changes(self) -> bool:
        """True if anything is changed."""
        return self.moves or self.noise > 0 or self.brightness > 0 or self.blank > 0


@dataclass(frozen=True, slots=True)
class SampledRecipe(Recipe):
    """One training run of a network whose examples are samples; tasks add their `loss`."""

    data: DataPlan
    augment: AugmentPlan = AugmentPlan()
    keep: str = field(default="best", metadata=one_of("last", "best"))
