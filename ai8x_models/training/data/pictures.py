"""A folder of pictures as a source: a subfolder for every class.

Or, above those, `train`, `validation` and `test`. Pictures are read when they are asked for.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from ai8x_models.training.data.form import Raw
from ai8x_models.training.data.source import ALL, SPLITS, TRAIN, Indexes, Part, Source
from ai8x_models.zoo.registry import Shape
from max78000.errors import InputError, raise_all

SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".ppm", ".pgm"))
_FIX = "give each class a subfolder of pictures: FOLDER/cat/1.png, or FOLDER/train/cat/1.png"
_GREY, _COLOUR = 1, 3  # channels that a picture can have


def folder_source(folder: Path, shape: Shape) -> Source:
    """Find the pictures of a folder; classes go by name, in alphabetical order.

    Args:
        folder: of classes, or of splits.
        shape: (C, H, W) to which pictures are brought; C is 1 or 3.

    Raises:
        InputError: no such folder, no pictures in it, or splits of different classes.
    """
    if len(shape) != 3 or shape[0] not in (_GREY, _COLOUR):
        why = f"a picture cannot become {'x'.join(map(str, shape))}"
        raise InputError(why, where=str(folder), fix="give `data.shape`: [3, H, W] or [1, H, W]")
    homes = {split: folder / split for split in SPLITS if (folder / split).is_dir()}
    if TRAIN not in homes:
        homes = {ALL: folder}
    classes = _classes(homes.get(TRAIN, folder))
    raise_all(
        InputError(f"has other classes than {TRAIN}", where=str(home), fix=_FIX)
        for home in homes.values()
        if not set(_classes(home)) <= set(classes)
    )
    parts = {split: _part(home, classes, shape) for split, home in homes.items()}
    return Source(parts, (0.0, 255.0), classes, "HWC")


def read_picture(path: Path, shape: Shape) -> Raw:
    """One picture at the size of a network's input, uint8 (H, W, C); turned as it is shown.

    Raises:
        InputError: no such picture.
    """
    try:
        with Image.open(path) as file:
            upright = file
            rotation = file.getexif().get(0x0112, 1)
            turn = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_270,
                    8: Image.Transpose.ROTATE_90}.get(rotation)  # fmt: skip
            if turn is not None:
                upright = file.transpose(turn)  # type: ignore[assignment]
            mode, size = "L" if shape[0] == _GREY else "RGB", (shape[2], shape[1])
            picture = upright.convert(mode).resize(size, Image.Resampling.BILINEAR)
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError) as error:
        fix = "name a picture file"
        raise InputError("is not a readable picture", where=str(path), fix=fix) from error
    return np.asarray(picture, np.uint8).reshape(*shape[1:], shape[0])


def _classes(folder: Path) -> tuple[str, ...]:
    if not folder.is_dir():
        raise InputError("there is no such folder", where=str(folder), fix=_FIX)
    names = sorted(
        one.name for one in folder.iterdir() if one.is_dir() and next(_pictures(one), None)
    )
    if not names:
        raise InputError("holds no classes with pictures", where=str(folder), fix=_FIX)
    return tuple(names)


def _pictures(folder: Path) -> Iterator[Path]:
    return (one for one in folder.iterdir() if one.suffix.lower() in SUFFIXES)


def _part(home: Path, classes: tuple[str, ...], shape: Shape) -> Part:
    labelled = [
        (path, label)
        for label, name in enumerate(classes)
        if (home / name).is_dir()
        for path in sorted(_pictures(home / name))
    ]

    def read(indexes: Indexes) -> Raw:
        return np.stack([read_picture(labelled[index][0], shape) for index in indexes])

    return Part(np.array([label for _, label in labelled], np.int64), read)
