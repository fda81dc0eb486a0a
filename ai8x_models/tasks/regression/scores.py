"""How far numbers are from what they should be. A function of numbers; it knows no network.

Like the scores of the other tasks these are formulas on arrays, and no library's: torchmetrics
would take seconds to import for a few lines each, and has no intervals.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ai8x_models.tasks.sampled.tables import text_table
from ai8x_models.training.intervals import bootstrap_interval

N_SHOWN = 12  # numbers of an answer that get a line each
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class NumberScores:
    """Answers against targets, in the units of the source.

    Args:
        answers: (N, K).
        targets: the same.
        peak: from the lowest to the highest number that there can be, for pictures; 0 for others.
    """

    answers: Floats
    targets: Floats
    peak: float = 0.0

    @property
    def mae(self) -> float:
        """Mean absolute error."""
        return float(np.abs(self.answers - self.targets).mean())

    @property
    def rmse(self) -> float:
        """Root of the mean squared error."""
        return math.sqrt(self._squares.mean())

    @property
    def r2(self) -> float | None:
        """Share of the targets' variance that is explained: 1 if all is, 0 for their mean.

        Of several numbers, those that vary more count more. None if no target varies.
        """
        return _number(1 - self._squares.sum() / self._variance.sum())

    @property
    def r2_interval(self) -> tuple[float | None, float | None]:
        """Where R2 on further examples of the kind lies, with 95 % confidence."""
        squares, targets = self._squares.sum(axis=1), self.targets
        sums = np.square(targets).sum(axis=1)

        def score(counts: Floats) -> Floats:
            n = counts.sum(axis=1)
            around_mean = counts @ sums - np.square(counts @ targets).sum(axis=1) / n
            return 1 - _divided(counts @ squares, around_mean)

        low, high = bootstrap_interval(len(targets), score)
        return _number(low), _number(high)

    @property
    def errors(self) -> Floats:
        """Root of the mean squared error of each example (N,)."""
        roots: Floats = np.sqrt(self._squares.mean(axis=1))
        return roots

    @property
    def psnr(self) -> float | None:
        """Peak signal-to-noise ratio of pictures in decibels, over all pixels of all of them."""
        if not self.peak or not self.rmse:
            return None
        return 20 * math.log10(self.peak / self.rmse)

    @property
    def by_number(self) -> tuple[tuple[float, float, float | None], ...]:
        """MAE, RMSE and R2 of each of the K numbers."""
        mae = np.abs(self.answers - self.targets).mean(axis=0)
        rmse = np.sqrt(self._squares.mean(axis=0))
        r2 = 1 - _divided(self._squares.sum(axis=0), self._variance.sum(axis=0))
        return tuple(
            (float(a), float(b), _number(c)) for a, b, c in zip(mae, rmse, r2, strict=True)
        )

    @property
    def summary(self) -> str:
        """The errors in words."""
        r2 = "-" if self.r2 is None else f"{self.r2:.3f}"
        low, high = self.r2_interval
        if self.r2 is not None and low is not None and high is not None:
            r2 += f" ({low:.3f} to {high:.3f} with 95 % confidence)"
        psnr = "" if self.psnr is None else f", PSNR {self.psnr:.1f} dB"
        n = len(self.answers)
        return f"MAE {self.mae:.4g}, RMSE {self.rmse:.4g}, R2 {r2}{psnr}, {n} examples"

    def to_json(self) -> dict[str, object]:
        """Give what `json.dumps` takes."""
        scores: dict[str, object] = {
            "n_examples": len(self.answers),
            "mae": self.mae,
            "rmse": self.rmse,
            "r2": self.r2,
            "r2_interval": list(self.r2_interval),
        }
        if self.peak:
            scores["psnr"] = self.psnr
        if self.targets.shape[1] <= N_SHOWN:
            names = ("mae", "rmse", "r2")
            scores["by_number"] = [dict(zip(names, row, strict=True)) for row in self.by_number]
        return scores

    def to_text(self) -> str:
        """A line for every number, if they are few and more than one."""
        if not 1 < self.targets.shape[1] <= N_SHOWN:
            return ""
        rows = (
            (str(index), f"{mae:.4g}", f"{rmse:.4g}", "-" if r2 is None else f"{r2:.3f}")
            for index, (mae, rmse, r2) in enumerate(self.by_number)
        )
        return text_table(("number", "MAE", "RMSE", "R2"), rows)

    @property
    def _squares(self) -> Floats:
        squares: Floats = np.square(self.answers - self.targets)
        return squares

    @property
    def _variance(self) -> Floats:
        squares: Floats = np.square(self.targets - self.targets.mean(axis=0))
        return squares


def _divided(part: Floats, whole: Floats) -> Floats:
    """Quotients, NaN where there is nothing to divide by."""
    quotients: Floats = np.full(np.shape(part), np.nan)
    np.divide(part, whole, out=quotients, where=whole > 0)
    return quotients


def _number(value: Floats | float) -> float | None:
    return float(value) if np.isfinite(value) else None
