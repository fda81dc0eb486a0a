"""The language of `finish`: words of steps, their keys, and the values that they make."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from synthesis.finish.steps import (
    Argmax,
    Clamp,
    Concat,
    Function,
    LogSoftmax,
    Normalize,
    Pair,
    Pairing,
    Permute,
    Pointwise,
    Reshape,
    Scale,
    Slice,
    Softmax,
    Step,
)
from synthesis.read import yaml_values as values

Keys = Mapping[str, tuple[str, values.Converter]]


@dataclass(frozen=True, slots=True)
class StepWord:
    """What a word means.

    Attributes:
        make: keys, by their names -> the step.
        keys: that it takes, beside those of every step.
        needed: those of them that have to be given.
    """

    make: Callable[..., Step]
    keys: Keys = field(default_factory=dict)
    needed: tuple[str, ...] = ()


C_KEYWORDS = frozenset(
    (
        *("auto", "break", "case", "char", "const", "continue", "default", "do", "double", "else"),
        *("enum", "extern", "float", "for", "goto", "if", "inline", "int", "long", "register"),
        *("restrict", "return", "short", "signed", "sizeof", "static", "struct", "switch"),
        *("typedef", "union", "unsigned", "void", "volatile", "while"),
    )
)


def identifier(value: object) -> str:
    """A name that C can have, too."""
    word = values.text(value)
    if re.fullmatch(r"[A-Za-z_]\w*", word, re.ASCII) is None or word in C_KEYWORDS:
        raise values.BadValue("a name of letters, digits and _, and no keyword of C")
    return word


def names(value: object) -> tuple[str, ...]:
    """One or several names, in lower case."""
    entries = value if isinstance(value, list) else [value]
    if not entries:
        raise values.BadValue("at least one name")
    return tuple(values.text(entry).lower() for entry in entries)


# Of every step. key -> (name, converter)
COMMON_KEYS: Keys = MappingProxyType(
    {
        "name": ("name", identifier),
        "input": ("inputs", names),
        "result": ("result", values.boolean),
    }
)


def _keys(**converters: values.Converter) -> Keys:
    return MappingProxyType({key: (key, converter) for key, converter in converters.items()})


def _along_axis(make: Callable[..., Step], **more: values.Converter) -> StepWord:
    return StepWord(make, _keys(dim=values.integer, **more), ("dim",))


def _fixed(step: Step) -> StepWord:
    return StepWord(lambda: step)


WORDS: Mapping[str, StepWord] = MappingProxyType(
    {
        "softmax": _along_axis(Softmax),
        "log_softmax": _along_axis(LogSoftmax),
        "argmax": _along_axis(Argmax),
        "normalize": _along_axis(Normalize, eps=values.number),
        **{one.value: _fixed(Pointwise(one)) for one in Function},
        "clamp": StepWord(Clamp, _keys(min=values.number, max=values.number), ("min", "max")),
        "scale": StepWord(
            Scale, _keys(factor=values.numbers, offset=values.numbers, dim=values.integer)
        ),
        **{one.value: _fixed(Pair(one)) for one in Pairing},
        "cat": _along_axis(Concat),
        "permute": StepWord(Permute, _keys(dims=values.integers), ("dims",)),
        "reshape": StepWord(Reshape, _keys(shape=values.integers), ("shape",)),
        "slice": StepWord(
            Slice,
            _keys(
                dim=values.integer, start=values.integer, stop=values.integer, step=values.integer
            ),
            ("dim", "start", "stop"),
        ),
    }
)
STEP = values.meaning_of(WORDS)
_OF_TYPE = MappingProxyType(
    {
        Softmax: "softmax",
        LogSoftmax: "log_softmax",
        Argmax: "argmax",
        Normalize: "normalize",
        Clamp: "clamp",
        Scale: "scale",
        Concat: "cat",
        Permute: "permute",
        Reshape: "reshape",
        Slice: "slice",
    }
)


def word_of(step: Step) -> str:
    """The word of a step."""
    match step:
        case Pointwise(function):
            return function.value
        case Pair(pairing):
            return pairing.value
        case _:
            return _OF_TYPE[type(step)]


def entries_of(step: Step) -> dict[str, Any]:
    """What a description says of a step: its word, and its keys with their values."""
    word = word_of(step)
    found = {key: getattr(step, name) for key, (name, _) in WORDS[word].keys.items()}
    return {"op": word, **{key: value for key, value in found.items() if value is not None}}
