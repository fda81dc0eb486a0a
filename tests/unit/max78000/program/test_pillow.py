"""Pictures of more pixels than their bytes can mean are refused before they are unpacked."""

import pytest
from PIL import Image

from max78000.program.pillow import open_picture


def test_black_pictures_are_opened(tmp_path):
    Image.new("1", (1 << 13, 1 << 12)).save(tmp_path / "a.png")
    with open_picture(tmp_path / "a.png") as picture:
        assert picture.size == (1 << 13, 1 << 12)


def test_a_few_bytes_that_say_gigabytes_are_refused(tmp_path):
    Image.new("L", (16, 16)).save(tmp_path / "a.bmp")
    raw = bytearray((tmp_path / "a.bmp").read_bytes())
    raw[18:26] = (9_000).to_bytes(4, "little") * 2
    (tmp_path / "a.bmp").write_bytes(raw)
    with pytest.raises(Image.DecompressionBombError, match="9000 x 9000 pixels in 1,334 bytes"):
        open_picture(tmp_path / "a.bmp")


@pytest.mark.parametrize(
    ("name", "mark", "first", "order"),
    [("a.webp", b"\x9d\x01\x2a", 3, "little"), ("a.jpg", b"\xff\xc0", 5, "big")],
)
def test_white_pictures_with_losses_are_opened_and_larger_ones_refused(
    name, mark, first, order, tmp_path
):
    """Columns and rows are two bytes each behind a frame's mark."""
    path = tmp_path / name
    Image.new("RGB", (4000, 1250), "white").save(path)
    with open_picture(path) as picture:
        assert picture.size == (4000, 1250)
    Image.new("RGB", (16, 16), "white").save(path)
    raw = bytearray(path.read_bytes().ljust(12_000, b"\0"))
    at = raw.index(mark) + first
    raw[at : at + 4] = (6500).to_bytes(2, order) * 2
    path.write_bytes(raw)
    with pytest.raises(Image.DecompressionBombError, match="6500 x 6500 pixels in 12,000 bytes"):
        open_picture(path)


def test_webp_of_more_memory_than_a_refusal_may_take(tmp_path):
    path = tmp_path / "a.webp"
    Image.new("RGB", (16, 16)).save(path)
    raw = bytearray(path.read_bytes().ljust(1 << 16, b"\0"))
    at = raw.index(b"\x9d\x01\x2a") + 3
    raw[at : at + 4] = (7000).to_bytes(2, "little") * 2
    path.write_bytes(raw)
    with pytest.raises(Image.DecompressionBombError, match="7000 x 7000 pixels, of WebP"):
        open_picture(path)
