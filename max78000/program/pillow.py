"""Pillow, which reads and writes pictures: an optional package, loaded when it is needed."""

from typing import Any

from max78000.errors import UnsupportedError


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
