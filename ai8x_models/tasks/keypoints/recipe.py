"""Recipes of networks that find the points of one object: what they add to those of other tasks."""

from dataclasses import dataclass, field

from ai8x_models.tasks.sampled.recipe import SampledRecipe
from ai8x_models.training.sections import within
from max78000.errors import InputError


@dataclass(frozen=True, slots=True)
class LossPlan:
    """See `losses.KeypointLoss`.

    Args:
        spread: standard deviation, in cells of a heat map, of the bump around a point.
        hidden_weight: what a point counts that is said to be there, but hidden.
        temperature: of both networks' heat maps, in learning from a teacher.
    """

    spread: float = field(default=0.7, metadata=within(0.3, 5.0))
    hidden_weight: float = field(default=1.0, metadata=within(0.0, 1.0))
    temperature: float = field(default=1.0, metadata=within(0.1, 100.0))


@dataclass(frozen=True, slots=True)
class PointsPlan:
    """What the points are.

    Args:
        names: of the points, in order; left out, they are numbered.
        mirrored: for every point, which one stands in its place when a picture is mirrored: a left
            eye becomes a right one. Left out, mirroring leaves the points what they are.
    """

    names: tuple[str, ...] = ()
    mirrored: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what names no points."""
        if self.mirrored and sorted(self.mirrored) != list(range(len(self.mirrored))):
            why = f"{list(self.mirrored)} does not name each point once"
            raise InputError(why, where="mirrored", fix="write every number from 0 once: [1, 0, 2]")
        if self.mirrored and self.names and len(self.names) != len(self.mirrored):
            why = f"has {len(self.mirrored)} points, `names` has {len(self.names)}"
            raise InputError(why, where="mirrored", fix="name the same points in both")


@dataclass(frozen=True, slots=True)
class KeypointsRecipe(SampledRecipe):
    """One training run of a network that finds points."""

    loss: LossPlan = LossPlan()
    points: PointsPlan = PointsPlan()
