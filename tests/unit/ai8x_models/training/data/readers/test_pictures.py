"""Picture files of every kind come out upright, in 8 bits, grey or in colour; or are refused."""

import numpy as np
import pytest
from PIL import Image

from ai8x_models.training.data.readers.pictures import picture_medium, read_picture
from max78000.errors import InputError

SHAPE = (3, 2, 3)


def corner(path, shape=SHAPE):
    """What becomes of the upper left pixel."""
    return read_picture(path, shape)[0, 0].tolist()


@pytest.mark.parametrize(
    ("mode", "pixel", "colour", "grey"),
    [
        ("RGB", (255, 0, 0), [255, 0, 0], [76]),
        ("L", 70, [70, 70, 70], [70]),
        ("1", 1, [255, 255, 255], [255]),
        ("RGBA", (9, 9, 9, 0), [255, 255, 255], [255]),
        ("RGBA", (0, 0, 200, 255), [0, 0, 200], [23]),
        ("LA", (10, 0), [255, 255, 255], [255]),
        ("I;16", 0x8123, [0x81, 0x81, 0x81], [0x81]),
    ],
)
def test_every_mode_becomes_the_network_s(tmp_path, mode, pixel, colour, grey):
    path = tmp_path / "a.png"
    Image.new(mode, (3, 2), pixel).save(path)
    assert corner(path) == colour
    assert corner(path, (1, 2, 3)) == grey


def test_a_palette_with_a_transparent_colour(tmp_path):
    picture = Image.new("P", (3, 2), 1)
    picture.putpalette([0, 0, 0, 200, 10, 10])
    picture.save(tmp_path / "seen.png")
    picture.save(tmp_path / "clear.png", transparency=1)
    assert corner(tmp_path / "seen.png") == [200, 10, 10]
    assert corner(tmp_path / "clear.png") == [255, 255, 255]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_as_they_are_shown(tmp_path, orientation):
    upright = Image.fromarray(np.arange(6, dtype=np.uint8).reshape(2, 3) * 40)
    back = {2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
            4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
            6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
            8: Image.Transpose.ROTATE_270}.get(orientation)  # fmt: skip
    stored = upright.transpose(back) if back is not None else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(
        read_picture(tmp_path / "a.png", (1, 2, 3))[..., 0], np.asarray(upright)
    )


def test_large_jpegs_are_decoded_small(tmp_path):
    rng = np.random.default_rng(1)
    smooth = Image.fromarray(rng.integers(0, 255, (8, 8, 3), np.uint8)).resize((512, 512))
    smooth.save(tmp_path / "a.jpg", quality=95)
    exact = np.asarray(smooth.resize((32, 32), Image.Resampling.BILINEAR)).astype(int)
    assert abs(read_picture(tmp_path / "a.jpg", (3, 32, 32)) - exact).mean() < 2


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n", None])
def test_damaged_pictures_are_one_line(tmp_path, content):
    path = tmp_path / "a.png"
    if content is None:
        Image.new("L", (64, 64)).save(path)
        content = path.read_bytes()[:60]
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"a.png: is not a readable picture .name a picture file"):
        read_picture(path, SHAPE)


def test_a_picture_that_announces_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    Image.new("L", (64, 64)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match="is not a readable picture"):
        read_picture(tmp_path / "a.png", SHAPE)


def test_pictures_become_nothing_of_two_channels():
    with pytest.raises(InputError, match="a picture cannot become 2x8x8"):
        picture_medium((2, 8, 8), "pets")
