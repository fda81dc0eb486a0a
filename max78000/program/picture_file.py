"""A picture file -> its pixels, the same for training, samples and predictions.

Upright as its EXIF data say, on white where it is transparent, 8 bits a channel.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from max78000.errors import InputError
from max78000.files import DAMAGED
from max78000.program.pillow import load_pillow, open_picture

GREY_MODE, COLOUR_MODE = "L", "RGB"  # Pillow's names
_DEEP = ("I;16", "I;16B", "I;16L", "I")  # modes of pictures with 16 bits a pixel
_WHITE = (255, 255, 255, 255)
_SPARE = 2  # JPEGs are decoded at no less than this times the size that is needed


def read_pixels(
    path: Path, mode: str | None = None, size: tuple[int, int] | None = None
) -> NDArray[np.uint8]:
    """Read a picture: (H, W, C), 1 channel of grey or 3 of colour.

    Args:
        path: a file of any kind that Pillow reads; of several pictures the first.
        mode: `GREY_MODE` or `COLOUR_MODE`; without it, what the picture is.
        size: rows and columns to resize it to; without them, its own.
    Raises:
        UnsupportedError: Pillow is not installed.
        ValueError: no readable picture.
    """
    image = load_pillow()
    from PIL import ImageOps  # noqa: PLC0415 - optional package

    try:
        with open_picture(path) as file:
            mode = mode or (GREY_MODE if image.getmodebase(file.mode) == "L" else COLOUR_MODE)
            if size is not None:
                file.draft(mode, (_SPARE * max(size), _SPARE * max(size)))
            picture = _opaque(image, ImageOps.exif_transpose(file), mode)
            if size is not None:
                picture = picture.resize(size[::-1], image.Resampling.BILINEAR)
            pixels = np.asarray(picture, np.uint8)
    except (OSError, image.DecompressionBombError, *DAMAGED) as error:
        raise ValueError(str(error)) from error
    return pixels.reshape(*pixels.shape[:2], -1)


def picture_pixels(
    path: Path, mode: str | None = None, size: tuple[int, int] | None = None
) -> NDArray[np.uint8]:
    """Read a picture as `read_pixels` does.

    Raises:
        InputError: no readable picture.
    """
    try:
        return read_pixels(path, mode, size)
    except ValueError as error:
        raise no_picture(path) from error


def no_picture(path: Path) -> InputError:
    """What is said of a file that is no picture."""
    return InputError("is not a readable picture", where=str(path), fix="name a picture file")


def _opaque(image: Any, picture: Any, mode: str) -> Any:
    """The picture with 8 bits a channel and nothing to see through, in a mode without either."""
    if picture.mode in _DEEP:
        high_bytes = (np.asarray(picture).astype(np.int64) >> 8).clip(0, 255)
        picture = image.fromarray(high_bytes.astype(np.uint8))
    if picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        picture = image.alpha_composite(image.new("RGBA", picture.size, _WHITE), picture)
    return picture.convert(mode)
