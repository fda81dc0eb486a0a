"""Sources that are arrays: .npz files, scikit-learn's digits, the zoo's toy sets."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np

from ai8x_models.training.data.readers.files import refuse_more_than_memory
from ai8x_models.training.data.source import (
    ALL,
    TEST,
    TRAIN,
    VALIDATION,
    Source,
    array_part,
    array_source,
)
from ai8x_models.zoo.toy_data import draw_samples
from max78000.errors import InputError, raise_all
from max78000.files import DAMAGED

# How files call the arrays of a part; Keras' `mnist.npz` has the first of each.
_NAMES: Mapping[str, tuple[tuple[str, str], ...]] = {
    TRAIN: (("x_train", "y_train"), ("train_inputs", "train_targets")),
    VALIDATION: (("x_validation", "y_validation"), ("x_val", "y_val")),
    TEST: (("x_test", "y_test"), ("test_inputs", "test_targets")),
    ALL: (("inputs", "targets"), ("x", "y")),
}
_FIX = "save x_train, y_train, x_test, y_test, or inputs and targets, with numpy.savez"
_TOY_SEED = 0


class Shaped(Protocol):
    """An array, or something of its form in a file."""

    @property
    def shape(self) -> tuple[int, ...]:
        """As of an array."""


def read_npz(path: Path) -> Source:
    """Read arrays: `x_train` and `y_train` (and `_validation`, `_test`), or `inputs` and `targets`.

    Names of the classes may lie beside them, as `classes`.

    Raises:
        InputError: no such file or arrays, more than fits in memory, or two that are not equally
            long.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            n_bytes = sum(one.file_size for one in file.zip.infolist())
            refuse_more_than_memory(n_bytes, path)
            arrays = {name: file[name] for name in file.files}
    except (OSError, *DAMAGED) as error:
        raise InputError("is not a readable .npz file", where=str(path), fix=_FIX) from error
    parts = {
        split: array_part(arrays[pair[0]], arrays[pair[1]])
        for split, pair in named_pairs(arrays, path).items()
    }
    classes = tuple(map(str, arrays["classes"])) if "classes" in arrays else ()
    return array_source(parts, None, classes, str(path))


def named_pairs(arrays: Mapping[str, Shaped], path: Path) -> Mapping[str, tuple[str, str]]:
    """Names of the samples and the targets of every part that a file of arrays has.

    Raises:
        InputError: none for training, or two that are not equally long.
    """
    pairs = {
        part: pair
        for part, known in _NAMES.items()
        for pair in reversed(known)
        if pair[0] in arrays and pair[1] in arrays
    }
    if TRAIN not in pairs and ALL not in pairs:
        why = f"holds {', '.join(arrays) or 'nothing'}"
        raise InputError(why, where=str(path), fix=_FIX)
    if TRAIN in pairs:
        pairs.pop(ALL, None)
    raise_all(
        InputError(
            f"{first} is {tuple(arrays[first].shape)}, {second} is {tuple(arrays[second].shape)}",
            where=str(path),
            fix="give one class, a whole number from 0, for every sample",
        )
        for first, second in pairs.values()
        if not arrays[first].shape or arrays[first].shape[:1] != arrays[second].shape[:1]
    )
    return pairs


def toy_source(name: str, count: int) -> Source:
    """Draw a toy set of the zoo.

    Raises:
        InputError: there is none of this name.
    """
    samples = draw_samples(name, count, _TOY_SEED)
    layout = "CHW" if samples.inputs.dim() == 4 else "CL"
    part = array_part(samples.inputs.numpy(), samples.targets.numpy())
    source = array_source({ALL: part}, (-1.0, 127 / 128), (), f"toy:{name}")
    return replace(source, layout=layout)


def sklearn_source(name: str) -> Source:
    """Scikit-learn's 1,797 handwritten digits, 8x8, 0 to 16: `digits`.

    Raises:
        InputError: another name, or scikit-learn is not installed.
    """
    if name != "digits":
        why = f"there is no source sklearn:{name}"
        raise InputError(why, where="data.source", fix="it is sklearn:digits")
    try:
        from sklearn.datasets import load_digits  # noqa: PLC0415 - only here, and slow to load
    except ImportError as error:
        why, fix = "needs scikit-learn, which is not installed", "pip install scikit-learn"
        raise InputError(why, where="sklearn:digits", fix=fix) from error
    pictures, targets = load_digits(return_X_y=True)
    part = array_part(pictures.reshape(-1, 8, 8), targets.astype(np.int64))
    return Source({ALL: part}, (0.0, 16.0), tuple("0123456789"), "HW")
