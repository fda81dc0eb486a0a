"""Whether a network is as sure as it is right: reliability by bins, expected calibration error.

After Guo et al., "On calibration of modern neural networks" (2017): answers are sorted into bins by
the share of the class that was answered, and in each the mean share is compared with how many were
right.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

N_BINS = 10


@dataclass(frozen=True, slots=True)
class Calibration:
    """Bins of equal width from 0 to 1; empty ones are 0 throughout.

    Args:
        counts: answers in each bin.
        confidence: mean share of the class that was answered.
        accuracy: share of right answers.
    """

    counts: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]

    @classmethod
    def of(cls, shares: NDArray[np.float64], truths: NDArray[np.int64]) -> "Calibration":
        """Sort answers into bins: shares of all classes (N, K), and the classes (N,)."""
        sure, is_right = shares.max(axis=1), shares.argmax(axis=1) == truths
        places = np.minimum((sure * N_BINS).astype(np.int64), N_BINS - 1)
        counts = np.bincount(places, minlength=N_BINS)
        wholes = np.maximum(counts, 1)
        confidence = np.bincount(places, weights=sure, minlength=N_BINS) / wholes
        accuracy = np.bincount(places, weights=is_right, minlength=N_BINS) / wholes
        return cls(counts, confidence, accuracy)

    @property
    def error(self) -> float:
        """Expected calibration error: distance of confidence and accuracy, mean over answers."""
        distance = np.abs(self.confidence - self.accuracy)
        return float((distance * self.counts).sum() / self.counts.sum())

    @property
    def summary(self) -> str:
        """The error in words."""
        mean = float((self.confidence * self.counts).sum() / self.counts.sum())
        return f"mean confidence {mean:.1%}, expected calibration error {self.error:.1%}"
