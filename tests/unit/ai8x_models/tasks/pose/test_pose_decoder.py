"""The decoder finds drawn people; its integer form equals plain loops over 32-bit numbers."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai8x_models.tasks.pose.data.targets import draw_targets, part_points
from ai8x_models.tasks.pose.decoder import (
    DecoderSettings,
    _find_peaks,
    decode,
    decode_integer,
    to_coco,
)
from ai8x_models.tasks.pose.decoder_arithmetic import FloatArithmetic, IntegerArithmetic
from max78000.apps.pose.person import Person
from max78000.apps.pose.skeleton import COCO_OF_PART, DECODING_ORDER, LIMBS, NECK, cell_to_pixel
from max78000.errors import InputError

pytestmark = pytest.mark.long  # seconds each

# A standing person, seen from the front, COCO-17 order; x and y over body height.
# fmt: off
STANDING = np.array((
    (0, .08), (.03, .06), (-.03, .06), (.06, .08), (-.06, .08), (.12, .2), (-.12, .2),
    (.2, .35), (-.2, .35), (.24, .5), (-.24, .5), (.08, .5), (-.08, .5), (.1, .74), (-.1, .74),
    (.1, .96), (-.1, .96),
))
# fmt: on


def standing(x_px=64.0, top_px=8.0, height_px=110.0, jitter_px=0.0, rng=None):
    """Keypoints (17, 3) of a person."""
    points = STANDING * height_px + (x_px, top_px)
    if jitter_px:
        points = points + rng.normal(0, jitter_px, points.shape)
    return np.c_[points, np.full(17, 2)]


def scene(rng):
    """Targets of one to three jittered people."""
    n_people = int(rng.integers(1, 4))
    places = (np.arange(n_people) + 0.5) * 128 / n_people + rng.normal(0, 6, n_people)
    people = [
        standing(x, rng.uniform(2, 30), rng.uniform(60, 95), 3.0, rng) for x in places.tolist()
    ]
    return draw_targets(np.array(people))


def as_integers(maps, one):
    low, high = (-128, 127) if one == 128 else (-(2**31), 2**31 - 1)
    return np.clip(np.rint(maps.astype(np.float64) * one), low, high).astype(np.int32)


def same_people(first, second, tolerance_px):
    return len(first) == len(second) and all(
        np.array_equal(a.found, b.found)
        and np.allclose(a.parts, b.parts, rtol=0, atol=tolerance_px, equal_nan=True)
        for a, b in zip(first, second, strict=True)
    )


# Float.


@settings(max_examples=40, deadline=None)
@given(
    x_px=st.floats(40, 88),
    top_px=st.floats(2, 12),
    height_px=st.floats(85, 108),
    eyes=st.booleans(),
)
def test_a_perfect_person_is_found_to_a_hundredth_of_a_pixel(x_px, top_px, height_px, eyes):
    keypoints = standing(x_px, top_px, height_px)
    keypoints[1:3, 2] *= eyes
    (person,) = decode(*draw_targets(keypoints[None]))
    expected = part_points(keypoints)
    assert np.array_equal(person.found, expected[:, 2] > 0)
    in_border_cell = (expected[:, :2] < 8) | (expected[:, :2] > 119)
    error_px = np.abs(person.parts[:, :2] - expected[:, :2])
    assert np.all(error_px[person.found & ~in_border_cell.any(axis=1)] < 0.01)
    assert np.nanmax(error_px) < 4.01  # no sub-cell step at the border


def test_people_come_best_first_and_absent_parts_are_nan():
    whole, half = standing(30, 10, 100), standing(95, 10, 100)
    half[13:, 2] = 0
    first, second = decode(*draw_targets(np.array((half, whole))))
    assert (first.n_parts, second.n_parts) == (18, 14)
    assert abs(first.parts[NECK, 0] - 30) < 1
    assert np.isnan(second.parts[10, :2]).all()
    assert second.parts[10, 2] == 0
    assert first.score > second.score
    assert 1.5 < first.score / first.n_parts < 2
    with pytest.raises(ValueError, match="read-only"):
        first.parts[0] = 0


def test_empty_maps_hold_nobody():
    assert decode(np.zeros((19, 16, 16)), np.zeros((38, 16, 16))) == []
    assert decode_integer(np.zeros((19, 16, 16), int), np.zeros((38, 16, 16), int), 128) == []


@pytest.mark.parametrize(
    "cells", [((4, 4), (4, 5)), ((4, 4), (5, 4)), ((4, 4), (4, 5), (5, 4), (5, 5))]
)
def test_a_flat_top_is_one_peak_in_its_middle_or_half_a_cell_off(cells):
    channel = np.zeros((16, 16))
    for row, column in cells:
        channel[row, column] = 0.8
    peaks = _find_peaks(channel, FloatArithmetic(DecoderSettings()))
    middle = np.mean(cells, axis=0)[::-1]
    assert peaks.positions == pytest.approx(middle[None])


@pytest.mark.parametrize("corner", [(0, 0), (0, 15), (15, 0), (15, 15)])
def test_border_cells_are_peaks_without_a_step(corner):
    channel = np.zeros((16, 16))
    channel[corner] = 0.5
    peaks = _find_peaks(channel, FloatArithmetic(DecoderSettings()))
    assert peaks.positions.tolist() == [[corner[1], corner[0]]]


def test_no_more_than_eight_peaks_of_a_part_highest_first():
    channel = np.zeros((16, 16))
    channel[::2, ::2] = np.linspace(0.2, 0.9, 64).reshape(8, 8)
    peaks = _find_peaks(channel, FloatArithmetic(DecoderSettings()))
    assert peaks.values == pytest.approx(np.linspace(0.2, 0.9, 64)[:-9:-1])


def hand_made(parts, limbs):
    """Maps with single-cell peaks {part: (x, y)} and straight fields between the ends of limbs."""
    heat, paf = np.zeros((19, 16, 16)), np.zeros((38, 16, 16))
    for part, cells in parts.items():
        for x, y in cells:
            heat[part, y, x] = 0.9
    for limb in limbs:
        (a,), (b,) = (parts[part] for part in LIMBS[limb])
        direction = np.subtract(b, a) / math.dist(a, b)
        paf[2 * limb : 2 * limb + 2] = direction[:, None, None]
    return heat, paf


def test_partial_poses_merge_and_shoulder_ear_limbs_only_complete():
    # Left arm (5, 6, 7) and nose with eye (0, 14) meet through neither neck nor ear ...
    apart = {5: [(3, 3)], 6: [(3, 7)], 7: [(3, 11)], 14: [(9, 3)], 16: [(12, 3)], 0: [(9, 6)]}
    arm, face = (11, 12), (15, 17)
    assert [person.n_parts for person in decode(*hand_made(apart, arm + face))] == [3, 3]
    # ... and become one as soon as a neck holds both.
    joined = {**apart, 1: [(6, 6)]}
    (person,) = decode(*hand_made(joined, (*arm, *face, 10, 14)))
    assert person.n_parts == 7
    # Shoulder and ear alone open no pose, but bring an ear to an arm.
    shoulder_ear = {2: [(3, 3)], 3: [(3, 7)], 16: [(8, 3)]}
    assert decode(*hand_made({2: [(3, 3)], 16: [(8, 3)]}, (9,)), DecoderSettings(min_parts=2)) == []
    (person,) = decode(*hand_made(shoulder_ear, (7, 9)))
    assert person.n_parts == 3


def test_settings_decide_who_is_kept():
    maps = draw_targets(np.array((standing(30, 10, 100), standing(95, 10, 100))))
    assert len(decode(*maps, DecoderSettings(max_people=1))) == 1
    assert decode(*maps, DecoderSettings(min_parts=19)) == []
    assert decode(*maps, DecoderSettings(min_mean_score=2.0)) == []
    assert decode(*maps, DecoderSettings(peak_threshold=1.0)) == []


def test_coincident_ends_are_skipped():
    heat, paf = hand_made({1: [(5, 5)], 2: [(5, 5)], 3: [(5, 9)]}, (7,))
    paf[12:14] = 1
    assert decode(heat, paf) == []
    assert decode_integer(as_integers(heat, 128), as_integers(paf, 128), 128) == []


# Integer: the steps of `decoder_arithmetic` in plain loops, as C would do them.


def int32(value):
    assert -(2**31) <= value < 2**31
    return value


def rounded(numerator, denominator):
    quotient = (abs(int32(numerator)) + denominator // 2) // denominator
    return quotient if numerator >= 0 else -quotient


def logarithm(value, table):
    floored = max(value, 16)
    exponent = floored.bit_length() - 1
    return int32((exponent << 16) + table[(int32(floored << 8) >> exponent) & 0xFF])


def sub_cell(channel, x, y, dx, dy, table):
    if not (0 < x < 15 if dx else 0 < y < 15):
        return 0
    before, after = (logarithm(channel[y + s * dy][x + s * dx], table) for s in (-1, 1))
    curvature = 2 * logarithm(channel[y][x], table) - before - after
    return rounded(128 * (after - before), curvature) if curvature > 0 else 0


def plain_peaks(channel, table):
    def at(x, y):
        return channel[y][x] if 0 <= x < 16 and 0 <= y < 16 else -(2**15)

    peaks = []
    for y in range(16):
        for x in range(16):
            value = channel[y][x]
            is_peak = value > 1638 and value > at(x - 1, y) and value > at(x, y - 1)
            if is_peak and value >= at(x + 1, y) and value >= at(x, y + 1):
                place = [
                    (x << 8) + sub_cell(channel, x, y, 1, 0, table),
                    (y << 8) + sub_cell(channel, x, y, 0, 1, table),
                ]
                peaks.append((*place, value))
    return sorted(peaks, key=lambda peak: -peak[2])[:8]


def plain_limb(paf_x, paf_y, start, end):
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = math.isqrt(int32(64 * (dx * dx + dy * dy)))
    if length == 0:
        return 0
    unit_x, unit_y = (rounded(int32(d << 17), length) for d in (dx, dy))
    n_passing, total = 0, 0
    for s in range(10):
        x, y = ((9 * a + s * d + 9 * 128) // 2304 for a, d in ((start[0], dx), (start[1], dy)))
        dot = int32(paf_x[y][x] * unit_x + paf_y[y][x] * unit_y + 8192) >> 14
        if dot > 819:
            n_passing, total = n_passing + 1, int32(total + dot)
    return rounded(total, n_passing) if n_passing >= 8 else 0


def plain_decode(heat, paf):
    """From Q14 maps to [(score, {part: (x, y, value)})] in Q14 and Q8 cells."""
    table = [round(65536 * math.log2(1 + m / 256)) for m in range(256)]
    heat, paf = heat.tolist(), paf.tolist()
    peaks = [plain_peaks(heat[part], table) for part in range(18)]
    poses = []  # [score, {part: index}]
    for limb in DECODING_ORDER:
        a, b = LIMBS[limb]
        links = [
            (plain_limb(paf[2 * limb], paf[2 * limb + 1], start, end), i, j)
            for i, start in enumerate(peaks[a])
            for j, end in enumerate(peaks[b])
        ]
        used = set()
        for score, i, j in sorted(links, key=lambda link: -link[0]):
            if score == 0 or (a, i) in used or (b, j) in used:
                continue
            used |= {(a, i), (b, j)}
            plain_join(poses, score, ((a, i), (b, j)), peaks, limb)
    poses = [pose for pose in poses if len(pose[1]) >= 3 and pose[0] >= 3277 * len(pose[1])]
    poses.sort(key=lambda pose: -pose[0])
    return [
        (score, {part: peaks[part][index] for part, index in parts.items()})
        for score, parts in poses[:20]
    ]


def plain_join(poses, score, ends, peaks, limb):
    holders = [[pose for pose in poses if pose[1].get(part) == i] for part, i in ends]
    if holders[0] and holders[1]:
        keep, other = holders[0][0], holders[1][0]
        if keep is other:
            keep[0] += score
        elif not set(keep[1]) & set(other[1]):
            keep[0] = int32(keep[0] + other[0] + score)
            keep[1].update(other[1])
            poses[:] = [pose for pose in poses if pose is not other]
        return
    new = [end for end, found in zip(ends, holders, strict=True) if not found]
    if len(new) == 2:
        if limb in (9, 13):
            return
        pose = [0, {}]
        poses.append(pose)
    else:
        pose = (holders[0] or holders[1])[0]
    if not any(part in pose[1] for part, _ in new):
        pose[0] = int32(pose[0] + score + sum(peaks[part][i][2] for part, i in new))
        pose[1].update(new)


def assert_equal_to_plain(heat, paf, one):
    shift = 15 - one.bit_length()
    q14 = [np.clip(maps.astype(np.int64) << shift, -(2**15), 2**15 - 1) for maps in (heat, paf)]
    expected = plain_decode(*q14)
    people = decode_integer(heat, paf, one)
    assert len(people) == len(expected)
    for person, (score, parts) in zip(people, expected, strict=True):
        assert person.score * 2**14 == score
        assert set(np.flatnonzero(person.found)) == set(parts)
        for part, (x, y, value) in parts.items():
            pixels = [(8 * (x + 128) - 128) / 256, (8 * (y + 128) - 128) / 256]
            assert person.parts[part].tolist() == [*pixels, value / 2**14]


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    noise=st.sampled_from((0.0, 0.05, 0.2)),
    one=st.sampled_from((128, 1024, 16384)),
)
def test_integer_decoder_equals_plain_loops_on_people(seed, noise, one):
    rng = np.random.default_rng(seed)
    heat, paf = (maps + rng.normal(0, noise, maps.shape) for maps in scene(rng))
    assert_equal_to_plain(as_integers(heat, one), as_integers(paf, one), one)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), spread=st.sampled_from((2**12, 2**15, 2**31 - 1)))
def test_integer_decoder_equals_plain_loops_on_noise(seed, spread):
    rng = np.random.default_rng(seed)
    heat = rng.integers(-spread, spread, (18, 16, 16), dtype=np.int32)
    paf = np.repeat(rng.integers(-spread, spread, (38, 4, 4), dtype=np.int32), 4, axis=1).repeat(
        4, 2
    )
    assert_equal_to_plain(heat, paf, 16384)


@pytest.mark.parametrize("one", [128, 16384])
@pytest.mark.parametrize("noise", [0.0, 0.03, 0.06])
def test_integer_and_float_decode_to_the_same_people(one, noise):
    rng = np.random.default_rng(17)
    n_same = 0
    for _ in range(60):
        heat, paf = (as_integers(m + rng.normal(0, noise, m.shape), one) for m in scene(rng))
        n_same += same_people(decode(heat / one, paf / one), decode_integer(heat, paf, one), 0.1)
    assert n_same >= 57


def test_int8_threshold_is_thirteen():
    arithmetic = IntegerArithmetic(DecoderSettings())
    for value, n_peaks in ((12, 0), (13, 1)):
        channel = np.zeros((16, 16), np.int32)
        channel[3, 3] = value << 7
        assert len(_find_peaks(channel, arithmetic).values) == n_peaks


@pytest.mark.parametrize(("along", "score"), [(819, 0), (820, 820)])
def test_a_sample_passes_above_the_threshold_not_at_it(along, score):
    field_xy = np.zeros((2, 16, 16), np.int32)
    field_xy[0] = along
    ends = np.array([[0, 512]], np.int32), np.array([[2560, 512]], np.int32)
    arithmetic = IntegerArithmetic(DecoderSettings())
    assert arithmetic.limb_scores(field_xy, *ends).tolist() == [[score]]


# Refusals and results.


def test_wrong_maps_are_refused():
    heat, paf = np.zeros((19, 16, 16)), np.zeros((38, 16, 16))
    with pytest.raises(InputError, match=r"heatmaps are \(17, 16, 16\)"):
        decode(heat[:17], paf)
    with pytest.raises(InputError, match=r"part-affinity maps are \(38, 16, 8\)"):
        decode(heat, paf[..., :8])
    paf[0, 0, :3] = np.nan
    with pytest.raises(InputError, match="3 of 14592 map values are not finite"):
        decode(heat, paf)


@pytest.mark.parametrize("one", [0, 100, 64, 32768, -128])
def test_integer_decoder_refuses_odd_scales_and_floats(one):
    heat, paf = np.zeros((18, 16, 16), np.int8), np.zeros((38, 16, 16), np.int8)
    assert decode_integer(heat, paf, 128) == []
    with pytest.raises(InputError, match=f"{one} cannot stand for 1.0"):
        decode_integer(heat, paf, one)
    with pytest.raises(InputError, match="got int8 and float64 maps"):
        decode_integer(heat, paf.astype(float), 128)


def test_coco_result_reorders_fills_and_ranks():
    parts = np.full((18, 3), (np.nan, np.nan, 0))
    parts[0], parts[1], parts[2] = (10, 20, 0.9), (30, 40, 0.8), (50, 60, 0.7)
    points, score = to_coco(Person(parts, 4.0))
    table = np.reshape(points, (17, 3))
    assert score == 4.0 * 2
    assert table[0].tolist() == [10, 20, 1]
    assert table[COCO_OF_PART[2]].tolist() == [50, 60, 1]
    assert table[16].tolist() == [30, 40, 0]  # the mean of the three
    assert np.reshape(to_coco(Person(parts, 4.0), fill="zero")[0], (17, 3))[16].tolist() == [
        0,
        0,
        0,
    ]


def test_positions_use_the_one_rule_of_cells():
    heat, paf = hand_made({1: [(5, 5)], 2: [(9, 5)], 3: [(9, 9)]}, (6, 7))
    (person,) = decode(heat, paf)
    assert person.parts[3, :2].tolist() == [cell_to_pixel(9), cell_to_pixel(9)]
