"""Picture files at the size of a network's input: grey or in colour, upright, without transparency.

Training and predictions read pictures through this file.
"""

from functools import partial
from pathlib import Path

from PIL import Image

from ai8x_models.training.data.form import Raw
from ai8x_models.training.data.readers.files import Medium
from ai8x_models.zoo.registry import Shape
from max78000.errors import InputError
from max78000.program.picture_file import COLOUR_MODE, GREY_MODE, picture_pixels

SUFFIXES = frozenset(
    (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".ppm", ".pgm", ".tif", ".tiff")
)
GREY, COLOUR = 1, 3  # channels that a picture can have


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
    mode = GREY_MODE if shape[0] == GREY else COLOUR_MODE
    return picture_pixels(path, mode, (shape[1], shape[2]))


def whole_picture(path: Path) -> Image.Image:
    """One picture at its own size, in colour; turned as it is shown, without transparency.

    Raises:
        InputError: no such picture.
    """
    return Image.fromarray(picture_pixels(path, COLOUR_MODE))
