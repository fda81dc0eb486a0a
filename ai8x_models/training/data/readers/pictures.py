"""Picture files at the size of a network's input: grey or in colour, upright, without transparency.

Training and predictions read pictures through this file.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from ai8x_models.training.data.form import Raw
from ai8x_models.training.data.readers.files import Medium
from ai8x_models.zoo.registry import Shape
from max78000.errors import InputError
from max78000.files import DAMAGED

SUFFIXES = frozenset(
    (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".ppm", ".pgm", ".tif", ".tiff")
)
GREY, COLOUR = 1, 3  # channels that a picture can have
_DEEP = ("I;16", "I;16B", "I;16L", "I")  # modes of pictures with 16 bits a pixel
_WHITE = (255, 255, 255, 255)
_SPARE: Final = 2  # JPEGs are decoded at no less than this times the size that is needed

# What Pillow says of files that are no pictures, are cut short, or announce too many pixels.
UNREADABLE = (OSError, Image.DecompressionBombError, *DAMAGED)


def picture_medium(shape: Shape, where: str) -> Medium:
    """Pictures brought to (C, H, W).

    Raises:
        InputError: pictures cannot become that.
    """
    if len(shape) != 3 or shape[0] not in (GREY, COLOUR):
        why = f"a picture cannot become {'x'.join(map(str, shape))}"
        raise InputError(why, where=where, fix="give `data.shape`: [3, H, W] or [1, H, W]")
    return Medium("pictures", SUFFIXES, partial(read_picture, shape=shape), (0.0, 255.0), "HWC")


def read_picture(path: Path, shape: Shape) -> Raw:
    """One picture at the size of a network's input, uint8 (H, W, C).

    It is turned as it is shown; what is transparent becomes white, 16 bits become 8. A picture in
    colour becomes grey for a network of one channel, and a grey one three equal channels.

    Raises:
        InputError: no such picture.
    """
    mode, size = "L" if shape[0] == GREY else "RGB", (shape[2], shape[1])

    def at_size(file: Image.Image) -> NDArray[np.uint8]:
        file.draft(mode, (_SPARE * max(size), _SPARE * max(size)))
        upright = ImageOps.exif_transpose(file)
        return np.asarray(_opaque(upright, mode).resize(size, Image.Resampling.BILINEAR), np.uint8)

    return opened(path, at_size).reshape(*shape[1:], shape[0])


def whole_picture(path: Path) -> Image.Image:
    """One picture at its own size, in colour; turned as it is shown, without transparency.

    Raises:
        InputError: no such picture.
    """

    def upright(file: Image.Image) -> NDArray[np.uint8]:
        return np.asarray(_opaque(ImageOps.exif_transpose(file), "RGB"), np.uint8)

    return Image.fromarray(opened(path, upright))


def opened(path: Path, use: Callable[[Image.Image], NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Open a picture and make an array of it.

    Raises:
        InputError: no such picture.
    """
    try:
        with Image.open(path) as file:
            return use(file)
    except UNREADABLE as error:
        fix = "name a picture file"
        raise InputError("is not a readable picture", where=str(path), fix=fix) from error


def _opaque(picture: Image.Image, mode: str) -> Image.Image:
    """The picture with 8 bits a channel and nothing to see through, in a mode without either."""
    if picture.mode in _DEEP:
        high_bytes = (np.asarray(picture).astype(np.int64) >> 8).clip(0, 255)
        picture = Image.fromarray(high_bytes.astype(np.uint8))
    if picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, _WHITE), picture)
    return picture.convert(mode)
