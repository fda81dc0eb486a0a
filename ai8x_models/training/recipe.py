"""Training recipes: YAML text in, one frozen and checked `Recipe` out.

A recipe says everything that decides the weights a run ends with: model, data, seed, schedule,
loss, teacher, quantization. This file knows keys, types and ranges, and reports every problem of a
recipe at once, each with its line. It opens no data, builds no model and refuses to guess: an
unknown key is an error, never ignored. Paths are relative to the current folder.
"""

import dataclasses
import math
import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ai8x_models.layers.policy import QatPolicy
from ai8x_models.tasks.pose.figures.figures import PRESETS
from max78000.errors import InputError, ToolError, raise_all

IMPORTED = "coco"  # preset of pictures that were imported, not rendered


@dataclass(frozen=True, slots=True)
class Range:
    """Inclusive bounds of a number, or the words a text may be."""

    low: float = -math.inf
    high: float = math.inf
    words: tuple[str, ...] = ()

    def problem(self, value: object) -> str:
        """Say why `value` is refused; empty if it is not."""
        if self.words:
            return "" if value in self.words else f"must be one of: {', '.join(self.words)}"
        assert isinstance(value, int | float)
        if self.low <= value <= self.high:
            return ""
        high = "" if self.high == math.inf else f" and at most {self.high:g}"
        return f"must be at least {self.low:g}{high}"


def _within(low: float, high: float = math.inf) -> dict[str, Range]:
    return {"range": Range(low, high)}


def _one_of(*words: str) -> dict[str, Range]:
    return {"range": Range(words=words)}


@dataclass(frozen=True, slots=True)
class DataPlan:
    """Which images, how many of each split, and where their caches are kept.

    `preset` says what is rendered; `coco` takes imported pictures, whose counts must be right.
    """

    preset: str = field(metadata=_one_of(*PRESETS, IMPORTED))
    train_count: int = field(metadata=_within(1, 1_000_000))
    validation_count: int = field(default=300, metadata=_within(1, 1_000_000))
    folder: Path = Path("data")


@dataclass(frozen=True, slots=True)
class OptimizerPlan:
    """AdamW with a linear warm-up and a cosine decay to zero; the rate changes every step."""

    peak_rate: float = field(default=4e-3, metadata=_within(1e-8, 1.0))
    weight_decay: float = field(default=1e-4, metadata=_within(0.0, 1.0))
    warmup_share: float = field(default=0.05, metadata=_within(0.0, 0.5))


@dataclass(frozen=True, slots=True)
class LossPlan:
    """Weights of the squared map errors; see `losses.PoseLoss`."""

    paf_weight: float = field(default=0.5, metadata=_within(0.0))
    positive_weight: float = field(default=4.0, metadata=_within(0.0))
    arm_weight: float = field(default=2.0, metadata=_within(0.0))


@dataclass(frozen=True, slots=True)
class AugmentPlan:
    """Changes that map exactly onto cached maps: mirror, whole-cell shifts; and exposure."""

    flip: bool = True
    shift_cells: int = field(default=1, metadata=_within(0, 8))
    jitter: bool = False


@dataclass(frozen=True, slots=True)
class DistillPlan:
    """A teacher and the weights of what is learned from it; see `distill.DistillationLoss`."""

    teacher: Path
    share: float = field(default=0.5, metadata=_within(0.0, 1.0))
    decay: bool = False
    feature_weight: float = field(default=0.0, metadata=_within(0.0))


@dataclass(frozen=True, slots=True)
class Recipe:
    """One training run. Results go to `runs/NAME/`."""

    name: str
    model: str
    epochs: int = field(metadata=_within(1, 10_000))
    data: DataPlan
    seed: int = field(default=1, metadata=_within(0, 2**31 - 1))
    batch_size: int = field(default=32, metadata=_within(2, 4096))
    precision: str = field(default="float32", metadata=_one_of("float32", "bfloat16"))
    start_from: Path | None = None
    optimizer: OptimizerPlan = OptimizerPlan()
    loss: LossPlan = LossPlan()
    augment: AugmentPlan = AugmentPlan()
    distill: DistillPlan | None = None
    qat: QatPolicy | None = None

    @property
    def run_folder(self) -> Path:
        """Where the results go."""
        return Path("runs") / self.name

    @property
    def steps_per_epoch(self) -> int:
        """Whole batches only: the images left over in one epoch come first or later in another."""
        return self.data.train_count // self.batch_size


def read_recipe(path: Path) -> Recipe:
    """Read and check a recipe file.

    Raises:
        InputError: no such file, not UTF-8, not YAML, not a recipe.
        ProblemList: several problems; each with its line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"cannot be read: {error.strerror}", where=str(path), fix="name a recipe file"
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(
            "is not UTF-8 text", where=str(path), fix="name a YAML recipe file"
        ) from error
    return parse_recipe(text, str(path))


def parse_recipe(text: str, source: str) -> Recipe:
    """Turn YAML text into a recipe; `source` is the name that messages give it."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{source}:{mark.line + 1}" if mark else source
        reason = getattr(error, "problem", None) or "cannot be parsed"
        fix = "check indentation and colons"
        raise InputError(f"is not valid YAML: {reason}", where=where, fix=fix) from error
    if root is None:
        raise InputError("is empty", where=source, fix="start from a file in ai8x_models/recipes/")
    recipe = _read_section(root, Recipe, Place(source))
    assert isinstance(recipe, Recipe)
    raise_all(_contradictions(recipe, source))
    return recipe


def _contradictions(recipe: Recipe, source: str) -> Iterator[ToolError]:
    """Find what is wrong between keys that are each right."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", recipe.name):
        why = f"name: {recipe.name!r} cannot be a folder name"
        yield InputError(why, where=source, fix="use a-z, 0-9, _ and -")
    if recipe.steps_per_epoch == 0:
        why = f"batch_size {recipe.batch_size} is more than train_count {recipe.data.train_count}"
        yield InputError(why, where=source, fix="make the batch smaller or render more images")
    if recipe.qat is not None and recipe.qat.start_epoch >= recipe.epochs:
        why = f"qat.start_epoch {recipe.qat.start_epoch} is never reached in {recipe.epochs} epochs"
        yield InputError(why, where=source, fix="start earlier, or leave `qat` out")


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a recipe the reader stands, for messages."""

    source: str
    path: str = ""

    def __truediv__(self, key: str) -> "Place":
        return Place(self.source, f"{self.path}.{key}" if self.path else key)

    def problem(self, node: yaml.Node, why: str, fix: str = "") -> InputError:
        """Make the error for something wrong at `node`."""
        line = node.start_mark.line + 1
        return InputError(why, where=f"{self.source}:{line} {self.path}".rstrip(), fix=fix)


def _read_section(node: yaml.Node, kind: type[Any], place: Place) -> object:
    """Turn a mapping into an instance of the dataclass `kind`; report all its problems at once."""
    if not isinstance(node, yaml.MappingNode):
        raise place.problem(node, "must be `key: value` lines")
    fields = {item.name: item for item in dataclasses.fields(kind)}
    hints = typing.get_type_hints(kind)
    values: dict[str, object] = {}
    problems: list[ToolError] = []
    for key_node, value_node in node.value:
        key = key_node.value if isinstance(key_node, yaml.ScalarNode) else "?"
        here = place / key
        if key not in fields:
            known = f"known are: {', '.join(fields)}"
            problems.append(here.problem(key_node, "is an unknown key", known))
            continue
        if key in values:
            problems.append(here.problem(key_node, "is given twice", "remove one of the lines"))
        values[key] = None
        try:
            values[key] = _read_value(value_node, hints[key], here)
            _check_range(value_node, fields[key], values[key], here)
        except ToolError as problem:
            problems.append(problem)
    for name, item in fields.items():
        if name not in values and item.default is item.default_factory is dataclasses.MISSING:
            problems.append((place / name).problem(node, "is missing"))
    raise_all(problems)
    try:
        return kind(**values)
    except ToolError as problem:  # the value itself refuses, without knowing the line
        raise place.problem(node, str(problem)) from problem


def _read_value(node: yaml.Node, hint: Any, place: Place) -> object:
    """Read one value of the type that a dataclass field asks for."""
    if isinstance(hint, types.UnionType):  # `X | None`: an explicit null means None
        if node.tag == "tag:yaml.org,2002:null":
            return None
        hint = next(arm for arm in hint.__args__ if arm is not type(None))
    if dataclasses.is_dataclass(hint):
        assert isinstance(hint, type)
        return _read_section(node, hint, place)
    if typing.get_origin(hint) is not None:  # a table of names and whole numbers
        if not isinstance(node, yaml.MappingNode):
            raise place.problem(node, "must be `name: number` lines")
        return {
            str(key.value): _read_value(one, int, place / str(key.value)) for key, one in node.value
        }
    if not isinstance(node, yaml.ScalarNode):
        raise place.problem(node, f"must be {_WORDS[hint]}")
    try:
        return _SCALARS[hint](node.value)
    except (ValueError, KeyError):
        raise place.problem(node, f"must be {_WORDS[hint]}, is {node.value!r}") from None


def _check_range(
    node: yaml.Node, item: dataclasses.Field[Any], value: object, place: Place
) -> None:
    allowed = item.metadata.get("range")
    reason = allowed.problem(value) if allowed and value is not None else ""
    if reason:
        raise place.problem(node, f"{reason}, is {value}")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


_SCALARS: Mapping[type, Callable[[str], object]] = {
    bool: {"true": True, "false": False}.__getitem__,
    int: int,
    float: _finite,  # YAML 1.1 reads 4e-3 as text; a person means the number
    str: str,
    Path: Path,
}
_WORDS: Mapping[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    Path: "a path",
}
