"""Pillow, which reads and writes pictures: an optional package, loaded when it is needed."""

from math import prod
from pathlib import Path
from typing import Any

from max78000.errors import UnsupportedError

# What no picture of anything has: PNG packs 8,256 black pixels into a byte; of a white picture JPEG
# packs 64, WebP 561 with losses.
_MOST_PIXELS_A_BYTE = 10_000
_MOST_WITH_LOSSES = 2_000
_FEW_PIXELS = 1 << 22
_MOST_OF_WEBP = 48_000_000  # Pillow takes four bytes for each before it looks at any
_WEBP_HEAD_BYTES = 30
_SIDE = 0x3FFF  # of WebP: 14 bits of columns or rows


def load_pillow(extra: str = "board") -> Any:
    """Return its module `Image`.

    Args:
        extra: of this package, which brings it.
    Raises:
        UnsupportedError: it is not installed.
    """
    try:
        from PIL import Image  # noqa: PLC0415 - only for pictures
    except ImportError:
        fix = f'pip install "max78000-toolchain[{extra}]"'
        raise UnsupportedError("pictures need Pillow", fix=fix) from None
    return Image


def open_picture(path: Path) -> Any:
    """Open a picture as `Image.open` does, unless a few bytes would become gigabytes.

    Raises:
        UnsupportedError: Pillow is not installed.
        OSError, or what else Pillow raises: no readable picture.
        Image.DecompressionBombError: it has more pixels than so many bytes can mean.
    """
    image = load_pillow()
    n_bytes = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_WEBP_HEAD_BYTES)
    webp_size = _size_of_webp(head)
    if webp_size is not None:
        if prod(webp_size) > _MOST_OF_WEBP:
            columns, rows = webp_size
            why = f"{columns} x {rows} pixels, of WebP {_MOST_OF_WEBP:,} are read"
            raise image.DecompressionBombError(why)
        is_lossless = head[12:16] == b"VP8L"
        _check_size(image, webp_size, n_bytes, has_losses=not is_lossless)
    picture = image.open(path)
    try:
        _check_size(image, picture.size, n_bytes, has_losses=picture.format == "JPEG")
    except image.DecompressionBombError:
        picture.close()
        raise
    return picture


def _check_size(image: Any, size: tuple[int, int], n_bytes: int, *, has_losses: bool) -> None:
    columns, rows = size
    most_a_byte = _MOST_WITH_LOSSES if has_losses else _MOST_PIXELS_A_BYTE
    if columns * rows > max(_FEW_PIXELS, most_a_byte * n_bytes):
        raise image.DecompressionBombError(f"{columns} x {rows} pixels in {n_bytes:,} bytes")


def _size_of_webp(head: bytes) -> tuple[int, int] | None:
    """Columns and rows that the first bytes of a file say, if it is WebP.

    RFC 9649 says where: 2.5 (VP8), 2.6 (VP8L) and 2.7 (VP8X).
    """
    if head[:4] != b"RIFF" or head[8:12] != b"WEBP":
        return None
    if head[12:16] == b"VP8X":
        return 1 + _number(head, 24, 3), 1 + _number(head, 27, 3)
    if head[12:16] == b"VP8L":
        both = _number(head, 21, 4)
        return 1 + (both & _SIDE), 1 + (both >> 14 & _SIDE)
    return _number(head, 26, 2) & _SIDE, _number(head, 28, 2) & _SIDE


def _number(head: bytes, first: int, count: int) -> int:
    return int.from_bytes(head[first : first + count], "little")
