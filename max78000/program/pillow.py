"""Pillow, which reads and writes pictures: an optional package, loaded when it is needed."""

from typing import Any

from max78000.errors import UnsupportedError


def load_pillow() -> Any:
    """Return its module `Image`.

    Raises:
        UnsupportedError: it is not installed.
    """
    try:
        from PIL import Image  # noqa: PLC0415 - only for pictures
    except ImportError:
        fix = 'pip install "max78000-toolchain[board]"'
        raise UnsupportedError("pictures need Pillow", fix=fix) from None
    return Image
