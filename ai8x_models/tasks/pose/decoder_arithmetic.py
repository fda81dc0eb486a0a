"""The decoder's numbers, twice: float64, and 32-bit fixed point as a Cortex-M4 computes it.

`decoder.py` holds the algorithm and asks this file for what depends on the number format: limits,
sub-cell offsets, limb scores. Nothing here knows peak lists, poses or people.

The integer decoder, step by step; a C port that follows it equals `decode_integer` cell for cell
and person for person. Every value and product fits int32; Qn means n fraction bits.

| step | rule |
| --- | --- |
| maps | sat16(value << (14 - log2(one))): Q14, so 2.0 saturates; no later step depends on `one` |
| limits | "above t": value > floor(t * 2^14); "at least t": value >= ceil(t * 2^14) |
| peak | as in float, on Q14 values |
| logarithm | v = max(value, 16), e = index of its top bit, m = the 8 bits below that bit: |
|           | (e << 16) + TABLE[m], Q16 |
| TABLE | 256 entries, round(2^16 * log2(1 + m / 256)) |
| offset | of logarithms: round(128 * (after - before), 2 * centre - before - after), Q8 cells |
| position | (cell << 8) + offset, Q8 cells, 0..3840 |
| direction | d = B - A; length = isqrt(64 * (dx^2 + dy^2)), Q11 cells; 0 is refused |
| unit | round(d << 17, length), Q14 |
| sample s | cell = (9 * A + s * d + 9 * 128) / (9 * 256), s = 0..9; never negative |
| dot | (paf_x * unit_x + paf_y * unit_y + 8192) >> 14, Q14, arithmetic shift |
| limb score | round(sum of the passing dots, their number), Q14 |
| grouping | sums of Q14 scores; mean test: score >= number of parts * limit |
| order | descending; equal ones as found: peaks by row, column; pairs by A, B; poses by age |
| pixel | 8 * (position + 128) - 128, Q8 pixels |

`isqrt` rounds down; `round(n, d)` is n / d to the nearest integer, halves away from zero, d > 0.
"""

from dataclasses import dataclass, field
from math import ceil, floor
from typing import Protocol

import numpy as np

from max78000.apps.pose.arrays import Array, Floats, Int32s

LOG_FLOOR = 1e-3  # smallest value whose logarithm is taken, so that an empty neighbour counts
DEGENERATE_CELLS = 1e-6  # limbs shorter than this have no direction

MAP_BITS = 14  # fraction bits of maps, unit vectors and scores
CELL_BITS = 8  # fraction bits of positions
LENGTH_BITS = 11  # fraction bits of limb lengths
LOG_BITS = 16  # fraction bits of logarithms
TABLE_BITS = 8  # mantissa bits that address the table of logarithms


@dataclass(frozen=True, slots=True)
class DecoderSettings:
    """Thresholds in map units (1.0 = a perfect peak, a unit vector); counts are counts.

    Source: [OpenPose] between those of the three, nearest to modules/keypoints.py of the last.
    """

    peak_threshold: float = 0.1
    max_peaks: int = 8  # of one part
    n_samples: int = 10  # along one limb
    sample_threshold: float = 0.05
    min_samples: int = 8  # above the threshold, of n_samples
    min_parts: int = 3
    min_mean_score: float = 0.2
    max_people: int = 20


class Arithmetic(Protocol):
    """What differs between the decoders; numbers are float64, or int32 in the formats above."""

    @property
    def settings(self) -> DecoderSettings:
        """Thresholds in map units."""

    @property
    def cell_unit(self) -> int:
        """One cell, as a position."""

    @property
    def score_unit(self) -> int:
        """Map value 1.0, as a number."""

    def above(self, threshold: float) -> float:
        """Give the number that a value must exceed to be above the threshold."""

    def at_least(self, threshold: float) -> float:
        """Give the number that a value must reach to be at least the threshold."""

    def offsets(self, before: Array, centre: Array, after: Array) -> Array:
        """Find the top of the parabola through three logarithms, as a step from the centre.

        The centre is the largest of the three, so the step is half a cell at most.
        """

    def limb_scores(self, field_xy: Array, start: Array, end: Array) -> Array:
        """Score all limbs (A, B) from positions (A, 2) to (B, 2) in a field (2, 16, 16).

        Samples lie evenly from end to end, both included, and read the nearest cell. One passes
        if the field along the limb is above `sample_threshold`, a limb if `min_samples` pass. Its
        score is the mean of the passing samples; 0 is a refused limb.
        """


@dataclass(frozen=True, slots=True)
class FloatArithmetic:
    """Real units."""

    settings: DecoderSettings
    cell_unit: int = 1
    score_unit: int = 1

    def above(self, threshold: float) -> float:
        """See `Arithmetic`."""
        return threshold

    def at_least(self, threshold: float) -> float:
        """See `Arithmetic`."""
        return threshold

    def offsets(self, before: Floats, centre: Floats, after: Floats) -> Floats:
        """See `Arithmetic`; exact for a Gaussian."""
        left, top, right = (np.log(np.maximum(v, LOG_FLOOR)) for v in (before, centre, after))
        curvature = 2 * top - left - right
        offset: Floats = 0.5 * (right - left) / np.where(curvature > 0, curvature, np.inf)
        return offset

    def limb_scores(self, field_xy: Floats, start: Floats, end: Floats) -> Floats:
        """See `Arithmetic`."""
        step = np.linspace(0, 1, self.settings.n_samples)[:, None]
        delta = (end[None] - start[:, None])[:, :, None]  # (A, B, 1, 2)
        length = np.sqrt((delta * delta).sum(axis=-1))  # (A, B, 1)
        cells = np.floor(start[:, None, None] + step * delta + 0.5).astype(np.intp)
        x, y = field_xy[:, cells[..., 1], cells[..., 0]]  # (A, B, samples) each
        dots = (x * delta[..., 0] + y * delta[..., 1]) / np.maximum(length, DEGENERATE_CELLS)
        passing = dots > self.settings.sample_threshold
        n_passing = passing.sum(axis=-1)
        accepted = (n_passing >= self.settings.min_samples) & (length[..., 0] >= DEGENERATE_CELLS)
        mean: Floats = accepted * (dots * passing).sum(axis=-1) / np.maximum(n_passing, 1)
        return mean


def log_table() -> Int32s:
    """TABLE of this file's first lines: log2(1 + m / 256) in Q16."""
    mantissa = np.arange(1 << TABLE_BITS) / (1 << TABLE_BITS)
    table: Int32s = np.rint(np.log2(1 + mantissa) * (1 << LOG_BITS)).astype(np.int32)
    table.flags.writeable = False
    return table


@dataclass(frozen=True, slots=True)
class IntegerArithmetic:
    """Fixed point; all arrays int32."""

    settings: DecoderSettings
    cell_unit: int = 1 << CELL_BITS
    score_unit: int = 1 << MAP_BITS
    table: Int32s = field(default_factory=log_table)

    def above(self, threshold: float) -> float:
        """See `Arithmetic`."""
        return floor(threshold * self.score_unit)

    def at_least(self, threshold: float) -> float:
        """See `Arithmetic`."""
        return ceil(threshold * self.score_unit)

    def offsets(self, before: Int32s, centre: Int32s, after: Int32s) -> Int32s:
        """See `Arithmetic`."""
        left, top, right = (self._logarithm(v) for v in (before, centre, after))
        curvature = 2 * top - left - right
        slope = (self.cell_unit // 2) * (right - left)
        offset: Int32s = (curvature > 0) * _round_divide(slope, np.maximum(curvature, 1))
        return offset

    def _logarithm(self, value: Int32s) -> Int32s:
        """Base-2 logarithm in Q16; the top bit's index is one instruction (CLZ) on an Arm."""
        floored = np.maximum(value, self.score_unit >> 10)
        exponent = np.frexp(floored)[1] - 1
        mantissa = (floored << TABLE_BITS >> exponent) & ((1 << TABLE_BITS) - 1)
        logarithm: Int32s = (exponent << LOG_BITS) + self.table[mantissa]
        return logarithm

    def limb_scores(self, field_xy: Int32s, start: Int32s, end: Int32s) -> Int32s:
        """See `Arithmetic`."""
        n_steps = self.settings.n_samples - 1
        step = np.arange(n_steps + 1, dtype=np.int32)[:, None]
        delta = (end[None] - start[:, None])[:, :, None]  # (A, B, 1, 2)
        squared = (delta * delta).sum(axis=-1, dtype=np.int32)
        length = _floor_sqrt(squared << 2 * (LENGTH_BITS - CELL_BITS))  # (A, B, 1)
        scaled = delta << MAP_BITS + LENGTH_BITS - CELL_BITS
        unit = _round_divide(scaled, np.maximum(length, 1)[..., None])
        origin = n_steps * (start[:, None, None] + self.cell_unit // 2)
        cells = (origin + step * delta) // (n_steps * self.cell_unit)
        x, y = field_xy[:, cells[..., 1], cells[..., 0]]  # (A, B, samples) each
        dots = (x * unit[..., 0] + y * unit[..., 1] + (self.score_unit // 2)) >> MAP_BITS
        passing = dots > self.above(self.settings.sample_threshold)
        n_passing = passing.sum(axis=-1, dtype=np.int32)
        accepted = (n_passing >= self.settings.min_samples) & (length[..., 0] > 0)
        total = (dots * passing).sum(axis=-1, dtype=np.int32)
        mean: Int32s = accepted * _round_divide(total, np.maximum(n_passing, 1))
        return mean


def to_q14(values: Array, one: int) -> Int32s:
    """Bring integer maps, in which `one` (a power of two up to 2^14) is 1.0, to saturated Q14."""
    limit = 2 * one  # clipped first, so that the shift stays inside 32 bits
    clipped = np.clip(values.astype(np.int64), -limit, limit).astype(np.int32)
    q14: Int32s = np.clip(clipped << (MAP_BITS + 1 - one.bit_length()), -(1 << 15), (1 << 15) - 1)
    return q14


def _round_divide(numerator: Int32s, denominator: Int32s) -> Int32s:
    """To the nearest integer, halves away from zero; the denominator is positive."""
    magnitude = (np.abs(numerator) + denominator // 2) // denominator
    quotient: Int32s = np.sign(numerator) * magnitude
    return quotient


def _floor_sqrt(value: Int32s) -> Int32s:
    """Integer square root, rounded down; exact, because a float64 holds every int32."""
    return np.sqrt(value.astype(np.float64)).astype(np.int32)
