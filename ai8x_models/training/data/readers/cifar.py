"""CIFAR-10 and CIFAR-100 as they are handed out for Python: pickled batches, read as plain data.

A pickle can run any program. These are read by an unpickler that knows dictionaries, lists, texts
and the three constructors that such a file has for its array of bytes, for which it has stand-ins,
and refuses all else.
After A. Krizhevsky, "The CIFAR-10 dataset", section on the layout of the data set.
"""

import pickle
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from ai8x_models.training.data.form import Raw
from ai8x_models.training.data.source import TEST, TRAIN, Part, Source, array_part
from max78000.errors import InputError
from max78000.program.pickle_size import check_pickle

_TEN = tuple(f"data_batch_{number}" for number in range(1, 6))
_FIX = "unpack the archive for Python, cifar-10-python.tar.gz or cifar-100-python.tar.gz, anew"
_SHAPE = (3, 32, 32)
_LARGEST_BYTES = 200_000_000  # of a batch; CIFAR-100's one has 155 million


class _Dtype:
    """Stands for `numpy.dtype`: a word, such as u1."""

    def __init__(self, word: Any, *_flags: Any) -> None:
        self.word = _text(word)

    def __setstate__(self, _state: Any) -> None:
        """Byte order and the like; bytes have none."""


class _Array:
    """Stands for `numpy.ndarray`: bytes with a shape, and nothing else."""

    array: Raw

    def __setstate__(self, state: Any) -> None:
        """Take version, shape, type, order and bytes.

        Raises:
            UnpicklingError: it is no array of bytes, row by row.
        """
        _version, shape, dtype, is_by_column, content = state
        if not isinstance(dtype, _Dtype) or dtype.word != "u1" or is_by_column:
            raise pickle.UnpicklingError("its array is none of bytes, row by row")
        self.array = np.frombuffer(content, np.uint8).reshape(shape)


def _reconstruct(*_given: Any) -> _Array:
    return _Array()


# What the pickles name, and what stands for it.
_KNOWN: Mapping[tuple[str, str], Any] = MappingProxyType(
    {
        ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
        ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
        ("numpy", "ndarray"): _Array,
        ("numpy", "dtype"): _Dtype,
    }
)


def has_cifar(folder: Path) -> bool:
    """True if a folder holds batches of this kind."""
    return (folder / _TEN[0]).is_file() or all(
        (folder / name).is_file() for name in ("train", "test", "meta")
    )


def cifar_source(folder: Path) -> Source:
    """Read the batches of a folder: CIFAR-10, or CIFAR-100 with its fine classes.

    Raises:
        InputError: a batch is missing, damaged, or holds anything but bytes, numbers and texts.
    """
    is_ten = (folder / _TEN[0]).is_file()
    names = {TRAIN: _TEN, TEST: ("test_batch",)} if is_ten else {TRAIN: ("train",), TEST: ("test",)}
    labels, meta, words = (
        ("labels", "batches.meta", "label_names")
        if is_ten
        else ("fine_labels", "meta", "fine_label_names")
    )
    parts = {split: _part(folder, some, labels) for split, some in names.items()}
    said = read_batch(folder / meta).get(words, ())
    return Source(parts, (0.0, 255.0), tuple(map(str, said)), "CHW")


def _part(folder: Path, names: Sequence[str], labels: str) -> Part:
    batches = [_checked(folder / name, labels) for name in names]
    inputs = np.concatenate([inputs for inputs, _ in batches])
    targets = np.concatenate([targets for _, targets in batches])
    return array_part(inputs, targets)


def _checked(path: Path, labels: str) -> tuple[Raw, Raw]:
    batch = read_batch(path)
    try:
        inputs, targets = batch["data"].array, np.array(batch[labels], np.int64)
        return inputs.reshape(len(targets), *_SHAPE), targets
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        why = f"holds no pictures of 3x32x32 with their {labels}"
        raise InputError(why, where=str(path), fix=_FIX) from error


def read_batch(path: Path) -> dict[str, Any]:
    """One pickled dictionary, its keys as texts. Nothing in it is run.

    Raises:
        InputError: no such file, or one that is damaged or is not plain data.
    """
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise pickle.UnpicklingError(f"has more than {_LARGEST_BYTES:,} bytes")
        pickled = path.read_bytes()
        check_pickle(pickled)
        content = _PlainUnpickler(BytesIO(pickled), encoding="bytes").load()
        if not isinstance(content, dict):
            raise pickle.UnpicklingError("holds no dictionary")
    except (OSError, EOFError, LookupError, ValueError, TypeError, AttributeError, MemoryError,
            pickle.UnpicklingError) as error:  # fmt: skip
        why = f"is not a readable batch: {error}"
        raise InputError(why, where=str(path), fix=_FIX) from error
    return {_text(key): _texts(value) for key, value in content.items()}


class _PlainUnpickler(pickle.Unpickler):
    """Knows what `_KNOWN` says."""

    def find_class(self, module: str, name: str) -> Any:
        """Refuse every name but those of an array of bytes."""
        if (module, name) not in _KNOWN:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which no batch needs")
        return _KNOWN[module, name]


def _text(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _texts(value: Any) -> Any:
    return [_text(one) for one in value] if isinstance(value, list) else value
