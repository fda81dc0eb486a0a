"""Targets against a second, plain reading of the rules; flips and shifts against redrawing."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai8x_models.tasks.pose.data import augment
from ai8x_models.tasks.pose.data.targets import (
    PAF_THICKNESS_CELLS,
    SIGMA_PIXELS,
    draw_targets,
    part_points,
)
from max78000.apps.pose.skeleton import (
    BACKGROUND,
    COCO_NAMES,
    LIMBS,
    NECK,
    PART_NAMES,
    cell_to_pixel,
    pixel_to_cell,
)

LEFT_SHOULDER, RIGHT_SHOULDER = (
    COCO_NAMES.index("left_shoulder"),
    COCO_NAMES.index("right_shoulder"),
)
UPPER_RIGHT_ARM = LIMBS.index((PART_NAMES.index("right shoulder"), PART_NAMES.index("right elbow")))


def random_people(seed, n_people=3, low=-20, high=148):
    """People with points inside and outside the image, on a grid that floats represent exactly."""
    rng = np.random.default_rng(seed)
    keypoints = np.zeros((n_people, 17, 3), np.float32)
    keypoints[..., :2] = rng.integers(low * 16, high * 16, (n_people, 17, 2)) / 16
    keypoints[..., 2] = rng.integers(0, 3, (n_people, 17))
    keypoints[keypoints[..., 2] == 0] = 0
    return keypoints


FLIP_COCO = [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15]


def flipped_people(keypoints):
    """Mirror keypoints and swap left with right; points not labelled stay zero."""
    flipped = keypoints[:, FLIP_COCO]
    flipped[..., 0] = np.where(flipped[..., 2] > 0, 127 - flipped[..., 0], 0)
    return flipped


def shifted_people(keypoints, down_cells, right_cells):
    """Move keypoints by whole cells; points not labelled stay zero."""
    moved = keypoints.copy()
    moved[..., :2] += (8 * right_cells, 8 * down_cells)
    moved[keypoints[..., 2] == 0] = 0
    return moved


def one_person(**points):
    keypoints = np.zeros((1, 17, 3), np.float32)
    for name, (x, y) in points.items():
        keypoints[0, COCO_NAMES.index(name)] = x, y, 2
    return keypoints


def plain_targets(keypoints, size=16):
    """The rules once more, cell by cell, without a vector in sight."""
    heat, paf = np.zeros((19, size, size)), np.zeros((38, size, size))
    counts = np.zeros((19, size, size))
    for person in part_points(keypoints):
        inside = [v > 0 and max(abs(x - 63.5), abs(y - 63.5)) <= 64 for x, y, v in person]
        for i, j in np.ndindex(size, size):
            for part, (x, y, _) in enumerate(person):
                squared = (cell_to_pixel(j) - x) ** 2 + (cell_to_pixel(i) - y) ** 2
                exponent = squared / (2 * SIGMA_PIXELS**2)
                if inside[part] and exponent <= math.log(100) + 1e-6:
                    heat[part, i, j] = max(heat[part, i, j], math.exp(-exponent))
            for limb, (a, b) in enumerate(LIMBS):
                start, end = (pixel_to_cell(person[part, :2]) for part in (a, b))
                length = math.dist(start, end)
                if not (inside[a] and inside[b]) or length <= 1e-6:
                    continue
                ux, uy = (end - start) / length
                reach = PAF_THICKNESS_CELLS + 1e-6
                is_near = abs(ux * (i - start[1]) - uy * (j - start[0])) <= reach
                in_columns = min(start[0], end[0]) - reach <= j <= max(start[0], end[0]) + reach
                in_rows = min(start[1], end[1]) - reach <= i <= max(start[1], end[1]) + reach
                if is_near and in_columns and in_rows:
                    paf[2 * limb : 2 * limb + 2, i, j] += ux, uy
                    counts[limb, i, j] += 1
    heat[BACKGROUND] = 1 - heat[:BACKGROUND].max(0)
    return heat, paf / np.maximum(np.repeat(counts, 2, axis=0), 1)


@pytest.mark.long
@pytest.mark.parametrize("seed", [0, 1])
def test_the_vectorised_maps_equal_the_plain_ones(seed):
    keypoints = random_people(seed)
    for found, expected in zip(draw_targets(keypoints), plain_targets(keypoints), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_without_people_all_is_background():
    heat, paf = draw_targets(np.zeros((0, 17, 3)))
    assert heat.shape == (19, 16, 16)
    assert paf.shape == (38, 16, 16)
    assert heat.dtype == paf.dtype == np.float32
    assert not heat[:BACKGROUND].any()
    assert not paf.any()
    assert (heat[BACKGROUND] == 1).all()


def test_a_peak_sits_in_the_cell_whose_centre_the_keypoint_is():
    nose = PART_NAMES.index("nose")
    heat, _ = draw_targets(one_person(nose=(cell_to_pixel(5), cell_to_pixel(11))))
    assert heat[nose, 11, 5] == 1
    assert heat[nose, 11, 4] == pytest.approx(math.exp(-64 / 98))
    assert heat[nose, 11, 8] == 0  # 24 pixels: beyond ln 100
    assert heat[BACKGROUND, 11, 5] == 0


def test_several_people_keep_the_larger_value():
    near, far = one_person(nose=(60, 60)), one_person(nose=(66, 60))
    both, _ = draw_targets(np.concatenate((near, far)))
    expected = np.maximum(draw_targets(near)[0][0], draw_targets(far)[0][0])
    np.testing.assert_array_equal(both[0], expected)


def test_overlapping_limbs_are_averaged():
    right = one_person(right_shoulder=(40, 59.5), right_elbow=(80, 59.5))
    down = one_person(right_shoulder=(59.5, 40), right_elbow=(59.5, 80))
    _, paf = draw_targets(np.concatenate((right, down)))
    assert paf[2 * UPPER_RIGHT_ARM : 2 * UPPER_RIGHT_ARM + 2, 7, 7].tolist() == [0.5, 0.5]
    _, alone = draw_targets(right)
    band = alone[2 * UPPER_RIGHT_ARM] == 1
    assert np.flatnonzero(band.any(1)).tolist() == [6, 7, 8]  # one cell to either side
    assert np.flatnonzero(band.any(0)).tolist() == [4, 5, 6, 7, 8, 9, 10]


def test_a_point_outside_the_image_has_no_heatmap_and_no_limb():
    keypoints = one_person(right_shoulder=(120, 60), right_elbow=(127.75, 60))
    heat, paf = draw_targets(keypoints)
    assert heat[PART_NAMES.index("right shoulder")].any()
    assert not heat[PART_NAMES.index("right elbow")].any()
    assert not paf.any()


@pytest.mark.parametrize(
    ("left", "right", "neck"), [(2, 2, 2), (1, 2, 1), (2, 1, 1), (0, 2, 0), (0, 0, 0)]
)
def test_the_neck_needs_both_shoulders_and_is_as_visible_as_the_worse(left, right, neck):
    keypoints = np.zeros((17, 3))
    keypoints[LEFT_SHOULDER] = np.array((50, 40, 1)) * (left > 0) + (0, 0, left - (left > 0))
    keypoints[RIGHT_SHOULDER] = np.array((30, 44, 1)) * (right > 0) + (0, 0, right - (right > 0))
    found = part_points(keypoints)[NECK]
    assert found.tolist() == ([40, 42, neck] if neck else [0, 0, 0])


def test_flipping_twice_changes_nothing():
    rng = np.random.default_rng(4)
    image = rng.integers(0, 256, (2, 128, 128, 3), np.uint8)
    heat, paf = rng.normal(size=(2, 19, 16, 16)), rng.normal(size=(2, 38, 16, 16))
    mask = rng.integers(0, 256, (2, 16, 16), np.uint8)
    np.testing.assert_array_equal(augment.flip_image(augment.flip_image(image)), image)
    np.testing.assert_array_equal(augment.flip_mask(augment.flip_mask(mask)), mask)
    for found, expected in zip(
        augment.flip_maps(*augment.flip_maps(heat, paf)), (heat, paf), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), n_people=st.integers(0, 4))
def test_targets_of_flipped_people_are_the_flipped_targets(seed, n_people):
    keypoints = random_people(seed, n_people)
    expected = augment.flip_maps(*draw_targets(keypoints))
    found = draw_targets(flipped_people(keypoints))
    for found_maps, expected_maps in zip(found, expected, strict=True):
        np.testing.assert_allclose(found_maps, expected_maps, atol=1e-6)


def test_a_flip_turns_the_x_component_and_swaps_the_arms():
    _, paf = draw_targets(one_person(right_shoulder=(40, 60), right_elbow=(80, 60)))
    _, flipped = augment.flip_maps(draw_targets(np.zeros((0, 17, 3)))[0], paf)
    upper_left_arm = LIMBS.index(
        (PART_NAMES.index("left shoulder"), PART_NAMES.index("left elbow"))
    )
    assert flipped[2 * upper_left_arm].min() == -1
    assert not flipped[2 * UPPER_RIGHT_ARM].any()


def test_flipping_quantized_teacher_maps_keeps_the_type():
    heat, paf = np.full((19, 16, 16), 127, np.int8), np.full((38, 16, 16), -127, np.int8)
    flipped_heat, flipped_paf = augment.flip_maps(heat, paf)
    assert flipped_heat.dtype == flipped_paf.dtype == np.int8
    assert (flipped_paf[0::2] == 127).all()
    assert (flipped_paf[1::2] == -127).all()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), down=st.integers(-2, 2), right=st.integers(-2, 2))
def test_targets_of_shifted_people_are_the_shifted_targets(seed, down, right):
    keypoints = random_people(seed, low=24, high=104)  # nobody reaches into the new cells or leaves
    heat, paf = draw_targets(keypoints)
    expected = augment.shift_maps(heat, paf, down, right)
    found = draw_targets(shifted_people(keypoints, down, right))
    counted = augment.shift_mask(np.full((16, 16), 255, np.uint8), down, right) > 0
    assert counted.sum() == (16 - abs(down)) * (16 - abs(right))
    for found_maps, expected_maps in zip(found, expected, strict=True):
        np.testing.assert_allclose(found_maps[:, counted], expected_maps[:, counted], atol=1e-6)


def test_a_shift_moves_image_and_maps_alike():
    image = np.zeros((128, 128, 3), np.uint8)
    image[8:16, 8:16] = 200  # cell (1, 1)
    moved = augment.shift_image(image, 1, 2)
    assert (moved[16:24, 24:32] == 200).all()
    assert (moved == 200).sum() == (image == 200).sum()
    heat = np.zeros((19, 16, 16), np.int8)
    heat[0, 0, 0] = 127
    shifted, _ = augment.shift_maps(heat, np.zeros((38, 16, 16), np.int8), 1, 2)
    assert shifted[0, 1, 2] == 127
    assert (shifted[BACKGROUND, 0] == 127).all()  # new cells are background, in either number type


def test_a_shift_repeats_the_border_of_the_image():
    image = np.arange(128, dtype=np.uint8)[None, :, None].repeat(128, 0).repeat(3, 2)
    moved = augment.shift_image(image, 0, -3)
    assert (moved[:, -24:] == 127).all()
    assert (moved[:, 0] == 24).all()


def test_jitter_changes_levels_but_not_shapes():
    image = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)
    changed = augment.jitter(np.random.default_rng(1), image)
    assert changed.shape == image.shape
    assert changed.dtype == np.uint8
    same = image[..., 0] == image[0, 0, 0]
    assert len(np.unique(changed[..., 0][same])) == 1  # a table: equal levels stay equal
    np.testing.assert_array_equal(changed, augment.jitter(np.random.default_rng(1), image))
