"""Pillow, which reads and writes pictures: an optional package, loaded when it is needed."""

from pathlib import Path
from typing import Any

from max78000.errors import UnsupportedError

# What no picture of anything has: PNG packs 8,256 black pixels into a byte, other kinds fewer.
_MOST_PIXELS_A_BYTE = 10_000
_FEW_PIXELS = 1 << 22


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
    picture = image.open(path)
    n_pixels, n_bytes = picture.width * picture.height, path.stat().st_size
    if n_pixels > max(_FEW_PIXELS, _MOST_PIXELS_A_BYTE * n_bytes):
        picture.close()
        size = f"{picture.width} x {picture.height} pixels in {n_bytes:,} bytes"
        raise image.DecompressionBombError(size)
    return picture
