"""How well areas are covered: intersection over union, and the share of right pixels.

Functions of numbers counted; they know no network.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ai8x_models.tasks.sampled.tables import text_table
from ai8x_models.training.data.source import UNCOUNTED
from ai8x_models.training.intervals import bootstrap_interval, percent

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MaskScores:
    """Masks against masks.

    Pixels of one picture are no independent examples: intervals are over pictures.

    Args:
        classes: their names.
        confusion: (N, K, K) pixels of each picture; row: what they are, column: what was answered.
    """

    classes: tuple[str, ...]
    confusion: NDArray[np.int64]

    @classmethod
    def of(
        cls, classes: Sequence[str], truths: NDArray[np.uint8], answers: NDArray[np.uint8]
    ) -> "MaskScores":
        """Count pixels, but for those that are UNCOUNTED; both arrays are (N, H, W)."""
        n = len(classes)
        counts = np.empty((len(truths), n, n), np.int64)
        for index, (truth, answer) in enumerate(zip(truths, answers, strict=True)):
            is_counted = truth != UNCOUNTED
            pairs = truth[is_counted].astype(np.int64) * n + answer[is_counted]
            counts[index] = np.bincount(pairs, minlength=n * n).reshape(n, n)
        return cls(tuple(classes), counts)

    @property
    def iou(self) -> tuple[float | None, ...]:
        """Intersection over union of every class; None for one that neither is nor is said."""
        return tuple(None if np.isnan(one) else float(one) for one in self._iou(self._whole))

    @property
    def miou(self) -> float | None:
        """Their mean; None if no pixel counts."""
        known = [one for one in self.iou if one is not None]
        return sum(known) / len(known) if known else None

    @property
    def pixel_accuracy(self) -> float | None:
        """Share of right pixels."""
        whole = self._whole
        return float(np.trace(whole) / whole.sum()) if whole.sum() else None

    @property
    def intervals(self) -> tuple[tuple[float | None, float | None], ...]:
        """Where the IoU of every class, and last their mean, lies on further pictures: 95 %."""
        counts = self.confusion.reshape(len(self.confusion), -1).astype(np.float64)
        n = len(self.classes)

        def score(times: Floats) -> Floats:
            by_class = self._iou((times @ counts).reshape(-1, n, n))
            n_known = np.count_nonzero(~np.isnan(by_class), axis=1)
            sums = np.nansum(by_class, axis=1)
            mean = np.divide(sums, n_known, out=np.full(len(sums), np.nan), where=n_known > 0)
            return np.concatenate((by_class, mean[:, None]), axis=1)

        low, high = bootstrap_interval(len(counts), score)
        return tuple(
            (None, None) if np.isnan(one) else (float(one), float(other))
            for one, other in zip(low, high, strict=True)
        )

    @property
    def errors(self) -> Floats:
        """What the mean IoU of each picture lacks of the whole (N,); 0 where no pixel counts."""
        by_class = self._iou(self.confusion)
        n_known = np.count_nonzero(~np.isnan(by_class), axis=1)
        missing: Floats = np.where(n_known, 1 - np.nansum(by_class, axis=1) / n_known.clip(1), 0.0)
        return missing

    @property
    def summary(self) -> str:
        """The most important of them in words."""
        (low, high), n = self.intervals[-1], len(self.confusion)
        between = "" if low is None else f" ({low:.1%} to {high:.1%} with 95 % confidence)"
        pixels = f"{percent(self.pixel_accuracy)} of pixels right"
        return f"mIoU {percent(self.miou)}{between}, {pixels}, {n} pictures"

    def to_json(self) -> dict[str, object]:
        """Give what `json.dumps` takes."""
        intervals = [list(one) for one in self.intervals]
        return {
            "n_examples": len(self.confusion),
            "miou": self.miou,
            "miou_interval": intervals[-1],
            "pixel_accuracy": self.pixel_accuracy,
            "iou": dict(zip(self.classes, self.iou, strict=True)),
            "iou_interval": dict(zip(self.classes, intervals[:-1], strict=True)),
            "confusion": self._whole.tolist(),
        }

    def to_text(self) -> str:
        """A line for every class: its IoU with the interval, and how much of it there is."""
        whole = self._whole
        rows = (
            (name, percent(iou), f"{percent(low)} to {percent(high)}", str(count))
            for name, iou, (low, high), count in zip(
                self.classes, self.iou, self.intervals[:-1], whole.sum(axis=1), strict=True
            )
        )
        return text_table(("class", "IoU", "95 %", "pixels"), rows)

    @property
    def _whole(self) -> NDArray[np.int64]:
        """The counts of all pictures together, (K, K)."""
        whole: NDArray[np.int64] = self.confusion.sum(axis=0)
        return whole

    @staticmethod
    def _iou(counts: NDArray[np.int64] | Floats) -> Floats:
        """Counts (..., K, K) -> IoU (..., K); NaN for a class that neither is nor is said."""
        both = np.diagonal(counts, axis1=-2, axis2=-1).astype(np.float64)
        either = counts.sum(axis=-1) + counts.sum(axis=-2) - both
        shares: Floats = np.divide(both, either, out=np.full(both.shape, np.nan), where=either > 0)
        return shares
