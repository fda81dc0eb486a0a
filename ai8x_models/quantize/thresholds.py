"""How far results reach, as a power of two: the range that quantizes them with the least error.

As the vendor's second trainer measures it (QATv2), number for number. Results are counted in bins;
few that lie far out do not count; of the power of two that holds all others, and the four below
it, the one is taken whose rounding and clamping to 8 bits makes the smallest mean square error.

Source: docs/hardware/arithmetic.md#qatv2.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ai8x_models.layers.policy import DEFAULT_Z_SCORE

N_BINS = 2048
_N_CANDIDATES = 5
_BYTE = 128
_TINY = 1e-9  # keeps the vendor's divisions from failing

Floats = NDArray[np.float32]


class RangeMeter:
    """Counts what a layer gives, one batch after the other."""

    def __init__(self) -> None:
        self._histograms: list[tuple[Floats, float, float]] = []  # counts, least, largest

    @property
    def n_batches(self) -> int:
        """Batches counted so far."""
        return len(self._histograms)

    def add(self, values: Tensor) -> None:
        """Count one batch, of any shape and not empty."""
        flat = values.detach().flatten()
        low, high = float(flat.min()), float(flat.max())
        counts = torch.histc(flat, N_BINS, min=low, max=high)
        self._histograms.append((counts.numpy(), low, high))

    def threshold_log2(self, z_score: float = DEFAULT_Z_SCORE) -> float:
        """Logarithm of the range; negative infinity if there was nothing but zeros.

        Args:
            z_score: results farther from the mean than this many standard deviations do not count.
        """
        counts, edges = _without_outliers(*self._merged(), z_score)
        largest = np.abs(edges).max(initial=0.0)
        if largest == 0:
            return -math.inf
        start = math.ceil(float(torch.tensor(largest).log2()))
        errors = [_error(counts, edges, 2.0 ** (start - i)) for i in range(_N_CANDIDATES)]
        return float(start - errors.index(min(errors)))

    def _merged(self) -> tuple[NDArray[np.float64], Floats]:
        """All batches in common bins; the count of a bin stands at its upper edge."""
        common = _edges(
            min(low for _, low, _ in self._histograms), max(high for *_, high in self._histograms)
        )
        total = np.zeros(N_BINS + 1)
        for counts, low, high in self._histograms:
            below = np.concatenate(([0.0], np.cumsum(counts, dtype=np.float32)))
            total += np.diff(np.interp(common, _edges(low, high), below), prepend=0.0)
        return total, common


def _edges(low: float, high: float) -> Floats:
    """Where bins of equal width end; the first edge is the least number."""
    return torch.linspace(low, high, N_BINS + 1).numpy()


def _without_outliers(
    counts: NDArray[np.float64], edges: Floats, z_score: float
) -> tuple[NDArray[np.float64], Floats]:
    """Bins that hold something and lie within `z_score` standard deviations of the mean."""
    middles, weights = (edges[:-1] + edges[1:]) / np.float32(2), counts[1:]
    if not weights.sum():  # all results were one number, which has no bin to fall into
        return np.ones(1), edges[-1:]
    mean = (weights * middles).sum() / weights.sum()
    deviation = math.sqrt((weights * (middles - mean) ** 2).sum() / weights.sum()) or _TINY
    keep = counts != 0
    keep[1:] &= np.abs(middles - mean) <= z_score * deviation
    return counts[keep], edges[keep]


def _error(counts: NDArray[np.float64], edges: Floats, threshold: float) -> float:
    """Mean square error of bytes whose full scale is `threshold`."""
    values, scale = torch.from_numpy(edges), threshold + _TINY
    rounded = torch.round(values / scale * _BYTE).clamp(-_BYTE, _BYTE - 1) * scale / _BYTE
    weights = torch.from_numpy(counts)
    return float(((rounded - values).square() * weights).sum() / weights.sum())
