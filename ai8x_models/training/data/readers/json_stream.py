"""Entries of large JSON files, one after the other: no more than one of them is in memory."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

_SIGN = re.compile(r"[^ \t\r\n]")
_AFTER = frozenset(",:]} \t\r\n")  # what may come behind a value
_CHUNK = 1 << 20  # characters that are read at a time


def array_entries(path: Path) -> Iterator[tuple[str, Any]]:
    """Yield the entries of every array in an object, each with the name of its array.

    Values of other names are read and dropped.

    Raises:
        OSError: no such file.
        ValueError: it holds something else, or ends early.
    """
    with path.open(encoding="utf-8") as file:
        text = _Text(file)
        text.take("{")
        while text.next_sign() != "}":
            name = text.value()
            text.take(":")
            if text.next_sign() == "[":
                for entry in _entries(text):
                    yield name, entry
            else:
                text.value()
            text.separate("}")


def _entries(text: "_Text") -> Iterator[Any]:
    text.take("[")
    while text.next_sign() != "]":
        yield text.value()
        text.separate("]")
    text.take("]")


class _Text:
    """A file as text of which only a window is held."""

    def __init__(self, file: TextIO) -> None:
        self._file, self._window, self._place = file, "", 0
        self._has_ended = False

    def next_sign(self) -> str:
        """The next character that is no space, which stays."""
        while True:
            found = _SIGN.search(self._window, self._place)
            if found:
                self._place = found.start()
                return found[0]
            if self._has_ended:
                raise ValueError("it ends early")
            self._read_on(_CHUNK)

    def take(self, sign: str) -> None:
        """Pass a character that has to come next."""
        found = self.next_sign()
        if found != sign:
            raise ValueError(f"{sign!r} is wanted, {found!r} is there")
        self._place += 1

    def separate(self, end: str) -> None:
        """Pass a comma, or stay where the end is."""
        if self.next_sign() != end:
            self.take(",")

    def value(self) -> Any:
        """Read one value, whatever it is."""
        self.next_sign()
        size = _CHUNK
        while True:
            try:
                found, place = json.JSONDecoder().raw_decode(self._window, self._place)
            except ValueError:
                if self._has_ended:
                    raise
            else:
                # A number could go on: 15 in 15.0, -1 in -1e3.
                if self._has_ended or self._window[place : place + 1] in _AFTER:
                    self._place = place
                    return found
            self._read_on(size)
            size *= 2

    def _read_on(self, size: int) -> None:
        more = self._file.read(size)
        self._has_ended = not more
        self._window, self._place = self._window[self._place :] + more, 0
