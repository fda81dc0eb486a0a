"""From maps to people: peaks, sub-cell steps, limb scores, greedy grouping on the raw 16x16 grid.

The algorithm stands here once; its numbers stand twice in `decoder_arithmetic.py`: float64 for
`decode`, fixed point for `decode_integer`, which is what a microcontroller runs. It refuses to
upsample, to know a network or to open a picture: maps in, `Person`s out.

A perfect Gaussian is found exactly by a parabola through the logarithms of three cells; upsampling
the maps first costs far more time and is no better, so there is none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ai8x_models.tasks.pose.decoder_arithmetic import (
    MAP_BITS,
    Arithmetic,
    DecoderSettings,
    FloatArithmetic,
    IntegerArithmetic,
    to_q14,
)
from max78000.apps.pose.arrays import Array
from max78000.apps.pose.person import Person
from max78000.apps.pose.skeleton import (
    COCO_OF_PART,
    COMPLETING_LIMBS,
    DECODING_ORDER,
    LIMBS,
    MAP_SIZE,
    N_COCO,
    N_PAF,
    N_PARTS,
    cell_to_pixel,
)
from max78000.errors import InputError

__all__ = ["DecoderSettings", "decode", "decode_integer", "to_coco"]

Fill = Literal["mean", "zero"]
End = tuple[int, int]  # one peak: (part, index among that part's peaks)

DEFAULTS = DecoderSettings()
SMALLEST_ONE, LARGEST_ONE = 128, 1 << MAP_BITS  # int8 maps .. wide maps
BELOW_EVERY_VALUE = -(1 << 15)


def decode(heat: Array, paf: Array, settings: DecoderSettings = DEFAULTS) -> list[Person]:
    """Find the people in one picture's maps, best first.

    Args:
        heat: (>= 18, 16, 16), parts first; a background channel is not used.
        paf: (38, 16, 16), limb k in channels 2k (x, to the right) and 2k + 1 (y, down).
        settings: thresholds.

    Raises:
        InputError: wrong shape, or values that are not finite.
    """
    _check_maps(heat, paf)
    return _decode(heat.astype(np.float64), paf.astype(np.float64), FloatArithmetic(settings))


def decode_integer(
    heat: Array, paf: Array, one: int, settings: DecoderSettings = DEFAULTS
) -> list[Person]:
    """Do what `decode` does in integer arithmetic, as specified in `decoder_arithmetic.py`.

    Args:
        heat: integers (>= 18, 16, 16).
        paf: integers (38, 16, 16).
        one: the integer that means 1.0, a power of two: 128 for int8 maps, 16384 for wide outputs.
        settings: thresholds, brought to Q14.

    Raises:
        InputError: wrong shape, maps that are not integers, `one` not a power of two in 128..16384.
    """
    _check_maps(heat, paf)
    if heat.dtype.kind not in "iu" or paf.dtype.kind not in "iu":
        raise InputError(
            f"the integer decoder got {heat.dtype} and {paf.dtype} maps",
            fix="use decode for float maps",
        )
    if not SMALLEST_ONE <= one <= LARGEST_ONE or one.bit_count() != 1:
        raise InputError(
            f"the integer {one} cannot stand for 1.0",
            fix=f"use the output's scale, a power of two in {SMALLEST_ONE}..{LARGEST_ONE}",
        )
    return _decode(to_q14(heat, one), to_q14(paf, one), IntegerArithmetic(settings))


def to_coco(person: Person, fill: Fill = "mean") -> tuple[tuple[float, ...], float]:
    """Give a person as a COCO result: 17 x (x, y, v) in input pixels, and the score that ranks it.

    A found point has v = 1, a missing one v = 0. COCO's similarity ignores v and measures every
    labelled point, so a missing one costs as if predicted where `fill` puts it: `zero`, the usual
    (0, 0), or the mean of the found points, which costs less. The score is Lightweight OpenPose's,
    the person's times (parts - 1), which ranks complete people first.
    """
    points = np.zeros((N_COCO, 3))
    if fill == "mean":
        points[:, :2] = np.nanmean(person.parts[:, :2], axis=0)
    for part, joint in enumerate(COCO_OF_PART):
        if joint is not None and person.found[part]:
            points[joint] = (*person.parts[part, :2], 1)
    return tuple(points.ravel().tolist()), person.score * (person.n_parts - 1)


@dataclass(frozen=True, slots=True)
class _Peaks:
    """Peaks of one part, highest first: positions (n, 2) as x, y in cell units, and values (n,)."""

    positions: Array
    values: Array


@dataclass(frozen=True, slots=True)
class _Link:
    """An accepted limb between two peaks."""

    limb: int
    ends: tuple[End, End]
    score: float


@dataclass(slots=True, eq=False)
class _Pose:
    """A person being put together: the peak of each part, and the sum of all scores so far."""

    peak_of_part: dict[int, int]
    score: float


def _check_maps(heat: Array, paf: Array) -> None:
    size = MAP_SIZE
    if heat.ndim != 3 or len(heat) < N_PARTS or heat.shape[1:] != (size, size):
        raise InputError(
            f"heatmaps are {heat.shape}, expected at least ({N_PARTS}, {size}, {size})"
        )
    if paf.shape != (N_PAF, size, size):
        raise InputError(f"part-affinity maps are {paf.shape}, expected ({N_PAF}, {size}, {size})")
    n_bad = sum(int(np.count_nonzero(~np.isfinite(maps))) for maps in (heat, paf))
    if n_bad:
        raise InputError(
            f"{n_bad} of {heat.size + paf.size} map values are not finite",
            fix="the network diverged: train it with a lower rate",
        )


def _decode(heat: Array, paf: Array, arithmetic: Arithmetic) -> list[Person]:
    """Run the whole decoder on the arithmetic's numbers."""
    settings = arithmetic.settings
    peaks = [_find_peaks(channel, arithmetic) for channel in heat[:N_PARTS]]
    poses = _link_peaks(peaks, paf, arithmetic)
    limit = arithmetic.at_least(settings.min_mean_score)
    kept = [
        pose
        for pose in poses
        if len(pose.peak_of_part) >= settings.min_parts
        and pose.score >= len(pose.peak_of_part) * limit
    ]
    kept.sort(key=lambda pose: -pose.score)
    return [_to_person(pose, peaks, arithmetic) for pose in kept[: settings.max_people]]


def _find_peaks(channel: Array, arithmetic: Arithmetic) -> _Peaks:
    """Find cells that are above the threshold and not below any of their four neighbours.

    They must exceed the left and the upper neighbour, so that a flat top is one peak. Outside the
    map all is lower; along an axis that lacks a neighbour the position is the cell's centre.
    """
    padded = np.pad(channel, 1, constant_values=BELOW_EVERY_VALUE)
    left, right = padded[1:-1, :-2], padded[1:-1, 2:]
    up, down = padded[:-2, 1:-1], padded[2:, 1:-1]
    is_peak = channel > arithmetic.above(arithmetic.settings.peak_threshold)
    is_peak &= (channel > left) & (channel > up) & (channel >= right) & (channel >= down)
    rows, columns = np.nonzero(is_peak)
    best = np.argsort(-channel[rows, columns], kind="stable")[: arithmetic.settings.max_peaks]
    rows, columns = rows[best], columns[best]
    values = channel[rows, columns]
    offset_x = arithmetic.offsets(left[rows, columns], values, right[rows, columns])
    offset_y = arithmetic.offsets(up[rows, columns], values, down[rows, columns])
    cells = np.stack((columns, rows), axis=1).astype(channel.dtype)
    inside = (cells > 0) & (cells < MAP_SIZE - 1)
    offsets = np.stack((offset_x, offset_y), axis=1) * inside
    return _Peaks(cells * arithmetic.cell_unit + offsets, values)


def _link_peaks(peaks: Sequence[_Peaks], paf: Array, arithmetic: Arithmetic) -> list[_Pose]:
    """Walk the limbs in decoding order; of each, take the best pairs first, every peak once."""
    poses: list[_Pose] = []
    owner: dict[End, _Pose] = {}
    for limb in DECODING_ORDER:
        part_a, part_b = LIMBS[limb]
        start, end = peaks[part_a].positions, peaks[part_b].positions
        if len(start) == 0 or len(end) == 0:
            continue
        scores = arithmetic.limb_scores(paf[2 * limb : 2 * limb + 2], start, end)
        for a, b in _best_pairs(scores):
            link = _Link(limb, ((part_a, a), (part_b, b)), scores[a, b].item())
            _join(link, peaks, poses, owner)
    return poses


def _best_pairs(scores: Array) -> list[tuple[int, int]]:
    """Pick index pairs of positive scores greedily, highest first, no row and no column twice."""
    pairs: list[tuple[int, int]] = []
    free = scores > 0
    for flat in np.argsort(-scores, axis=None, kind="stable").tolist():
        a, b = divmod(flat, scores.shape[1])
        if free[a, b]:
            pairs.append((a, b))
            free[a] = False
            free[:, b] = False
    return pairs


def _join(
    link: _Link, peaks: Sequence[_Peaks], poses: list[_Pose], owner: dict[End, _Pose]
) -> None:
    """Let a link strengthen, merge, extend or open poses, or drop it.

    Inside one pose it adds its score. Two poses merge if they share no part. A pose takes the other
    end if it lacks that part. Free ends open a pose, but not on the two shoulder-ear limbs.
    """
    first, second = (owner.get(end) for end in link.ends)
    if first is not None and second is not None:
        if first is second:
            first.score += link.score
        elif first.peak_of_part.keys().isdisjoint(second.peak_of_part):
            first.peak_of_part |= second.peak_of_part
            first.score += second.score + link.score
            owner.update(dict.fromkeys(second.peak_of_part.items(), first))
            poses.remove(second)
        return
    pose = first or second
    if pose is None:
        if link.limb in COMPLETING_LIMBS:
            return
        pose = _Pose({}, 0)
        poses.append(pose)
    new_ends = [end for end in link.ends if end not in owner]
    if any(part in pose.peak_of_part for part, _ in new_ends):
        return
    pose.score += link.score
    for part, peak in new_ends:
        pose.peak_of_part[part] = peak
        pose.score += peaks[part].values[peak].item()
        owner[part, peak] = pose


def _to_person(pose: _Pose, peaks: Sequence[_Peaks], arithmetic: Arithmetic) -> Person:
    """Turn the arithmetic's numbers into input pixels and map units."""
    parts = np.full((N_PARTS, 3), (np.nan, np.nan, 0))
    for part, peak in pose.peak_of_part.items():
        x, y = (peaks[part].positions[peak] / arithmetic.cell_unit).tolist()
        value = peaks[part].values[peak] / arithmetic.score_unit
        parts[part] = cell_to_pixel(x), cell_to_pixel(y), value
    parts.flags.writeable = False
    return Person(parts, pose.score / arithmetic.score_unit)
