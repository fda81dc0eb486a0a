"""What a word after `--dataset` stands for: where the samples are, their shape, and the answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ai8x_models.describe.user_file import executed
from ai8x_models.training.data.open import open_samples
from ai8x_models.training.data.plan import DataPlan
from ai8x_models.training.data.readers.user_data import NEEDED
from ai8x_models.training.data.readers.vendor_data import answers_of, entries_of, load_sets
from ai8x_models.training.data.source import TEST, TRAIN, Answers
from ai8x_models.training.vendor.names import find_module, unknown
from ai8x_models.training.vendor.request import Request
from ai8x_models.zoo.registry import Shape
from max78000.errors import InputError

# The words of KWS_20; all others are `unknown`.
KEYWORDS = (
    *("up", "down", "left", "right", "stop", "go", "yes", "no", "on", "off"),
    *("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "zero"),
)


@dataclass(frozen=True, slots=True)
class DataFacts:
    """What a run has to know of its data before they are opened.

    Args:
        source: as `data.source` of a recipe.
        shape: of a sample, (C, H, W) or (C, L).
        n_outputs: number of classes, or of the words that the vendor's module has for the answer.
        answers: what is learned.
        more: other keys of the recipe's section `data`.
        class_weights: what classes count; empty if all count alike.
    """

    source: str
    shape: Shape
    n_outputs: int
    answers: Answers = Answers.CLASSES
    more: Mapping[str, Any] = field(default_factory=dict)
    class_weights: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _KnownSet:
    """A public set whose files are read here.

    Args:
        folders: where they may lie in the folder of the data.
        shape: of a sample.
        n_classes: how many there are.
        classes: that are told apart, and one for all others; empty: all.
    """

    folders: tuple[str, ...]
    shape: Shape
    n_classes: int
    classes: tuple[str, ...] = ()


# Folders are those of torchvision, with and without the vendor's in between.
READ_HERE: Mapping[str, _KnownSet] = MappingProxyType(
    {
        "MNIST": _KnownSet(("MNIST/raw", "MNIST"), (1, 28, 28), 10),
        "FashionMNIST": _KnownSet(("FashionMNIST/raw", "FashionMNIST"), (1, 28, 28), 10),
        "CIFAR10": _KnownSet(
            ("CIFAR10/cifar-10-batches-py", "cifar-10-batches-py"), (3, 32, 32), 10
        ),
        "CIFAR100": _KnownSet(("CIFAR100/cifar-100-python", "cifar-100-python"), (3, 32, 32), 100),
        "KWS_20": _KnownSet(
            ("KWS/raw", "KWS", "speech_commands_v0.02"), (128, 128), len(KEYWORDS) + 1, KEYWORDS
        ),
    }
)


def find_data(request: Request) -> DataFacts:
    """Look a data set up: among the vendor's modules, among those read here, or as a source.

    Raises:
        InputError: there is none of this name, or its files are not where they should be.
    """
    check_data(request)
    name = request.dataset
    module = find_module("datasets", name, request.datasets_dir)
    if module is not None:
        return _of_module(*module, request.data)
    found = _read_here(name)
    if found is not None:
        _, known = found
        more = {"classes": list(known.classes)} if known.classes else {}
        folder = str(_folder_of(found, request.data))
        return DataFacts(folder, known.shape, known.n_classes, more=more)
    samples = open_samples(DataPlan(name), "validation", None, None)
    n_outputs = max(len(samples.classes), 1)
    return DataFacts(name, samples.form.shape, n_outputs, samples.answers)


def check_data(request: Request) -> None:
    """Look whether there is a data set of this name, without opening anything.

    Raises:
        InputError: as `find_data`.
    """
    name = request.dataset
    if find_module("datasets", name, request.datasets_dir) is not None:
        return
    found = _read_here(name)
    if found is not None:
        _folder_of(found, request.data)
    elif not any(sign in name for sign in ":/.") and not Path(name).exists():
        raise unknown("datasets", name, request.datasets_dir, tuple(READ_HERE))


def _of_module(path: Path, name: str, data: Path) -> DataFacts:
    """Ask a data set module of the vendor's; one of its test samples tells what is learned."""
    entry = entries_of(executed(path, NEEDED), path)[name]
    outputs = tuple(map(str, entry["output"]))
    sets = load_sets(entry, path, str(data), train=False)
    found = sets.get(TEST) or load_sets(entry, path, str(data))[TRAIN]
    weights = dict(zip(outputs, map(float, entry.get("weight", ())), strict=False))
    return DataFacts(
        f"{path}:{name}",
        tuple(map(int, entry["input"])),
        len(outputs),
        answers_of(entry, found[0][1]),
        {"folder": str(data)},
        weights if len(set(weights.values())) > 1 else {},
    )


def _read_here(name: str) -> tuple[str, _KnownSet] | None:
    """A set by its name in any case of letters, and the name as it is written."""
    return next((one for one in READ_HERE.items() if one[0].lower() == name.lower()), None)


def _folder_of(found: tuple[str, _KnownSet], data: Path) -> Path:
    name, known = found
    folder = next((data / one for one in known.folders if (data / one).is_dir()), None)
    if folder is None:
        places = " or ".join(str(data / one) for one in known.folders)
        fix = f"fetch {name} there, or name its folder: --data; nothing is downloaded here"
        raise InputError(f"{name} is not in {places}", where="--data", fix=fix)
    return folder
