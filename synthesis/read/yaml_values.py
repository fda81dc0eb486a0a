"""Plain YAML values -> typed ones: one converter per kind of value, each naming what it expected.

Knows types and ranges of single values, not keys and not what they mean together.
"""

import difflib
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from max78000.errors import UnsupportedError
from synthesis.read.description import Pair, Reference

MAX_PROCESSOR_MAP = 2**64 - 1
Converter = Callable[[Any], Any]


class BadValue(ValueError):
    """What a converter expected, as the end of the sentence "... must be"."""


def integer(value: object) -> int:
    """An integer, not a boolean."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadValue("an integer")
    return value


def within(low: int, high: int) -> Converter:
    """An integer in a closed range."""

    def convert(value: object) -> int:
        number = integer(value)
        if not low <= number <= high:
            raise BadValue(f"an integer from {low} to {high}")
        return number

    return convert


def boolean(value: object) -> bool:
    """A YAML boolean, or 0 or 1; quoted words are neither."""
    if value in (True, False, 0, 1) and isinstance(value, int):
        return bool(value)
    raise BadValue("true or false (without quotes)")


def text(value: object) -> str:
    """Text that is not empty."""
    if not isinstance(value, str) or not value:
        raise BadValue("a word")
    return value


def meaning_of(words: Mapping[str, object]) -> Converter:
    """What one of some words stands for; words in any case, null is the word none."""

    def convert(value: object) -> object:
        word = "none" if value is None else str(value).lower()
        if word not in words:
            near = difflib.get_close_matches(word, words, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise BadValue(f"one of {', '.join(words)}{hint}")
        return words[word]

    return convert


def one_of(*allowed: int) -> Converter:
    """One of some integers."""

    def convert(value: object) -> int:
        if isinstance(value, bool) or value not in allowed:
            raise BadValue(f"one of {', '.join(map(str, allowed))}")
        return integer(value)

    return convert


def quantization(value: object) -> int:
    """Weight bits."""
    if isinstance(value, str) and value.lower() in ("bin", "binary"):
        raise UnsupportedError(
            "binary weights {-1, +1} exist on MAX78002 only",
            fix="use quantization: 1, whose weights are {-1, 0}",
            rule="G18",
        )
    return int(one_of(1, 2, 4, 8)(value))


def processor_map(value: object) -> int:
    """A 64-bit set of processors: an integer, or hexadecimal text with dots and underscores."""
    if isinstance(value, str):
        try:
            value = int(value.replace(".", "").replace("_", ""), 16)
        except ValueError:
            raise BadValue("a 64-bit map such as 0x0000.0000.0000.00ff") from None
    number = integer(value)
    if not 1 <= number <= MAX_PROCESSOR_MAP:
        raise BadValue("a map from 0x1 to 0xffffffffffffffff")
    return number


def pair(value: object) -> Pair:
    """Rows and columns: two integers, or one for both."""
    if isinstance(value, list):
        if len(value) != 2:
            raise BadValue("two integers [rows, columns]")
        return integer(value[0]), integer(value[1])
    number = integer(value)
    return number, number


def pair_or_int(value: object) -> Pair | int:
    """Rows and columns, or one integer whose meaning depends on the operator."""
    return pair(value) if isinstance(value, list) else integer(value)


def dimensions(value: object) -> Pair:
    """Rows and columns; one integer is the length of one-dimensional data."""
    if isinstance(value, list):
        return (integer(value[0]), 1) if len(value) == 1 else pair(value)  # pair refuses others
    return integer(value), 1


def counts(value: object) -> tuple[int, ...]:
    """A list of positive integers."""
    if not isinstance(value, list) or not value:
        raise BadValue("a list of integers above 0")
    return tuple(within(1, 1 << 20)(entry) for entry in value)


def shape(value: object) -> tuple[int, ...]:
    """Channels, rows and columns; or channels and length."""
    sizes = counts(value)
    if len(sizes) not in (2, 3):
        raise BadValue("[channels, rows, columns], or [channels, length]")
    return sizes


def kernel_size(value: object) -> Pair:
    """Text such as 3x3, or the length of a one-dimensional kernel."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value, 1
    rows, _, columns = str(value).lower().partition("x")
    if not rows.strip().isdecimal() or not columns.strip().isdecimal():
        raise BadValue("rows x columns such as 3x3, or one integer for Conv1d")
    return int(rows), int(columns)


def reference(value: object) -> Reference:
    """Number or name of a layer; names in lower case."""
    if isinstance(value, str):
        return value.lower()
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadValue("the number or the name of a layer")
    return value


def number(value: object) -> float:
    """An integer or a real number that is finite; text such as 1e-12, which YAML 1.1 takes for a
    word.
    """
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise BadValue("a number") from None
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise BadValue("a finite number")
    return float(value)


def numbers(value: object) -> tuple[float, ...]:
    """One or several numbers."""
    entries = value if isinstance(value, list) else [value]
    if not entries:
        raise BadValue("at least one number")
    return tuple(number(entry) for entry in entries)


def integers(value: object) -> tuple[int, ...]:
    """One or several integers."""
    entries = value if isinstance(value, list) else [value]
    if not entries:
        raise BadValue("at least one integer")
    return tuple(integer(entry) for entry in entries)


def references(value: object) -> tuple[Reference, ...]:
    """One or several layers."""
    if isinstance(value, list):
        if not value:
            raise BadValue("at least one layer")
        return tuple(reference(entry) for entry in value)
    return (reference(value),)


def quadrants(value: object) -> tuple[int, ...]:
    """One or several quadrant numbers."""
    entries = value if isinstance(value, list) else [value]
    return tuple(int(within(0, 3)(entry)) for entry in entries)
