"""Pictures of every kind in, keypoints in their own pixels out; bad files are named, not fatal."""

import json
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ai8x_models.pose.decoder import decode_integer
from ai8x_models.pose.letterbox import Letterbox, letterbox, read_picture, to_rgb
from ai8x_models.pose.predict import find_people, predict_pictures
from ai8x_models.pose.skeleton import COCO_OF_PART, PART_NAMES
from ai8x_models.pose.targets import draw_targets
from max78000.errors import InputError

# A person in input pixels, COCO-17 order: a grid of points, far enough apart to be told apart.
PERSON = np.c_[20.0 + 22 * (np.arange(17) % 5), 18.0 + 28 * (np.arange(17) // 5), np.full(17, 2)]
MARK = (250, 10, 20)


def knows_person(images):
    assert images.shape == (1, 128, 128, 3)
    assert images.dtype == np.uint8
    heat, paf = draw_targets(PERSON[None])
    return heat[None], paf[None]


def knows_nobody(_images):
    return np.zeros((1, 19, 16, 16)), np.zeros((1, 38, 16, 16))


def photograph(path, size=(640, 480)):
    Image.linear_gradient("L").resize(size).convert("RGB").save(path)
    return path


# Letterbox.


@given(
    width=st.integers(1, 9000), height=st.integers(1, 9000), x=st.floats(-1, 2), y=st.floats(-1, 2)
)
def test_points_come_back(width, height, x, y):
    box = Letterbox(width, height)
    point = np.array((x * width, y * height))
    assert box.source_points(box.points(point)) == pytest.approx(
        point, abs=1e-6 * max(width, height)
    )
    assert max(box.size) == 128
    assert min(box.size) >= 1
    edges = box.points(np.array(((-0.5, -0.5), (width - 0.5, height - 0.5))))
    assert edges[0] == pytest.approx(np.array(box.corner) - 0.5)
    assert edges[1] == pytest.approx(np.add(box.corner, box.size) - 0.5)


@pytest.mark.parametrize("size", [(640, 480), (300, 1200), (128, 128), (64, 40), (1000, 10)])
def test_a_mark_lands_where_points_says(size):
    picture = Image.new("RGB", size, (10, 200, 60))
    middle, radius = (0.3 * size[0], 0.6 * size[1]), max(0.1 * max(size) / 2, 3)
    left, top = (round(m - radius) for m in middle)
    right, bottom = (round(m + radius) for m in middle)
    picture.paste(MARK, (left, top, right, bottom))
    image, box = letterbox(picture)
    assert image.shape == (128, 128, 3)
    inside = (image != 128).all(axis=2)
    weight = np.where(inside, image[..., 0].astype(float) - 10, 0)  # red, less the background's
    rows, columns = np.indices(weight.shape)
    centre = [(weight * index).sum() / weight.sum() for index in (columns, rows)]
    shown = np.array([[max(left, 0), max(top, 0)], [min(right, size[0]), min(bottom, size[1])]])
    expected = box.points(shown.mean(axis=0) - 0.5)
    assert centre == pytest.approx(expected.tolist(), abs=0.15)


def test_padding_is_grey():
    image, box = letterbox(Image.new("RGB", (200, 100), MARK))
    assert (box.size, box.corner) == ((128, 64), (0, 32))
    assert (image[:32] == 128).all()
    assert (image[96:] == 128).all()
    assert (image[32:96] == MARK).all()


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (Image.new("L", (4, 4), 77), (77, 77, 77)),
        (Image.new("1", (4, 4), 1), (255, 255, 255)),
        (Image.new("RGBA", (4, 4), (200, 100, 50, 255)), (200, 100, 50)),
        (Image.new("RGBA", (4, 4), (200, 100, 50, 0)), (128, 128, 128)),
        (Image.new("LA", (4, 4), (200, 0)), (128, 128, 128)),
        (Image.new("CMYK", (4, 4), (0, 0, 0, 0)), (255, 255, 255)),
        (Image.new("I;16", (4, 4), 0x4D12), (77, 77, 77)),
        (Image.new("I", (4, 4), 0x4D12), (77, 77, 77)),
        (Image.new("F", (4, 4), 77.9), (77, 77, 77)),
        (Image.new("RGB", (4, 4), MARK).convert("P", palette=Image.Palette.ADAPTIVE), MARK),
    ],
    ids=lambda value: value.mode if isinstance(value, Image.Image) else "",
)
def test_every_mode_becomes_rgb(picture, expected):
    rgb = to_rgb(picture)
    assert rgb.mode == "RGB"
    assert rgb.getpixel((2, 2)) == pytest.approx(expected, abs=1)


def test_transparent_palette_shows_grey(tmp_path):
    picture = Image.new("P", (8, 8), 3)
    picture.putpalette([255, 0, 0] * 256)
    picture.save(tmp_path / "icon.gif", transparency=3)
    assert read_picture(tmp_path / "icon.gif").getpixel((4, 4)) == (128, 128, 128)


def test_the_cameras_rotation_mark_is_obeyed(tmp_path):
    picture = Image.new("RGB", (60, 40))
    picture.paste(MARK, (0, 0, 20, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: turn right to show
    picture.save(tmp_path / "phone.png", exif=exif)
    upright = read_picture(tmp_path / "phone.png")
    assert upright.size == (40, 60)
    assert upright.getpixel((35, 5)) == MARK
    assert upright.getpixel((5, 5)) == (0, 0, 0)


# Bad files.


def bad_file(folder, kind):
    photograph(folder / "good.jpg")
    photograph(folder / "good.png")
    content = {
        "cut.jpg": (folder / "good.jpg").read_bytes()[:-3000],
        "cut.png": (folder / "good.png").read_bytes()[:-700],
        "empty.jpg": b"",
        "text.jpg": b"no picture at all\n" * 30,
        "head.png": (folder / "good.png").read_bytes()[:20],
    }
    if kind in content:
        (folder / kind).write_bytes(content[kind])
    if kind == "folder":
        (folder / kind).mkdir()
    return folder / kind


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("absent.jpg", "no such file"),
        ("folder", "not a file"),
        ("cut.jpg", "truncated"),
        ("cut.png", "truncated"),
        ("empty.jpg", "not a picture"),
        ("text.jpg", "not a picture"),
        ("head.png", ""),
    ],
)
def test_bad_files_give_one_clear_error(tmp_path, kind, why):
    path = bad_file(tmp_path, kind)
    with pytest.raises(InputError) as caught:
        read_picture(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert why in caught.value.why
    assert "\n" not in str(caught.value)


def test_monstrous_pictures_are_refused(tmp_path, monkeypatch):
    path = photograph(tmp_path / "large.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 200_000)
    assert read_picture(path).size == (640, 480)  # above the warning, below the error
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100_000)
    with pytest.raises(InputError, match=r"too large.*307200 pixels.*scale it down"):
        read_picture(path)


# Prediction.


def test_people_are_found_in_pixels_of_the_picture(tmp_path):
    picture = read_picture(photograph(tmp_path / "street.jpg", (1280, 720)))
    (person,) = find_people(picture, knows_person)
    box = Letterbox(1280, 720)
    for part, joint in enumerate(COCO_OF_PART):
        if joint is not None:
            expected = box.source_points(PERSON[joint, :2])
            assert person.parts[part, :2] == pytest.approx(expected, abs=1.0)
    assert np.abs(box.points(person.parts[0, :2]) - PERSON[0, :2]).max() < 0.1


def test_integer_models_bring_their_decoder(tmp_path):
    picture = read_picture(photograph(tmp_path / "street.jpg"))

    def integer_maps(images):
        return tuple(np.rint(maps * 16384).astype(np.int32) for maps in knows_person(images))

    (person,) = find_people(picture, integer_maps, partial(decode_integer, one=16384))
    (same,) = find_people(picture, knows_person)
    assert person.parts == pytest.approx(same.parts, abs=0.1)


def test_drawings_and_keypoints_are_written(tmp_path):
    paths = [photograph(tmp_path / "a.jpg", (640, 480)), photograph(tmp_path / "b.png", (90, 120))]
    seen = []
    result = predict_pictures(
        paths, knows_person, tmp_path / "new" / "out", progress=lambda *n: seen.append(n)
    )
    out = tmp_path / "new" / "out"
    assert sorted(path.name for path in out.iterdir()) == [
        "a-pose.png",
        "b-pose.png",
        "keypoints.json",
    ]
    assert seen == [(1, 2), (2, 2)]
    assert result.problems == ()
    content = json.loads((out / "keypoints.json").read_text())
    first, second = content["pictures"]
    assert (first["file"], first["drawing"]) == (str(paths[0]), "a-pose.png")
    assert (second["width"], second["height"]) == (90, 120)
    (person,) = first["people"]
    assert list(person["keypoints"]) == list(PART_NAMES)
    assert person["keypoints"]["nose"][:2] == pytest.approx([102.0, 12.0], abs=1.0)
    with Image.open(out / "a-pose.png") as drawing:
        assert drawing.size == (640, 480)
        assert not np.array_equal(drawing, read_picture(paths[0]))


def test_bad_pictures_are_reported_and_the_others_done(tmp_path):
    good = photograph(tmp_path / "good.jpg")
    bad = [bad_file(tmp_path, kind) for kind in ("cut.jpg", "absent.jpg", "text.jpg")]
    result = predict_pictures([bad[0], good, *bad[1:]], knows_nobody, tmp_path / "out")
    assert [picture.source for picture in result.pictures] == [good]
    assert [problem.where for problem in result.problems] == [str(path) for path in bad]
    assert result.pictures[0].people == ()
    assert (tmp_path / "out" / "good-pose.png").exists()


def test_names_never_meet_each_other_or_a_picture_given(tmp_path):
    (tmp_path / "sub").mkdir()
    paths = [
        photograph(tmp_path / "x.jpg"),
        photograph(tmp_path / "x.png"),
        photograph(tmp_path / "sub" / "x.jpg"),
        photograph(tmp_path / "x-pose.png"),
    ]
    before = paths[3].read_bytes()
    result = predict_pictures(paths, knows_nobody, tmp_path)
    names = [picture.drawing.name for picture in result.pictures]
    assert names == ["x-2-pose.png", "x-3-pose.png", "x-4-pose.png", "x-pose-pose.png"]
    assert paths[3].read_bytes() == before
    again = predict_pictures(paths, knows_nobody, tmp_path)  # earlier results are replaced
    assert [picture.drawing.name for picture in again.pictures] == names


def test_a_folder_that_cannot_be_is_refused(tmp_path):
    picture = photograph(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"a\.png: cannot be a folder"):
        predict_pictures([picture], knows_nobody, picture)
    with pytest.raises(InputError, match="no pictures given"):
        predict_pictures([], knows_nobody, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_failed_write_leaves_no_partial_file(tmp_path):
    picture = photograph(tmp_path / "a.png")
    (tmp_path / "out" / "a-pose.png").mkdir(parents=True)
    with pytest.raises(InputError, match=r"a-pose\.png: cannot be written"):
        predict_pictures([picture], knows_nobody, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a-pose.png"]
