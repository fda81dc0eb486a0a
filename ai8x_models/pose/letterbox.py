"""Opens pictures of any kind and fits them whole into the network's 128x128 input, and back.

Reading takes every mode and size Pillow knows and turns every way a file can be bad into one
`InputError`. It neither crops nor augments. Coordinates put a pixel's centre at its index, in the
picture (as shown, after the camera's rotation mark) and in the input alike.
"""

import struct
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from ai8x_models.pose.skeleton import IMAGE_SIZE
from max78000.errors import InputError

PADDING = 128  # grey level around the picture and behind transparent parts: zero for the network
DEEP_MODES = ("I", "I;16", "I;16B", "I;16L", "I;16N")  # grey with up to 16 bits

# What Pillow's decoders raise on broken files, beside OSError.
BROKEN_FILE = (SyntaxError, ValueError, EOFError, IndexError, struct.error, zlib.error)

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Letterbox:
    """How a picture of `width` x `height` pixels lies in the input: as large as fits, centred."""

    width: int
    height: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height inside the input, whole pixels."""
        longest = max(self.width, self.height)
        return (
            max(round(self.width * IMAGE_SIZE / longest), 1),
            max(round(self.height * IMAGE_SIZE / longest), 1),
        )

    @property
    def corner(self) -> tuple[int, int]:
        """Left and upper padding, whole pixels."""
        return (IMAGE_SIZE - self.size[0]) // 2, (IMAGE_SIZE - self.size[1]) // 2

    @property
    def factors(self) -> Floats:
        """Input pixels per picture pixel in x and y, (2,); rounded sizes make them differ."""
        return np.array(self.size) / (self.width, self.height)

    def points(self, source: npt.NDArray[Any]) -> Floats:
        """Input coordinates of picture coordinates (..., 2)."""
        placed: Floats = (source + 0.5) * self.factors - 0.5 + self.corner
        return placed

    def source_points(self, points: npt.NDArray[Any]) -> Floats:
        """Picture coordinates of input coordinates (..., 2); the inverse of `points`."""
        source: Floats = (points - self.corner + 0.5) / self.factors - 0.5
        return source

    @property
    def to_source(self) -> npt.NDArray[np.float32]:
        """`source_points` as an affine map (2, 3)."""
        shift = self.source_points(np.zeros(2))
        return np.column_stack((np.diag(1 / self.factors), shift)).astype(np.float32)


def read_picture(path: Path) -> Image.Image:
    """Read the first frame of a picture file as upright RGB.

    Raises:
        InputError: missing, no picture, truncated or otherwise broken, or too large to be sane.
    """
    where = str(path)
    if not path.exists():
        raise InputError("no such file", where)
    if not path.is_file():
        raise InputError("not a file", where, "give the pictures in it one by one")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of large pictures and odd metadata
            with Image.open(path) as file:
                return to_rgb(ImageOps.exif_transpose(file))
    except UnidentifiedImageError as error:
        raise InputError("not a picture of a known format", where, "use JPEG or PNG") from error
    except Image.DecompressionBombError as error:
        raise InputError(f"too large: {error}", where, "scale it down first") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"cannot be read: {reason}", where, "copy or export it again") from error
    except BROKEN_FILE as error:
        raise InputError(f"broken picture: {error}", where, "copy or export it again") from error


def to_rgb(picture: Image.Image) -> Image.Image:
    """Convert any mode to RGB: transparent parts show grey 128, deep grey keeps its upper 8 bits.

    Floating-point pixels are taken as 0..255.
    """
    if picture.mode in DEEP_MODES:
        deep = np.asarray(picture).astype(np.int64)
        return Image.fromarray(np.clip(deep >> 8, 0, 255).astype(np.uint8)).convert("RGB")
    if picture.mode == "F":
        grey = np.nan_to_num(np.clip(np.asarray(picture), 0, 255))
        return Image.fromarray(grey.astype(np.uint8)).convert("RGB")
    if picture.mode.upper() in ("RGBA", "LA") or "transparency" in picture.info:
        rgba = picture.convert("RGBA")
        ground = Image.new("RGBA", rgba.size, (PADDING, PADDING, PADDING, 255))
        return Image.alpha_composite(ground, rgba).convert("RGB")
    return picture.convert("RGB")


def letterbox(picture: Image.Image) -> tuple[npt.NDArray[np.uint8], Letterbox]:
    """Fit an RGB picture into the input: uint8 (128, 128, 3), and where it lies there."""
    box = Letterbox(*picture.size)
    is_larger = max(picture.size) > IMAGE_SIZE
    method = Image.Resampling.BOX if is_larger else Image.Resampling.BILINEAR
    square = Image.new("RGB", (IMAGE_SIZE, IMAGE_SIZE), (PADDING,) * 3)
    square.paste(picture.resize(box.size, method), box.corner)
    return np.array(square), box
