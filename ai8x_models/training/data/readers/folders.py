"""A folder with a subfolder for every class; or, above those, `train`, `validation` and `test`."""

from pathlib import Path

import numpy as np

from ai8x_models.training.data.readers.files import Medium, file_part, file_source
from ai8x_models.training.data.source import ALL, SPLITS, TRAIN, Part, Source
from max78000.errors import InputError, raise_all


def folder_source(folder: Path, medium: Medium) -> Source:
    """Find the files of a folder; classes go by name, in alphabetical order.

    Args:
        folder: of classes, or of splits.
        medium: what the files are.

    Raises:
        InputError: no such folder, no files in it, or splits of different classes.
    """
    homes = split_homes(folder)
    classes = _classes(homes.get(TRAIN, folder), medium)
    raise_all(
        InputError(f"has other classes than {TRAIN}", where=str(home), fix=_fix(medium))
        for home in homes.values()
        if not set(_classes(home, medium)) <= set(classes)
    )
    parts = {split: _part(home, classes, medium) for split, home in homes.items()}
    return file_source(parts, medium, classes)


def split_homes(folder: Path) -> dict[str, Path]:
    """Where the parts of a folder lie: in subfolders of their names, or all in the folder."""
    homes = {split: folder / split for split in SPLITS if (folder / split).is_dir()}
    return homes if TRAIN in homes else {ALL: folder}


def _classes(folder: Path, medium: Medium) -> tuple[str, ...]:
    if not folder.is_dir():
        raise InputError("there is no such folder", where=str(folder), fix=_fix(medium))
    names = sorted(
        one.name for one in folder.iterdir() if one.is_dir() and next(medium.find(one), None)
    )
    if not names:
        why = f"holds no classes with {medium.word}"
        raise InputError(why, where=str(folder), fix=_fix(medium))
    return tuple(names)


def _part(home: Path, classes: tuple[str, ...], medium: Medium) -> Part:
    labelled = [
        (path, label)
        for label, name in enumerate(classes)
        if (home / name).is_dir()
        for path in sorted(medium.find(home / name))
    ]
    targets = np.array([label for _, label in labelled], np.int64)
    return file_part([path for path, _ in labelled], targets, medium)


def _fix(medium: Medium) -> str:
    first = min(medium.suffixes & {".png", ".wav"})
    return (
        f"give each class a subfolder of {medium.word}:"
        f" FOLDER/cat/1{first}, or FOLDER/train/cat/1{first}"
    )
