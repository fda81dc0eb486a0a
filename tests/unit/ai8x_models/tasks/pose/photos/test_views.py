"""Views of photographs: pictures, points, boxes and masks move together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ai8x_models.tasks.pose.photos.camera import photographed
from ai8x_models.tasks.pose.photos.view import FLIP_COCO, View
from ai8x_models.tasks.pose.recipe import ViewPlan
from max78000.apps.pose.skeleton import COCO_NAMES
from max78000.errors import InputError


def views():
    place = st.floats(40, 260)
    return st.builds(
        View, st.tuples(place, place), st.floats(60, 400), st.floats(-3.1, 3.1), st.booleans()
    )


@pytest.mark.long
@given(views())
def test_points_and_the_affine_map_are_inverse(view):
    points = np.array(((0.0, 0.0), (127.0, 5.0), (63.5, 63.5)))
    source = points @ view.to_source[:, :2].T + view.to_source[:, 2]
    np.testing.assert_allclose(view.points(source), points, atol=1e-6)
    np.testing.assert_allclose(source[2], view.centre, atol=1e-6)


@pytest.mark.long
@given(views(), st.integers(60, 240), st.integers(60, 240))
def test_a_spot_is_where_its_point_says(view, x, y):
    picture = np.zeros((300, 300, 3), np.uint8)
    rows, columns = np.mgrid[:300, :300]
    picture[np.hypot(columns - x, rows - y) <= 12] = 255
    image = view.image(Image.fromarray(picture))[..., 0].astype(float)
    wanted = view.points(np.array((x, y), float))
    margin = 14 * view.scale
    if not ((wanted > margin) & (wanted < 127 - margin)).all():
        return
    inside = np.zeros((128, 128), bool)  # without the grey around the picture
    low, high = np.floor(wanted - margin).astype(int), np.ceil(wanted + margin).astype(int)
    inside[low[1] : high[1] + 1, low[0] : high[0] + 1] = True
    weight = np.where(inside, image, 0)
    rows, columns = np.mgrid[:128, :128]
    found = np.array(((weight * columns).sum(), (weight * rows).sum())) / weight.sum()
    np.testing.assert_allclose(found, wanted, atol=0.35)


def test_mirrored_people_change_sides():
    keypoints = np.zeros((1, 17, 3))
    keypoints[0, COCO_NAMES.index("left_wrist")] = (30, 40, 2)
    view = View((50.0, 50.0), 128.0, 0.0, True)
    moved = view.keypoints(keypoints)[0]
    assert moved[COCO_NAMES.index("right_wrist")] == pytest.approx((83.5, 53.5, 2))
    assert np.count_nonzero(moved[:, 2]) == 1
    assert [
        COCO_NAMES[one].replace("left", "right") for one in FLIP_COCO if "left" in COCO_NAMES[one]
    ]


@pytest.mark.long
@given(views())
def test_masks_move_with_pictures(view):
    mask = np.zeros((75, 75), np.uint8)
    mask[20:50, 10:60] = 255  # a quarter of 300 x 300: rows 80..200, columns 40..240
    covered = view.mask(Image.fromarray(mask), 0.25) / 255
    rows, columns = np.mgrid[:128, :128]
    points = np.stack((columns, rows), axis=-1).astype(float)
    x, y = np.moveaxis(points @ view.to_source[:, :2].T + view.to_source[:, 2], -1, 0)
    truth = (x > 39.5) & (x < 239.5) & (y > 79.5) & (y < 199.5)
    wanted = truth.reshape(16, 8, 16, 8).mean((1, 3))
    assert np.abs(covered - wanted).mean() < 0.03
    assert np.abs(covered - wanted).max() < 0.5


def test_boxes_hold_their_corners():
    view = View((100.0, 90.0), 256.0, np.pi / 2)
    (box,) = view.boxes(np.array(((90.0, 50.0, 20.0, 80.0),)))
    assert box[2:] == pytest.approx((40, 10))


@given(st.integers(0, 10_000))
def test_disturbed_views_stay_within_the_plan(seed):
    plan = ViewPlan(scale=(0.5, 2.0), rotate=10, shift=0.1, flip=False)
    view = View.of_person(np.array((10, 20, 60, 90)))
    other = view.disturbed(plan, np.random.default_rng(seed))
    assert view.side / 2.001 <= other.side <= view.side * 2.001
    assert abs(np.degrees(other.angle)) <= 10
    assert np.abs(np.array(other.centre) - view.centre).max() <= 0.1 * other.side + 1e-9
    assert not other.is_mirrored


def test_a_scale_has_two_ends():
    with pytest.raises(InputError, match="is no scale"):
        ViewPlan(scale=(1.5, 0.5))


def test_cameras_change_pixels_and_nothing_else():
    image = np.random.default_rng(1).integers(0, 255, (128, 128, 3), np.uint8)
    assert photographed(image, 0.0, np.random.default_rng(2)) is image
    changed = photographed(image, 1.0, np.random.default_rng(2))
    assert changed.shape == image.shape
    assert changed.dtype == np.uint8
    np.testing.assert_array_equal(changed, photographed(image, 1.0, np.random.default_rng(2)))
    assert (changed != image).mean() > 0.5
