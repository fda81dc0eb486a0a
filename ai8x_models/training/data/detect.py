"""Which reader a source of data is for, by what is there."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ai8x_models.training.data.plan import DataPlan
from ai8x_models.training.data.readers import pictures, sounds
from ai8x_models.training.data.readers.arrays import read_npz
from ai8x_models.training.data.readers.cifar import cifar_source, has_cifar
from ai8x_models.training.data.readers.coco import coco_folder, coco_source, has_annotations
from ai8x_models.training.data.readers.files import Medium
from ai8x_models.training.data.readers.folders import folder_source
from ai8x_models.training.data.readers.hdf5 import SUFFIXES, read_hdf5
from ai8x_models.training.data.readers.idx import has_idx, idx_source
from ai8x_models.training.data.readers.masks import has_masks, mask_source
from ai8x_models.training.data.readers.pictures import picture_medium
from ai8x_models.training.data.readers.speech import has_lists, speech_source
from ai8x_models.training.data.readers.table import first_file, table_source
from ai8x_models.training.data.source import Answers, Source
from ai8x_models.zoo.registry import Shape
from max78000.errors import InputError

TABLE = "labels.csv"  # in a folder of samples


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is opened, and for what.

    Args:
        plan: of the data.
        shape: of the network's input, if it is known.
        answers: what the task learns, if that matters.
    """

    plan: DataPlan
    shape: Shape | None
    answers: Answers | None

    def medium(self, sample: Path | None) -> Medium:
        """What files of samples become, by one of them; without one they are pictures.

        Raises:
            InputError: the network's input is not known, or files cannot become that.
        """
        if sample is not None and sample.suffix.lower() in sounds.SUFFIXES:
            return sounds.sound_medium(self.shape, self.plan.rate, self.plan.source)
        if self.shape is None:
            why = "pictures can have any size"
            fix = "give `data.shape`, such as [3, 64, 64]"
            raise InputError(why, where=self.plan.source, fix=fix)
        return picture_medium(self.shape, self.plan.source)


Reader = Callable[[Path, Wanted], Source]


def _masks(folder: Path, wanted: Wanted) -> Source:
    medium = wanted.medium(None)
    assert wanted.shape is not None
    return mask_source(folder, medium, wanted.shape)


def _speech(folder: Path, wanted: Wanted) -> Source:
    medium = sounds.sound_medium(wanted.shape, wanted.plan.rate, wanted.plan.source)
    assert wanted.shape is not None
    return speech_source(folder, medium, math.prod(wanted.shape), wanted.plan.silence)


def _coco(path: Path, wanted: Wanted) -> Source:
    answers = Answers.KEYPOINTS if wanted.answers is Answers.KEYPOINTS else Answers.BOXES
    medium, pictures_at = wanted.medium(None), wanted.plan.folder
    if path.is_dir():
        return coco_folder(path, medium, answers)
    return coco_source(path, Path(pictures_at or path.parent), medium, answers)


def _table(path: Path, wanted: Wanted) -> Source:
    return table_source(path, wanted.medium(first_file(path)))


def _classes(folder: Path, wanted: Wanted) -> Source:
    known = pictures.SUFFIXES | sounds.SUFFIXES
    files = (one for depth in ("*/*", "*/*/*") for one in folder.glob(depth))
    return folder_source(
        folder, wanted.medium(next((one for one in files if one.suffix.lower() in known), None))
    )


# fmt: off
BY_SUFFIX: Mapping[str, Reader] = {
    ".npz": lambda path, _: read_npz(path),
    ".csv": _table,
    ".json": _coco,
    **dict.fromkeys(SUFFIXES, lambda path, _: read_hdf5(path)),
}
# Of folders: the first whose sign is there.
BY_CONTENT: tuple[tuple[Callable[[Path], bool], Reader], ...] = (
    (has_idx,   lambda folder, _: idx_source(folder)),
    (has_cifar, lambda folder, _: cifar_source(folder)),
    (has_lists, _speech),
    (has_masks, _masks),
    (has_annotations, _coco),
    (lambda folder: (folder / TABLE).is_file(),
                lambda folder, wanted: _table(folder / TABLE, wanted)),
    (lambda _: True, _classes),
)
# fmt: on


def reader_of(path: Path) -> Reader | None:
    """The reader of a file or a folder; None if there is none."""
    if path.is_dir():
        return next(reader for is_there, reader in BY_CONTENT if is_there(path))
    return BY_SUFFIX.get(path.suffix.lower())
