"""The vendor's data set modules: a Python file with a list `datasets`, each with its loader.

    datasets = [{'name': 'CIFAR10', 'input': (3, 32, 32), 'output': ('plane', ...), 'loader': load}]

A loader is called as by the vendor's trainer, `load((folder, args), load_train=True,
load_test=True)`, and gives two data sets whose samples are normalized. Its `import ai8x` finds
ours. What a data set draws at random is drawn once: `augment` of the recipe draws anew.
Source: [trainer] its documentation of data loaders. Only the interface is followed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from ai8x_models.describe.user_file import called, executed
from ai8x_models.training.data.form import Raw
from ai8x_models.training.data.readers.user_data import NEEDED, items_part, plain, user_source
from ai8x_models.training.data.source import (
    NO_BOX,
    TEST,
    TRAIN,
    Answers,
    Part,
    Source,
    array_source,
)
from max78000.errors import InputError

FOLDER = "data"  # the vendor's default
_RANGE = (-1.0, 127 / 128)
_FIX = "give each of `datasets` a name, an output and a loader"


@dataclass(frozen=True, slots=True)
class LoaderArguments:
    """What loaders ask of the trainer's arguments, with the vendor's names and defaults."""

    act_mode_8bit: bool = False
    truncate_testset: bool = False
    deterministic: bool = True
    obj_detection: bool = False
    regression: bool = False
    batch_size: int = 256
    workers: int = 0
    seed: int = 1
    validation_split: float = 0.1
    device: int = 85
    out_fold_ratio: int = 1
    use_bias: bool = True
    generate_sample: None = None
    slice_sample: bool = False
    dataset: str = ""
    data: str = FOLDER


def python_source(path: Path, name: str, folder: str | None) -> Source:
    """Ask a Python file: one of its `datasets`, or a function of the user's.

    Args:
        path: the file.
        name: of either; empty for the only one of `datasets`.
        folder: of the data, which loaders are told.

    Raises:
        InputError: no such file or name, or what is there fails.
    """
    module = executed(path, NEEDED)
    entries = entries_of(module, path)
    if name in entries:
        return _loaded(entries[name], path, folder)
    if not name and len(entries) == 1:
        return _loaded(next(iter(entries.values())), path, folder)
    if not name or (entries and not hasattr(module, name.partition("(")[0])):
        nearest = get_close_matches(name, entries, n=3, cutoff=0.3) or list(entries)[:10]
        why = f"has no data set {name!r}" if name else f"has {len(entries)} data sets"
        fix = f"name one: {path}:{nearest[0]}" if nearest else NEEDED.example
        raise InputError(why, where=str(path), fix=fix)
    return user_source(module, path, name)


def entries_of(module: ModuleType, path: Path) -> dict[str, Mapping[str, Any]]:
    """The data sets of a file by their names.

    Raises:
        InputError: its list is not as the vendor's.
    """
    found = getattr(module, "datasets", ())
    try:
        entries = {str(one["name"]): one for one in found}
        for one in entries.values():
            if not callable(one["loader"]):
                raise TypeError("a loader is no function")
            tuple(one["output"])
    except (TypeError, KeyError) as error:
        why = f"`datasets` is not as the vendor's: {type(error).__name__} {error}"
        raise InputError(why, where=str(path), fix=_FIX) from error
    return entries


def _loaded(entry: Mapping[str, Any], path: Path, folder: str | None) -> Source:
    where = f"{path}:{entry['name']}"
    sets = load_sets(entry, path, folder)
    return replace(_source(entry, sets, where), layout=_layout(sets[TRAIN]))


def load_sets(
    entry: Mapping[str, Any], path: Path, folder: str | None, train: bool = True
) -> dict[str, Any]:
    """Call the loader of an entry; what it gives, by split.

    Args:
        entry: of the list.
        path: its file.
        folder: of the data.
        train: also the training data are wanted.

    Raises:
        InputError: it fails, or gives something else.
    """
    home = folder or FOLDER
    args = LoaderArguments(dataset=entry["name"], data=home)
    loader, where = entry["loader"], f"{path}:{entry['name']}"
    name = getattr(loader, "__name__", "loader")
    given = called(
        lambda: loader((home, args), load_train=train, load_test=True), path, name, NEEDED
    )
    if not isinstance(given, tuple | list) or len(given) != 2 or (train and given[0] is None):
        fix = "return (training data set, test data set)"
        raise InputError(f"{name}() gives no two data sets", where=where, fix=fix)
    return {split: one for split, one in zip((TRAIN, TEST), given, strict=True) if one is not None}


def answers_of(entry: Mapping[str, Any], target: Any) -> Answers:
    """What a data set answers, by one of its targets."""
    if has_boxes(target):
        return Answers.BOXES
    number = plain(target)
    if entry.get("regression") or number.dtype.kind == "f":
        return Answers.NUMBERS
    return Answers.MASKS if number.ndim >= 2 else Answers.CLASSES


def _source(entry: Mapping[str, Any], sets: Mapping[str, Any], where: str) -> Source:
    output = tuple(map(str, entry["output"]))
    if has_boxes(sets[TRAIN][0][1]):
        parts = {split: _box_part(one, where) for split, one in sets.items()}
        n_classes = 1 + max(int(part.targets[..., 4].max()) for part in parts.values())
        classes = output if len(output) == n_classes else tuple(map(str, range(1, n_classes + 1)))
        return Source(_all_checked(parts, where), _RANGE, classes, answers=Answers.BOXES)
    parts = {split: items_part(one, where, plain) for split, one in sets.items()}
    source = array_source(_all_checked(parts, where), _RANGE, (), where)
    if entry.get("regression") or source.answers is Answers.NUMBERS:
        return source.answering(Answers.NUMBERS, where)
    return array_source(source.parts, _RANGE, output, where)


def _all_checked(parts: Mapping[str, Part], where: str) -> dict[str, Part]:
    return {split: _checked(part, where) for split, part in parts.items()}


def _checked(part: Part, where: str) -> Part:
    """The part, whose samples have to be normalized."""

    def read(indexes: Any) -> Raw:
        samples = part.read(indexes)
        if samples.min() < -1 or samples.max() > 1:
            why = f"samples go from {samples.min():g} to {samples.max():g}, not -1 to 1"
            fix = "let its transforms end with ai8x.normalize(args=args)"
            raise InputError(why, where=where, fix=fix)
        return samples

    return Part(part.targets, read)


def _layout(dataset: Any) -> str:
    return "CHW" if np.ndim(dataset[0][0]) == 3 else "CL"


def has_boxes(target: Any) -> bool:
    """True for pairs of boxes and labels, as the vendor's detectors take them."""
    return isinstance(target, tuple | list) and len(target) == 2 and np.ndim(target[0]) == 2


def _box_part(dataset: Any, where: str) -> Part:
    """Boxes (x0, y0, x1, y1) in shares of the picture, and labels, of which 0 is the background."""
    rows: list[Raw] = []

    def number(target: Any) -> Raw:
        boxes, labels = (np.asarray(one, np.float32) for one in target)
        rows.append(np.column_stack((boxes.reshape(-1, 4), labels.reshape(-1) - 1)))
        return np.array(len(rows) - 1)

    part = items_part(dataset, where, number)
    targets = np.full((len(rows), max(1, *map(len, rows)), 5), NO_BOX, np.float32)
    for place, row in enumerate(rows):
        targets[place, : len(row)] = row
    return Part(targets, part.read)
