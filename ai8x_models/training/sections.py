"""YAML nodes in, frozen dataclasses out; every problem at once, each with its line.

The fields of a dataclass are the keys of a section: their types say what is read, `within` and
`one_of` what is allowed. Knows no recipe, and refuses to guess: an unknown key is an error, never
ignored.
"""

import dataclasses
import math
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from max78000.errors import InputError, ToolError, raise_all


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


def within(low: float, high: float = math.inf) -> dict[str, Range]:
    """Metadata of a field: the bounds of a number."""
    return {"range": Range(low, high)}


def one_of(*words: str) -> dict[str, Range]:
    """Metadata of a field: the words a text may be."""
    return {"range": Range(words=words)}


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file the reader stands, for messages."""

    source: str
    path: str = ""

    def __truediv__(self, key: str) -> "Place":
        return Place(self.source, f"{self.path}.{key}" if self.path else key)

    def at(self, node: yaml.Node) -> str:
        """Name a node: file, line and key."""
        return f"{self.source}:{node.start_mark.line + 1} {self.path}".rstrip()

    def problem(self, node: yaml.Node, why: str, fix: str = "") -> InputError:
        """Make the error for something wrong at `node`."""
        return InputError(why, where=self.at(node), fix=fix)


def read_section(node: yaml.Node, kind: type[Any], place: Place) -> object:
    """Turn a mapping into an instance of the dataclass `kind`.

    Raises:
        InputError: the node is no mapping, or has one problem.
        ProblemList: several.
    """
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
    """Read one value of the type that a dataclass field asks for; None if it asks for any."""
    if hint is Any:
        return None
    if isinstance(hint, types.UnionType):  # `X | None`: an explicit null means None
        if node.tag == "tag:yaml.org,2002:null":
            return None
        hint = next(arm for arm in hint.__args__ if arm is not type(None))
    if dataclasses.is_dataclass(hint):
        assert isinstance(hint, type)
        return _read_part(node, hint, place)
    if typing.get_origin(hint) is tuple:
        return _read_list(node, typing.get_args(hint)[0], place)
    if typing.get_origin(hint) is not None:
        of_key, of_value = typing.get_args(hint)
        return _read_table(node, of_key, of_value, place)
    return _read_scalar(node, hint, place)


def _read_part(node: yaml.Node, kind: type[Any], place: Place) -> object:
    """Read a section in a section, or the file that stands for it."""
    from_file = getattr(kind, "from_file", None)
    if from_file is None or not isinstance(node, yaml.ScalarNode):
        return read_section(node, kind, place)
    return from_file(Path(node.value))


def _read_scalar(node: yaml.Node, hint: Any, place: Place) -> object:
    read, words = _SCALARS.get(hint, hint), _WORDS.get(hint)
    if words is None:  # an enumeration
        words = " or ".join(str(one.value) for one in hint)
    if not isinstance(node, yaml.ScalarNode):
        raise place.problem(node, f"must be {words}")
    try:
        return read(node.value)
    except (ValueError, KeyError):
        raise place.problem(node, f"must be {words}, is {node.value!r}") from None


def _read_table(node: yaml.Node, of_key: type, kind: type, place: Place) -> dict[Any, object]:
    """Read names and numbers."""
    if not isinstance(node, yaml.MappingNode):
        raise place.problem(node, "must be `name: number` lines")
    return {
        _read_value(key, of_key, place): _read_value(one, kind, place / str(key.value))
        for key, one in node.value
    }


def _read_list(node: yaml.Node, kind: type, place: Place) -> tuple[object, ...]:
    if not isinstance(node, yaml.SequenceNode):
        raise place.problem(node, f"must be a list: each entry {_WORDS[kind]}")
    return tuple(_read_value(one, kind, place) for one in node.value)


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
