"""A side of a chart: where numbers lie in the picture, and the round ones among them."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

_STEPS = (1, 2, 5)  # of round numbers, times a power of ten


@dataclass(frozen=True, slots=True)
class Axis:
    """Numbers along a side of the frame.

    Args:
        low: at its beginning.
        high: at its end.
        start: where it begins in the picture.
        end: where it ends.
        is_log: equal steps are equal ratios.
    """

    low: float
    high: float
    start: float
    end: float
    is_log: bool = False

    def place(self, value: float) -> float:
        """Where a number lies in the picture."""
        low, high, value = (
            (math.log(one) for one in (self.low, self.high, value))
            if self.is_log
            else (self.low, self.high, value)
        )
        return self.start + (self.end - self.start) * (value - low) / (high - low)

    def ticks(self) -> Iterator[float]:
        """Round numbers within it."""
        if self.is_log:
            decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            round_ones = (step * 10.0**decade for decade in decades for step in _STEPS)
            yield from (one for one in round_ones if self.low <= one <= self.high)
            return
        step = self._step
        for index in range(math.ceil(self.low / step), math.floor(self.high / step) + 1):
            yield index * step

    @property
    def n_decimals(self) -> int:
        """Digits behind the point that tell its round numbers apart."""
        return max(0, -math.floor(math.log10(self._step)))

    @property
    def _step(self) -> float:
        return _round_step((self.high - self.low) / 5)


def _round_step(size: float) -> float:
    """The round number nearest above a size."""
    power = 10.0 ** math.floor(math.log10(size))
    return next(step * power for step in (*_STEPS, 10) if step * power >= size * 0.999)
