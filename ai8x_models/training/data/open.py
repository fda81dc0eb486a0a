"""From what a recipe says to samples in the network's form: finds the reader, settles the form."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ai8x_models.describe.reference import split_reference
from ai8x_models.training.data.detect import Wanted, reader_of
from ai8x_models.training.data.form import (
    InputForm,
    Int8s,
    Raw,
    check_finite,
    layout_of,
    moved_shape,
)
from ai8x_models.training.data.plan import DataPlan
from ai8x_models.training.data.prepared import Preparation, prepared
from ai8x_models.training.data.readers.arrays import sklearn_source, toy_source
from ai8x_models.training.data.readers.vendor_data import python_source
from ai8x_models.training.data.source import (
    NO_BOX,
    TRAIN,
    UNCOUNTED,
    Answers,
    Cut,
    Indexes,
    Part,
    Source,
    Targets,
)
from ai8x_models.training.progress import Progress, no_progress
from ai8x_models.zoo.registry import Shape
from ai8x_models.zoo.toy_data import SETS
from max78000.errors import InputError

_N_LOOKED_AT = 256  # samples that tell the range and the shape of their source
_UNSIGNED, _SIGNED = (0.0, 255.0), (-128.0, 127.0)
_KINDS = (
    "FILE.py:NAME, a folder, FILE.csv, FILE.npz, FILE.h5, a COCO FILE.json, toy:NAME or"
    " sklearn:digits"
)


@dataclass(frozen=True, slots=True)
class Samples:
    """One split in memory.

    Args:
        inputs: (N, C, H, W) or (N, C, L), as the network takes them; large ones lie in a file.
        targets: what should be answered, (N, ...), as `answers` says.
        classes: names of the classes; empty where targets are numbers.
        form: how the inputs were made.
        answers: what the targets are.
        training_targets: those of the training samples, whatever split this is: from them the task
            settles what answers mean. None if they are `targets`.
    """

    inputs: Int8s
    targets: Targets
    classes: tuple[str, ...]
    form: InputForm
    answers: Answers = Answers.CLASSES
    training_targets: Targets | None = None

    def __len__(self) -> int:
        return len(self.inputs)


def open_samples(
    plan: DataPlan,
    split: str,
    shape: Shape | None = None,
    answers: Answers | None = Answers.CLASSES,
    progress: Progress = no_progress,
) -> Samples:
    """Open a split of a source and bring it to the network's form.

    Args:
        plan: source, and what is to be made of it.
        split: `train`, `validation` or `test`.
        shape: of the network's input, if it is known and the plan does not say it.
        answers: what the task learns; None: anything.
        progress: shows how far reading is.

    Raises:
        InputError: no such source, or one that the network cannot take.
        UnsupportedError: its answers are not what the task learns.
    """
    shape = plan.shape or shape
    source = open_source(plan, shape, answers).answering(answers, plan.source)
    if plan.classes:
        source = source.telling_apart(plan.classes, plan.source)
    cut = Cut(plan.validation_share, plan.test_share, plan.seed)
    first, some = cut.chosen(source.parts, TRAIN, plan.source)
    form = _form(plan, source, lambda: _some(first, some), shape)
    part, chosen = cut.chosen(source.parts, split, plan.source)
    checks = not plan.range and source.range is None
    targets = part.targets[chosen]
    classes = source.classes or _numbered(source.answers, first.targets)
    _check_classes(_class_numbers(source.answers, targets), len(classes), split, plan.source)
    seen = None if split == TRAIN else first.targets[some]
    preparation = Preparation(part, chosen, form, plan.source, checks)
    inputs = prepared(preparation, plan.workers, progress)
    return Samples(inputs, targets, classes, form, source.answers, seen)


def _numbered(answers: Answers, targets: Targets) -> tuple[str, ...]:
    """Classes that have no names are called by their numbers."""
    numbers = _class_numbers(answers, targets)
    return tuple(map(str, range(int(numbers.max(initial=-1)) + 1)))


def _check_classes(numbers: Targets, n_classes: int, split: str, where: str) -> None:
    if numbers.size and not 0 <= numbers.min() <= numbers.max() < n_classes:
        first, last = int(numbers.min()), int(numbers.max())
        why = f"classes {first}..{last} of {split} are not in 0..{n_classes - 1}"
        raise InputError(why, where=where, fix="number the classes from 0")


def _class_numbers(answers: Answers, targets: Targets) -> Targets:
    """Every class that occurs in targets, int64."""
    numbers: Targets = np.empty(0, np.int64)
    match answers:
        case Answers.CLASSES:
            numbers = targets
        case Answers.MASKS:
            numbers = targets[targets != UNCOUNTED].astype(np.int64)
        case Answers.BOXES:
            numbers = targets[..., 4].astype(np.int64)
            numbers = numbers[numbers != NO_BOX]
    return numbers


def open_source(
    plan: DataPlan, shape: Shape | None, answers: Answers | None = Answers.CLASSES
) -> Source:
    """Ask the reader of this kind of source; arguments and errors as of `open_samples`."""
    word = plan.source
    reference = split_reference(word)
    kind, _, name = word.partition(":")
    if reference is not None or word.endswith(".py"):
        return python_source(*(reference or (Path(word), "")), plan.folder)
    if kind == "sklearn":
        return sklearn_source(name)
    if kind == "toy" or (word in SETS and not Path(word).exists()):
        return toy_source(name or word, plan.count)
    path = Path(word)
    reader = reader_of(path)
    if reader is not None:
        return reader(path, Wanted(plan, shape, answers))
    raise InputError("there is no such source of data", where=word, fix=f"name {_KINDS}")


def _form(
    plan: DataPlan, source: Source, look: Callable[[], Raw], shape: Shape | None
) -> InputForm:
    """Settle the form; samples are looked at if nothing else tells."""
    layout = plan.layout or source.layout
    numbers = plan.range or source.range
    if not (layout and numbers and shape):
        raw = look()
        layout = layout or layout_of(raw.shape[1:], shape)
        shape = shape or moved_shape(raw.shape[1:], layout)
        numbers = numbers or _range_of(raw, plan.source)
    low, high = numbers
    return InputForm(shape, low, high, layout, plan.mean, rate=source.rate)


def _some(part: Part, chosen: Indexes) -> Raw:
    """Samples from all over a split."""
    places = np.linspace(0, len(chosen) - 1, min(len(chosen), _N_LOOKED_AT)).astype(int)
    some: Raw = part.read(chosen[places])
    return some


def _range_of(raw: Raw, where: str) -> tuple[float, float]:
    """Range of numbers that nothing is known of but themselves."""
    if raw.dtype in (np.uint8, np.int8):
        return _UNSIGNED if raw.dtype == np.uint8 else _SIGNED
    check_finite(raw, where)
    if raw.dtype.kind == "f" and raw.min() >= -1 and raw.max() <= 1:
        return (0.0, 1.0) if raw.min() >= 0 else (-1.0, 127 / 128)
    why = f"samples are {raw.dtype} from {raw.min():g} to {raw.max():g}: their range is not known"
    raise InputError(why, where=where, fix="give `data.range`: what becomes -128 and 127")
