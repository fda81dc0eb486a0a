"""What the Tiny network should cost and lose against the Student, and what it does.

The design gives a range of changes in percent for each number; the measured change stands beside.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ai8x_models.tasks.pose.compare.compared import Compared

LARGE, SMALL = "StudentModel", "TinyStudentModel"


@dataclass(frozen=True, slots=True)
class Expectation:
    """A number of the network that is expected to change.

    Args:
        title: of the number.
        low, high: change in percent, between which it was expected.
        value: the number of a network; None or NaN if it has none.
    """

    title: str
    low: float
    high: float
    value: Callable[[Compared], float | None]

    @property
    def expected(self) -> str:
        """As text."""
        if self.low == self.high:
            return f"{self.low:+.0f} %"
        return f"{self.high:+.0f} to {self.low:+.0f} %"

    def measured(self, large: Compared, small: Compared) -> str:
        """The change from one network to the other, as text; "-" where there is none."""
        before, after = self.value(large), self.value(small)
        if not before or after is None or math.isnan(before) or math.isnan(after):
            return "-"
        return f"{100 * (after / before - 1):+.1f} %"


EXPECTATIONS = (
    Expectation("parameters", -43, -43, lambda row: row.costs.parameters),
    Expectation("multiply-accumulates", -47, -47, lambda row: row.costs.macs),
    Expectation("memory traffic", -43, -43, lambda row: row.costs.traffic_bytes),
    Expectation("peak of the data", -50, -50, lambda row: row.costs.peak_bytes),
    Expectation("time of an answer", -40, -40, lambda row: row.costs.milliseconds),
    Expectation("energy of an answer", -40, -40, lambda row: row.costs.energy_uj),
    Expectation("keypoint detection", -5, -2, lambda row: row.aspects.detection),
    Expectation("keypoint localization (PCK)", -7, -3, lambda row: row.metrics.pck),
    Expectation("several people (AP50)", -10, -5, lambda row: row.aspects.several),
    Expectation("occlusion (PCK, hidden)", -6, -3, lambda row: row.aspects.occlusion),
    Expectation("AP", -10, -5, lambda row: row.metrics.ap),
)


def expectation_rows(rows: Sequence[Compared]) -> list[list[str]]:
    """Expected and measured, a line a number; empty unless both networks are compared.

    The large one is taken in float, as it teaches; the small one in integers, as on the chip. Of
    several, the first.
    """
    large = _first(rows, LARGE, "float")
    small = _first(rows, SMALL, "integer")
    if large is None or small is None:
        return []
    return [[one.title, one.expected, one.measured(large, small)] for one in EXPECTATIONS]


def _first(rows: Sequence[Compared], arch: str, numbers: str) -> Compared | None:
    """The first network of a class, preferably with these numbers."""
    found = [row for row in rows if row.arch == arch]
    wanted = [row for row in found if row.numbers == numbers]
    return next(iter(wanted or found), None)
