"""Energy of work on the chip: its value, and a rough estimate until a board has measured it.

Two figures give the estimate: about 20 mW with the accelerator on and little to do, about 65 mW
with all processors at work. Expect a factor of two. Knows neither the board nor the files the
figures come from; see `link/energy_report.py`.

Source: [energy] 20 mW, 35 mW, 64 mW of three networks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

IDLE_MW = 20.0
PROCESSOR_MW = 0.7  # (65 - 20) mW over 64 processors


def layer_energy_uj(time_us: float, n_processors: int) -> float:
    """Energy of a layer in microjoules, from its time and the processors that work on it."""
    return time_us * (IDLE_MW + PROCESSOR_MW * n_processors) / 1e3


@dataclass(frozen=True, slots=True)
class EnergyUse:
    """What one piece of work takes, for example one inference.

    Attributes:
        time_us: how long it lasts.
        active_uj: all energy taken in that time.
        idle_uj: what the chip would have taken in that time without the work.
    """

    time_us: float
    active_uj: float
    idle_uj: float

    @classmethod
    def from_powers(cls, time_us: float, active_mw: float, idle_mw: float) -> "EnergyUse":
        """Work of a duration, from the mean power with and without it."""
        return cls(time_us, active_mw * time_us / 1e3, idle_mw * time_us / 1e3)

    @property
    def added_uj(self) -> float:
        """Energy the work itself costs; the power monitor shows this one as E."""
        return self.active_uj - self.idle_uj

    @property
    def active_mw(self) -> float:
        """Mean power during the work; 0 if it takes no time."""
        return 1e3 * self.active_uj / self.time_us if self.time_us else 0.0

    @property
    def idle_mw(self) -> float:
        """Mean power without the work; 0 if it takes no time."""
        return 1e3 * self.idle_uj / self.time_us if self.time_us else 0.0

    def minus(self, part: "EnergyUse") -> "EnergyUse":
        """What remains when a part that does not overlap the rest is taken away."""
        return EnergyUse(
            self.time_us - part.time_us,
            self.active_uj - part.active_uj,
            self.idle_uj - part.idle_uj,
        )


def mean_use(uses: Sequence[EnergyUse]) -> EnergyUse:
    """Average repeated measurements of the same work; there must be one at least."""
    n_uses = len(uses)
    return EnergyUse(
        sum(use.time_us for use in uses) / n_uses,
        sum(use.active_uj for use in uses) / n_uses,
        sum(use.idle_uj for use in uses) / n_uses,
    )
