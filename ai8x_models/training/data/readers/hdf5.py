"""HDF5 files as sources: data sets named as the arrays of .npz files, read piece by piece."""

from contextlib import suppress
from pathlib import Path

import h5py
import numpy as np

from ai8x_models.training.data.form import Raw
from ai8x_models.training.data.readers.arrays import named_pairs
from ai8x_models.training.data.readers.files import refuse_more_than_memory, stamp_of
from ai8x_models.training.data.source import Indexes, Part, Source, Targets, array_source
from max78000.errors import InputError

SUFFIXES = (".h5", ".hdf5")
_SPREAD = 4  # rows between those that are wanted, per wanted one, that are read along with them


def read_hdf5(path: Path) -> Source:
    """Find `x_train` and `y_train` (and `_validation`, `_test`), or `inputs` and `targets`.

    Names of the classes may lie beside them, as `classes`. Targets are read at once, samples when
    they are asked for.

    Raises:
        InputError: no such file or data sets, or two that are not equally long.
    """
    try:
        with h5py.File(path, "r") as file:
            sets = {name: one for name, one in file.items() if isinstance(one, h5py.Dataset)}
            pairs = named_pairs(sets, path)
            refuse_more_than_memory(sum(sets[pair[1]].nbytes for pair in pairs.values()), path)
            targets = {split: np.asarray(sets[pair[1]]) for split, pair in pairs.items()}
            classes = tuple(map(_text, sets["classes"])) if "classes" in sets else ()
    except (OSError, RuntimeError, ValueError) as error:
        fix = "write x_train, y_train, x_test, y_test, or inputs and targets, with h5py"
        raise InputError("is not a readable HDF5 file", where=str(path), fix=fix) from error
    parts = {split: _part(path, pair[0], targets[split]) for split, pair in pairs.items()}
    return array_source(parts, None, classes, str(path))


def _part(path: Path, name: str, targets: Targets) -> Part:
    def read(indexes: Indexes) -> Raw:
        first, last = int(indexes.min()), int(indexes.max())
        try:
            with h5py.File(path, "r") as file:
                rows = file[name]
                if last - first < _SPREAD * len(indexes):
                    return np.asarray(rows[first : last + 1])[indexes - first]
                return np.stack([rows[int(index)] for index in indexes])
        except (OSError, KeyError) as error:
            why = f"{name} cannot be read from {first} to {last}: {error}"
            raise InputError(why, where=str(path), fix="write the file anew") from error

    return Part(targets, read, lambda: stamp_of([path]))


def _text(word: object) -> str:
    if isinstance(word, bytes):
        with suppress(UnicodeDecodeError):
            return word.decode()
    return str(word)
