"""A folder `pictures` and beside it `masks`, whose pixels are classes; or both in `train`, ...

A mask has the name of its picture, and the classes as its pixels: 0, 1, 2, ..., and 255 where
nothing counts. `classes.txt` gives their names, one a line.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from ai8x_models.training.data.readers.files import N_TOLD, Medium, file_part, file_source
from ai8x_models.training.data.readers.folders import split_homes
from ai8x_models.training.data.source import Answers, Part, Source
from ai8x_models.zoo.registry import Shape
from max78000.errors import InputError, ToolError, raise_all
from max78000.files import DAMAGED
from max78000.program.picture_file import no_picture
from max78000.program.pillow import open_picture

PICTURES, MASKS, NAMES = "pictures", "masks", "classes.txt"
_FIX = f"give FOLDER/{PICTURES}/1.jpg its mask FOLDER/{MASKS}/1.png, or both in FOLDER/train"
# What Pillow says of files that are no pictures, are cut short, or announce too many pixels.
_UNREADABLE = (OSError, Image.DecompressionBombError, *DAMAGED)
_PLAIN = "save masks as grey pictures or with a palette: a pixel's number is its class"


def has_masks(folder: Path) -> bool:
    """True if a folder is a source of this kind."""
    home = next(iter(split_homes(folder).values()))
    return (home / PICTURES).is_dir() and (home / MASKS).is_dir()


def mask_source(folder: Path, medium: Medium, shape: Shape) -> Source:
    """Find pictures and read their masks at the size of the network's input, by nearest pixels.

    Raises:
        InputError: no pictures, or one whose mask is missing, of another size or in colours; all at
            once.
    """
    parts = {split: _part(home, medium, shape) for split, home in split_homes(folder).items()}
    classes: tuple[str, ...] = ()
    if (folder / NAMES).is_file():
        text = (folder / NAMES).read_text(encoding="utf-8")
        classes = tuple(line.strip() for line in text.splitlines() if line.strip())
    return file_source(parts, medium, classes, Answers.MASKS)


def _part(home: Path, medium: Medium, shape: Shape) -> Part:
    pictures = sorted(medium.find(home / PICTURES)) if (home / PICTURES).is_dir() else []
    if not pictures:
        raise InputError(f"holds no {medium.word}", where=str(home / PICTURES), fix=_FIX)
    masks = [home / MASKS / f"{one.stem}.png" for one in pictures]
    problems: list[ToolError] = []
    for picture, mask in zip(pictures, masks, strict=True):
        problems += _problems(picture, mask)
        if len(problems) == N_TOLD:
            break
    raise_all(problems)
    with ThreadPoolExecutor() as pool:  # Pillow decodes beside others
        targets = np.stack(list(pool.map(lambda one: read_mask(one, shape), masks)))
    return file_part(pictures, targets, medium)


def read_mask(path: Path, shape: Shape) -> NDArray[np.uint8]:
    """A mask at the size of a network's input (C, H, W), uint8 (H, W).

    Raises:
        InputError: no readable picture.
    """
    size = (shape[2], shape[1])
    try:
        with open_picture(path) as file:
            return np.asarray(file.resize(size, Image.Resampling.NEAREST), np.uint8)
    except _UNREADABLE as error:
        raise no_picture(path) from error


def _problems(picture: Path, mask: Path) -> Iterator[ToolError]:
    """What headers tell: nothing is decoded."""
    if not mask.is_file():
        yield InputError(f"has no mask {mask.name}", where=str(picture), fix=_FIX)
        return
    try:
        with open_picture(picture) as one, open_picture(mask) as other:
            sizes, mode = (_upright_size(one), other.size), other.mode
    except _UNREADABLE:
        yield InputError("is not a readable picture, or its mask", where=str(picture), fix=_FIX)
        return
    if mode not in ("L", "P", "1"):
        yield InputError(f"is in colours (mode {mode})", where=str(mask), fix=_PLAIN)
    if sizes[0] != sizes[1]:
        found = " and ".join(f"{width}x{height}" for width, height in sizes)
        why = f"the picture and its mask have different sizes: {found}"
        yield InputError(why, where=str(picture), fix="give both the same size")


def _upright_size(picture: Image.Image) -> tuple[int, int]:
    """Width and height of a picture as it is shown."""
    width, height = picture.size
    is_turned = picture.getexif().get(ExifTags.Base.Orientation, 1) >= 5
    return (height, width) if is_turned else (width, height)
