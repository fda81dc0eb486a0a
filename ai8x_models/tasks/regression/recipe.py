"""Recipes of networks that answer with numbers: what they add to those of other tasks."""

from dataclasses import dataclass, field

from ai8x_models.tasks.sampled.recipe import SampledRecipe
from ai8x_models.training.data.plan import DataPlan
from ai8x_models.training.sections import one_of, within
from max78000.errors import InputError

INPUT = "input"


@dataclass(frozen=True, slots=True)
class NumbersPlan(DataPlan):
    """Where samples come from, and in which units their targets are.

    Args:
        target: `input`: the network is to give back what it is given, whatever else the source has.
        target_range: numbers of the targets that become -1 and 127/128, what the chip's bytes
            hold; left out, the smallest and the largest one of the training samples.
    """

    target: str = field(default="given", metadata=one_of("given", INPUT))
    target_range: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what no source could be."""
        DataPlan.__post_init__(self)
        low_high = self.target_range
        if low_high and (len(low_high) != 2 or low_high[0] >= low_high[1]):
            why, fix = f"{list(low_high)} is no range", "write the lowest and the highest: [0, 100]"
            raise InputError(why, where="target_range", fix=fix)


@dataclass(frozen=True, slots=True)
class LossPlan:
    """How far numbers are from their targets, in halves of the targets' range.

    Args:
        kind: `mse`, squared; `l1`, absolute; `huber`, squared near 0 and absolute from `delta` on,
            which minds outliers less.
        delta: of `huber`.
    """

    kind: str = field(default="mse", metadata=one_of("mse", "l1", "huber"))
    delta: float = field(default=0.1, metadata=within(1e-4, 2.0))


@dataclass(frozen=True, slots=True)
class RegressionRecipe(SampledRecipe):
    """One training run of a network that answers with numbers."""

    data: NumbersPlan
    loss: LossPlan = LossPlan()
