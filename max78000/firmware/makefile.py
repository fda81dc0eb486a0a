"""What the makefile of a project for the vendor's SDK says: files, folders, compiler flags.

Such a makefile sets a few variables and leaves the rest to the SDK. Those are read: SRCS, VPATH,
IPATH, PROJ_CFLAGS, MXC_OPTIMIZE_CFLAGS, with assignments (=, :=, ?=, +=), references, and
conditions on text. Recipes, rules and what is included are none of the project's settings and are
passed over; words that take a function of make to work out are left out, and named.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from max78000.errors import InputError

FILES = ("Makefile", "project.mk")  # in this order, as the SDK's makefile includes the second
UNKNOWN = "\0"  # stands for what only make could work out
MAX_DEPTH = 20  # of references in references

# Flags that a project may have of its own; what core, debugging and output are, is not its matter.
WANTED = re.compile(r"-([DUW]|std=|O[0-3sg]?$|f(?!lto))")
_ASSIGNMENT = re.compile(r"(?:export\s+|override\s+)?([\w.]+)\s*(\+|:{1,2}|\?)?=\s*(.*)")
_CONDITION = re.compile(
    r"""(ifn?eq)\s+(?:"(.*?)"\s+"(.*?)"|'(.*?)'\s+'(.*?)'|\((.*?)\s*,\s*(.*)\))\s*$"""
)
_REFERENCE = re.compile(r"\$[({](\w[\w.]*)[)}]")
_FUNCTION = re.compile(r"\$\([^()]*(?:\([^()]*\)[^()]*)*\)|\$\{[^{}]*\}|\$.")


@dataclass(frozen=True, slots=True)
class Settings:
    """Of one project.

    Attributes:
        where: the makefile, for messages.
        sources: names of C files; none: all in the folders.
        source_folders: beside the project's own.
        include_folders: likewise.
        flags: for the compiler.
        ignored: words that could not be worked out, and flags that are not a project's to set.
    """

    where: str
    sources: tuple[str, ...] = ()
    source_folders: tuple[Path, ...] = ()
    include_folders: tuple[Path, ...] = ()
    flags: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


@dataclass(slots=True)
class Makefile:
    """Variables as text, references in them not looked up yet."""

    variables: dict[str, str]
    open_branches: list[bool | None] = field(default_factory=list)  # None: another was taken

    @classmethod
    def of(cls, paths: Iterable[Path], given: Mapping[str, str]) -> Self:
        """Read makefiles one after the other.

        Raises:
            InputError: one is no text.
        """
        makefile = cls(dict(given))
        for path in paths:
            try:
                makefile.read(path.read_text(encoding="utf-8"))
            except (OSError, UnicodeDecodeError) as error:
                raise InputError(f"cannot be read: {error}", where=str(path)) from None
        return makefile

    def expand(self, text: str, depth: int = 0) -> str:
        """Return a text with its references looked up."""

        def value(match: re.Match[str]) -> str:
            return self.expand(self.variables.get(match[1], ""), depth + 1)

        if depth > MAX_DEPTH:
            return UNKNOWN
        return _FUNCTION.sub(UNKNOWN, _REFERENCE.sub(value, text))

    def words(self, name: str) -> list[str]:
        """Return the words of a variable; none if it is not set."""
        return self.expand(self.variables.get(name, "")).split()

    def read(self, text: str) -> None:
        """Take the assignments of a makefile."""
        for line in _lines(text):
            if not self._is_condition(line) and all(self.open_branches):
                self._assign(line)

    def _assign(self, line: str) -> None:
        if match := _ASSIGNMENT.fullmatch(line):
            name, how, value = match.groups()
            if how == "?" and name in self.variables:
                return
            if how == "+":
                value = f"{self.variables.get(name, '')} {value}"
            elif how and how[0] == ":":  # worked out at once
                value = self.expand(value)
            self.variables[name] = value

    def _is_condition(self, line: str) -> bool:
        word = line.partition(" ")[0].partition("(")[0]
        branches = self.open_branches
        if word in ("ifeq", "ifneq", "ifdef", "ifndef"):
            branches.append(self._holds(line))
        elif word == "else" and branches:
            rest = line.removeprefix("else").strip()
            is_next = branches[-1] is False and (not rest or self._holds(rest))
            branches[-1] = True if is_next else None if branches[-1] is not False else False
        elif word == "endif" and branches:
            branches.pop()
        else:
            return False
        return True

    def _holds(self, line: str) -> bool:
        word, _, rest = line.partition(" ")
        if word in ("ifdef", "ifndef"):
            return (word == "ifdef") == bool(self.variables.get(rest.strip()))
        match = _CONDITION.fullmatch(line)
        if match is None:
            return False
        left, right = (text or "" for text in (match[2] or match[4] or match[6],
                                               match[3] or match[5] or match[7]))  # fmt: skip
        return (match[1] == "ifeq") == (self.expand(left) == self.expand(right))


def read_settings(folder: Path, board: str) -> Settings:
    """Read the settings of a project; those of a folder without makefiles are empty.

    Args:
        folder: the project.
        board: what a makefile calls BOARD.

    Raises:
        InputError: a makefile is no text.
    """
    paths = [folder / name for name in FILES if (folder / name).is_file()]
    makefile = Makefile.of(paths, {"BOARD": board, "TARGET": "MAX78000", "COMPILER": "GCC"})
    where = str(paths[0]) if paths else str(folder)
    flags = [*makefile.words("PROJ_CFLAGS"), *makefile.words("MXC_OPTIMIZE_CFLAGS")]
    wanted = tuple(word for word in flags if WANTED.match(word) and UNKNOWN not in word)
    named = makefile.words("SRCS")
    sources = tuple(word for word in named if word.endswith(".c") and UNKNOWN not in word)
    ignored = [word for word in (*flags, *named) if word not in (*wanted, *sources)]
    return Settings(
        where=where,
        sources=sources,
        source_folders=_folders(folder, makefile.words("VPATH")),
        include_folders=_folders(folder, makefile.words("IPATH")),
        flags=tuple(dict.fromkeys(wanted)),
        ignored=tuple(word.replace(UNKNOWN, "...") for word in dict.fromkeys(ignored)),
    )


def _folders(folder: Path, words: list[str]) -> tuple[Path, ...]:
    """Folders that are there, beside the project's own; others are the SDK's."""
    found = (folder / word for part in words for word in part.split(":") if UNKNOWN not in word)
    there = {path.resolve(): path for path in found if path.is_dir()}
    return tuple(path for resolved, path in there.items() if resolved != folder.resolve())


def _lines(text: str) -> Iterator[str]:
    """Lines without comments, joined where a backslash ends them; those of recipes are left out."""
    for line in re.sub(r"\\\r?\n", " ", text).splitlines():
        if not line.startswith("\t"):
            yield re.sub(r"(?<!\\)#.*", "", line).strip()
