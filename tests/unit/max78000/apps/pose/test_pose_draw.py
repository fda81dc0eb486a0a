"""Skeletons land where the keypoints are, at any picture size, in the colour of their side."""

import numpy as np
import pytest
from PIL import Image

from max78000.apps.pose.draw import LIMB_COLOURS, draw_people
from max78000.apps.pose.skeleton import FLIP_LIMBS, LIMBS

pytestmark = pytest.mark.long  # seconds each

GREY = (90, 90, 90)


def parts_at(points):
    parts = np.full((18, 3), (np.nan, np.nan, 0))
    for part, (x, y) in points.items():
        parts[part] = x, y, 0.9
    return parts


def changed(drawn):
    """Bounding box (left, top, right, bottom) of what is no longer grey, as shares of the size."""
    rows, columns = np.nonzero(np.abs(np.asarray(drawn, int) - GREY[0]).max(axis=2) > 20)
    height, width = np.asarray(drawn).shape[:2]
    return columns.min() / width, rows.min() / height, columns.max() / width, rows.max() / height


@pytest.mark.parametrize(
    ("size", "drawn_size"),
    [
        ((128, 128), (640, 640)),
        ((100, 50), (700, 350)),
        ((640, 480), (640, 480)),
        ((1280, 720), (1280, 720)),
        ((4096, 2048), (2048, 1024)),
        ((3000, 1), (2048, 1)),
        ((1, 1), (640, 640)),
    ],
)
def test_size_of_the_drawing(size, drawn_size):
    assert draw_people(Image.new("RGB", size), []).size == drawn_size


@pytest.mark.parametrize("size", [(128, 128), (1280, 720), (3000, 3000)])
def test_a_limb_spans_its_joints(size):
    width, height = size
    ends = {
        1: (0.25 * width - 0.5, 0.5 * height - 0.5),
        8: (0.75 * width - 0.5, 0.5 * height - 0.5),
    }
    drawn = draw_people(Image.new("RGB", size, GREY), [parts_at(ends)])
    left, top, right, bottom = changed(drawn)
    assert (left, right) == pytest.approx((0.25, 0.75), abs=0.015)
    assert (top + bottom) / 2 == pytest.approx(0.5, abs=0.005)
    middle = drawn.getpixel((drawn.width // 2, drawn.height // 2))
    assert middle == pytest.approx(LIMB_COLOURS[0], abs=20)


def test_no_people_leave_the_picture_as_it_was():
    picture = Image.effect_noise((700, 500), 40).convert("RGB")
    assert np.array_equal(draw_people(picture, []), picture)
    assert np.array_equal(draw_people(picture, [parts_at({})]), picture)


def test_the_picture_given_is_not_drawn_on():
    picture = Image.new("RGB", (700, 500), GREY)
    draw_people(picture, [parts_at({0: (100, 100), 1: (300, 300)})])
    assert picture.getcolors() == [(350_000, GREY)]


def test_small_people_get_thin_lines_and_points_outside_are_clipped():
    picture = Image.new("RGB", (1000, 1000), GREY)
    small = draw_people(picture, [parts_at({1: (500, 500), 8: (500, 530)})])
    large = draw_people(picture, [parts_at({1: (500, 100), 8: (500, 900)})])
    widths = [changed(drawn)[2] - changed(drawn)[0] for drawn in (small, large)]
    assert widths[0] < 0.5 * widths[1]
    outside = draw_people(picture, [parts_at({1: (-300, -40), 8: (1500, 2000)})])
    assert outside.size == (1000, 1000)


def test_the_first_person_lies_on_top():
    across = parts_at({1: (100, 500), 8: (900, 500)})
    down = parts_at({1: (500, 100), 11: (500, 900)})
    picture = Image.new("RGB", (1000, 1000), GREY)
    for people, limb in (((across, down), 0), ((down, across), 3)):
        pixel = draw_people(picture, people).getpixel((500, 500))
        assert pixel == pytest.approx(LIMB_COLOURS[limb], abs=20)


def test_every_limb_has_a_colour_and_sides_differ():
    assert len(LIMB_COLOURS) == len(LIMBS)
    sides = [limb for limb, mirrored in enumerate(FLIP_LIMBS) if mirrored != limb]
    assert all(LIMB_COLOURS[limb] != LIMB_COLOURS[FLIP_LIMBS[limb]] for limb in sides)
