"""Which reader a source of data is for, by what is there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ai8x_models.training.data.plan import DataPlan
from ai8x_models.training.data.readers.arrays import read_npz
from ai8x_models.training.data.readers.cifar import cifar_source, has_cifar
from ai8x_models.training.data.readers.files import Medium
from ai8x_models.training.data.readers.folders import folder_source
from ai8x_models.training.data.readers.hdf5 import SUFFIXES, read_hdf5
from ai8x_models.training.data.readers.idx import has_idx, idx_source
from ai8x_models.training.data.readers.masks import has_masks, mask_source
from ai8x_models.training.data.readers.pictures import picture_medium
from ai8x_models.training.data.readers.table import table_source
from ai8x_models.training.data.source import Source
from ai8x_models.zoo.registry import Shape
from max78000.errors import InputError

TABLE = "labels.csv"  # in a folder of samples


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is opened, and for what.

    Args:
        plan: of the data.
        shape: of the network's input, if it is known.
    """

    plan: DataPlan
    shape: Shape | None

    def medium(self) -> Medium:
        """What files of samples become.

        Raises:
            InputError: the network's input is not known, or files cannot become that.
        """
        if self.shape is None:
            why = "pictures can have any size"
            fix = "give `data.shape`, such as [3, 64, 64]"
            raise InputError(why, where=self.plan.source, fix=fix)
        return picture_medium(self.shape, self.plan.source)


Reader = Callable[[Path, Wanted], Source]


def _masks(folder: Path, wanted: Wanted) -> Source:
    medium = wanted.medium()
    assert wanted.shape is not None
    return mask_source(folder, medium, wanted.shape)


# fmt: off
BY_SUFFIX: Mapping[str, Reader] = {
    ".npz": lambda path, _: read_npz(path),
    ".csv": lambda path, wanted: table_source(path, wanted.medium()),
    **dict.fromkeys(SUFFIXES, lambda path, _: read_hdf5(path)),
}
# Of folders: the first whose sign is there.
BY_CONTENT: tuple[tuple[Callable[[Path], bool], Reader], ...] = (
    (has_idx,   lambda folder, _: idx_source(folder)),
    (has_cifar, lambda folder, _: cifar_source(folder)),
    (has_masks, _masks),
    (lambda folder: (folder / TABLE).is_file(),
                lambda folder, wanted: table_source(folder / TABLE, wanted.medium())),
    (lambda _: True,
                lambda folder, wanted: folder_source(folder, wanted.medium())),
)
# fmt: on


def reader_of(path: Path) -> Reader | None:
    """The reader of a file or a folder; None if there is none."""
    if path.is_dir():
        return next(reader for is_there, reader in BY_CONTENT if is_there(path))
    return BY_SUFFIX.get(path.suffix.lower())
