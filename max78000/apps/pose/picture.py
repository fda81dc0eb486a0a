"""Opens pictures of any kind as upright RGB, and writes drawings whole or not at all.

Reading takes every mode and size Pillow knows and turns every way a file can be bad into one
`InputError`. What is in a picture is not known here.
"""

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from max78000.errors import InputError
from max78000.files import DAMAGED, is_file, is_folder, write_whole
from max78000.program.pillow import open_picture

PADDING = 128  # grey level around the picture and behind transparent parts: zero for the network
DEEP_MODES = ("I", "I;16", "I;16B", "I;16L", "I;16N")  # grey with up to 16 bits


def read_picture(path: Path) -> Image.Image:
    """Read the first frame of a picture file as upright RGB.

    Raises:
        InputError: missing, no picture, truncated or otherwise broken, or too large to be sane.
    """
    where = str(path)
    if is_folder(path):
        raise InputError("not a file", where=where, fix="give the pictures in it one by one")
    if not is_file(path):
        raise InputError("no such file", where=where)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of large pictures and odd metadata
            with open_picture(path) as file:
                return to_rgb(ImageOps.exif_transpose(file))
    except UnidentifiedImageError as error:
        raise InputError(
            "not a picture of a known format", where=where, fix="use JPEG or PNG"
        ) from error
    except Image.DecompressionBombError as error:
        raise InputError(f"too large: {error}", where=where, fix="scale it down first") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            f"cannot be read: {reason}", where=where, fix="copy or export it again"
        ) from error
    except DAMAGED as error:
        raise InputError(
            f"broken picture: {error}", where=where, fix="copy or export it again"
        ) from error


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


def write_picture(picture: Image.Image, path: Path) -> None:
    """Write a PNG under a temporary name, which then replaces `path`.

    Raises:
        InputError: the file cannot be written; nothing is left behind.
    """
    contents = io.BytesIO()
    picture.save(contents, format="PNG")
    write_whole(path, contents.getvalue())
