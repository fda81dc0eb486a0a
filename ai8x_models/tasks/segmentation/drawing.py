"""Masks over pictures."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ai8x_models.training.data.source import UNCOUNTED

_OPACITY = 0.55
# The ground, and then Okabe and Ito, Color Universal Design, 2008: told apart by everybody.
_COLOURS = np.array(
    [
        (0, 0, 0), (230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178),
        (213, 94, 0), (204, 121, 167),
    ]
)  # fmt: skip


def draw_mask(picture: Image.Image, mask: NDArray[np.uint8]) -> Image.Image:
    """Colour a picture (RGB) by the classes of a mask (H, W) of any size.

    Class 0 darkens it; what does not count is left as it is.
    """
    # The first colour again only for class 0: more classes share those of the others.
    numbers = np.where(mask < len(_COLOURS), mask, (mask - 1) % (len(_COLOURS) - 1) + 1)
    colours = Image.fromarray(_COLOURS[numbers].astype(np.uint8))
    over = colours.resize(picture.size, Image.Resampling.NEAREST)
    plain = picture.convert("RGB")
    counts = Image.fromarray(((mask != UNCOUNTED) * 255).astype(np.uint8))
    counts = counts.resize(picture.size, Image.Resampling.NEAREST)
    return Image.composite(Image.blend(plain, over, _OPACITY), plain, counts)
