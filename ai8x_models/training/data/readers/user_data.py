"""A function of the user's as a source: `FILE.py:NAME` gives torch data sets by split."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from ai8x_models.describe.user_file import Needed, call_in_module
from ai8x_models.training.data.form import Raw
from ai8x_models.training.data.source import ALL, SPLITS, TRAIN, Indexes, Part, Source, array_source
from max78000.errors import InputError

NEEDED = Needed(
    "function",
    "name a file and a function: data.py:data",
    "name a function that needs no arguments and returns data sets",
)
_KEPT_BYTES = 2**30  # of samples that are held; others are asked for a second time
_FIX = "return {'train': ..., 'test': ...} of data sets whose items are (sample, class)"


def user_source(module: ModuleType, path: Path, name: str) -> Source:
    """Call a function for its data sets: a mapping by split, a tuple (train, test), or one for all.

    A data set has a length and items (sample, target), as those of torch have; samples are tensors,
    arrays or pictures, targets classes, numbers or masks, all of one shape. Classes are named by
    its attribute `classes`, if it has one.

    Raises:
        InputError: no such function, one that fails, or gives something else.
    """
    given = call_in_module(module, path, name, NEEDED)
    where = f"{path}:{name}"
    sets = _by_split(given, where)
    parts = {split: items_part(one, where, plain) for split, one in sets.items()}
    classes = next((one.classes for one in sets.values() if hasattr(one, "classes")), ())
    return array_source(parts, None, tuple(map(str, classes)), where)


def _by_split(given: Any, where: str) -> dict[str, Any]:
    if isinstance(given, tuple | list) and len(given) in (2, 3):
        names = (TRAIN, "test") if len(given) == 2 else SPLITS
        given = dict(zip(names, given, strict=True))
    if not isinstance(given, Mapping):
        given = {ALL: given}
    wrong = [str(name) for name in given if name not in (*SPLITS, ALL)]
    if wrong or not ({TRAIN, ALL} & given.keys()):
        why = f"gives {', '.join(map(str, given)) or 'nothing'}"
        raise InputError(why, where=where, fix=_FIX)
    for name, one in given.items():
        if not (hasattr(one, "__len__") and hasattr(one, "__getitem__")):
            why = f"{name} is a {type(one).__name__}, no data set with a length"
            raise InputError(why, where=where, fix=_FIX)
    return dict(given)


def items_part(dataset: Any, where: str, number: Callable[[Any], Raw]) -> Part:
    """A part whose samples and targets are the items of a data set, each asked for once.

    Args:
        dataset: has a length and items (sample, target).
        where: its source, for messages.
        number: a target as numbers; raises TypeError if it cannot be.

    Raises:
        InputError: an item is something else.
    """
    kept: list[Raw] = []
    targets, n_bytes = [], 0
    try:
        for index in range(len(dataset)):
            sample, target = dataset[index][:2]
            targets.append(number(target))
            n_bytes += (array := np.asarray(sample)).nbytes
            if n_bytes <= _KEPT_BYTES:
                kept.append(array)
        answers = np.array(targets)
    except (TypeError, ValueError, LookupError) as error:
        raise InputError(f"an item is no pair: {error}", where=where, fix=_FIX) from error

    def read(indexes: Indexes) -> Raw:
        samples = [
            kept[index] if index < len(kept) else np.asarray(dataset[int(index)][0])
            for index in indexes
        ]
        shapes = {one.shape for one in samples}
        if len(shapes) > 1:
            why = f"samples have several shapes: {', '.join(map(str, sorted(shapes)[:3]))}"
            raise InputError(why, where=where, fix="let the data sets resize them")
        return np.stack(samples)

    return Part(answers, read)


def plain(target: Any) -> Raw:
    """A target as numbers.

    Raises:
        TypeError: it is something else.
    """
    array = np.asarray(target)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{type(target).__name__} is no class, number or array of them")
    return array.astype(np.int64) if array.dtype.kind == "b" else array
