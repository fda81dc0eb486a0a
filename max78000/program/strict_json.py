"""Read JSON strictly: every refusal names the path of the offending value.

Knows nothing of programs; `program.py` builds on it. Words are written as hexadecimal text, because
that is what people compare and what loads quickly.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from max78000.errors import InputError


@dataclass(frozen=True, slots=True)
class JsonNode:
    """A JSON value and its path; the methods raise `InputError` for what is missing or wrong."""

    value: Any
    path: str = ""

    def at(self, key: str, *kinds: type) -> Any:
        """Take the value of a key, which must be of one of these exact kinds."""
        if not isinstance(self.value, dict) or key not in self.value:
            raise InputError(f"{key!r} is missing", where=self.path)
        if type(self.value[key]) not in kinds:
            raise InputError(f"{self.value[key]!r:.40} is of the wrong kind", where=self._path(key))
        return self.value[key]

    def text(self, key: str) -> str:
        """Take a string."""
        text: str = self.at(key, str)
        return text

    def number(self, key: str) -> int:
        """Take an integer."""
        number: int = self.at(key, int)
        return number

    def number_or_0(self, key: str) -> int:
        """Take an integer that is only written if it is not 0."""
        is_there = not isinstance(self.value, dict) or key in self.value
        return self.number(key) if is_there else 0

    def flag(self, key: str) -> bool:
        """Take true or false."""
        flag: bool = self.at(key, bool)
        return flag

    def numbers(self, key: str) -> tuple[int, ...]:
        """Take a list of integers."""
        numbers = self.at(key, list)
        if any(type(number) is not int for number in numbers):
            raise InputError("holds something that is not an integer", where=self._path(key))
        return tuple(numbers)

    def word(self, key: str) -> int:
        """Take one 32-bit word, written as `hex_word` does."""
        text = self.text(key)
        if not text.startswith("0x") or len(text) != 10:
            raise InputError(f"{text!r:.40} is no word such as 0x0000000a", where=self._path(key))
        return _unhex(text[2:], self._path(key))[0]

    def words(self, key: str) -> tuple[int, ...]:
        """Take 32-bit words, written as `hex_words` does."""
        return _unhex(self.text(key), self._path(key))

    def nodes(self, key: str) -> Iterator["JsonNode"]:
        """Walk over the items of a list."""
        for index, value in enumerate(self.at(key, list)):
            yield JsonNode(value, f"{self._path(key)}[{index}]")

    def _path(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key


def first_difference(found: Any, wanted: Any, path: str = "") -> str:
    """Say where two JSON values differ first, in the order of `wanted`; empty if nowhere."""
    if found == wanted:
        return ""
    if isinstance(found, dict) and isinstance(wanted, dict):
        for key in [*wanted, *(key for key in found if key not in wanted)]:
            place = f"{path}.{key}" if path else key
            if key not in wanted:
                return f"{place} is not expected"
            if found.get(key) != wanted[key]:
                return first_difference(found.get(key), wanted[key], place)
    if isinstance(found, list) and isinstance(wanted, list):
        for index, pair in enumerate(zip(found, wanted, strict=False)):
            if pair[0] != pair[1]:
                return first_difference(*pair, f"{path}[{index}]")
    return f"{path} is {found!r:.60}, the values beside it say {wanted!r:.60}"


def hex_word(word: int) -> str:
    """Write a 32-bit word as 0x and eight digits."""
    return f"{word:#010x}"


def hex_words(words: tuple[int, ...]) -> str:
    """Write 32-bit words as eight digits each, without anything between."""
    return struct.pack(f">{len(words)}I", *words).hex()


def _unhex(text: str, path: str) -> tuple[int, ...]:
    try:
        return struct.unpack(f">{len(text) // 8}I", bytes.fromhex(text))
    except (ValueError, struct.error):
        raise InputError("not words of eight hexadecimal digits each", where=path) from None
