"""Pictures of every kind come in upright and whole; points go into the input and come back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from max78000.apps.pose.letterbox import Letterbox, letterbox
from max78000.apps.pose.picture import read_picture, to_rgb, write_picture
from max78000.errors import InputError

MARK = (250, 10, 20)


def photograph(path, size=(640, 480)):
    Image.linear_gradient("L").resize(size).convert("RGB").save(path)
    return path


# Letterbox.


@pytest.mark.long
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


# Writing.


def test_a_picture_is_written_whole_or_not_at_all(tmp_path):
    picture = Image.new("RGB", (4, 4), MARK)
    write_picture(picture, tmp_path / "a.png")
    assert read_picture(tmp_path / "a.png").getpixel((0, 0)) == MARK
    (tmp_path / "b.png").mkdir()
    with pytest.raises(InputError, match=r"b\.png: cannot be written"):
        write_picture(picture, tmp_path / "b.png")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.png"]
