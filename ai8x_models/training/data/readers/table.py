"""A CSV file with a sample file in every line and what it should be answered with.

file,class           file,width,height,split
cats/1.png,cat       1.png,0.25,0.5,train
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ai8x_models.training.data.readers.files import N_TOLD, Medium, file_part, file_source
from ai8x_models.training.data.source import ALL, SPLITS, TRAIN, Answers, Source, Targets
from max78000.errors import InputError, ToolError, raise_all
from max78000.files import is_file

_FIX = "write a line for each sample: its file, then its class or its numbers"
_SPLIT = "split"  # column that says to which part a sample belongs


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table."""

    line: int
    cells: tuple[str, ...]


def first_file(path: Path) -> Path:
    """A file that the table names, to tell what kind they are.

    Raises:
        InputError: as `table_source`.
    """
    _, rows = _read(path)
    return path.parent / rows[0].cells[0]


def table_source(path: Path, medium: Medium) -> Source:
    """Read a table: the first column names files, seen from the table's folder.

    One further column of words are classes, in alphabetical order; whole numbers are classes that
    have no names; more columns, or numbers with a point, are what is to be answered. A column
    `split` says `train`, `validation` or `test`. A first line that names no file is the heading.

    Raises:
        InputError: no such table, or one that is not so; all problems at once, by their lines.
    """
    head, rows = _read(path)
    raise_all(_first_of(list(_problems(path, head, rows))))
    column = head.index(_SPLIT) if _SPLIT in head else None
    by_split: dict[str, list[Row]] = {}
    for row in rows:
        by_split.setdefault(ALL if column is None else row.cells[column], []).append(row)
    if column is not None and TRAIN not in by_split:
        raise InputError(f"has no sample of {TRAIN}", where=str(path), fix=_FIX)
    values = [one for one in range(1, len(rows[0].cells)) if one != column]
    answers, classes = _kind(rows, values)
    parts = {
        split: file_part(
            [path.parent / row.cells[0] for row in some],
            _targets(some, values, answers, classes),
            medium,
        )
        for split, some in by_split.items()
    }
    return file_source(parts, medium, classes, answers)


def _read(path: Path) -> tuple[tuple[str, ...], list[Row]]:
    """The heading, empty where there is none, and the lines below it that hold anything."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            rows = [
                Row(reader.line_num, tuple(map(str.strip, cells))) for cells in reader if any(cells)
            ]
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path), fix=_FIX) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError("is not a table in UTF-8", where=str(path), fix=_FIX) from error
    head: tuple[str, ...] = ()
    if rows and not is_file(path.parent / rows[0].cells[0]) and not Path(rows[0].cells[0]).suffix:
        head = tuple(map(str.lower, rows.pop(0).cells))
    if not rows:
        raise InputError("names no samples", where=str(path), fix=_FIX)
    return head, rows


def _problems(path: Path, head: Sequence[str], rows: Sequence[Row]) -> Iterator[ToolError]:
    width = len(head) or len(rows[0].cells)
    if width < 2:
        yield InputError("has one column", where=f"{path}:{rows[0].line}", fix=_FIX)
    column = head.index(_SPLIT) if _SPLIT in head else None
    for row in rows:
        where = f"{path}:{row.line}"
        if len(row.cells) != width:
            yield InputError(f"has {len(row.cells)} columns, not {width}", where=where, fix=_FIX)
        elif column is not None and row.cells[column] not in SPLITS:
            why = f"split is {row.cells[column]!r}"
            yield InputError(why, where=where, fix=f"one of {', '.join(SPLITS)}")
        elif not is_file(path.parent / row.cells[0]):
            why = f"there is no file {row.cells[0]}"
            yield InputError(why, where=where, fix="name it as seen from the table's folder")


def _first_of(problems: list[ToolError]) -> list[ToolError]:
    n_more = len(problems) - N_TOLD
    if n_more <= 0:
        return problems
    return [*problems[:N_TOLD], InputError(f"and {n_more} more problems of this kind")]


def _kind(rows: Sequence[Row], values: Sequence[int]) -> tuple[Answers, tuple[str, ...]]:
    """What the columns mean, and the names of the classes if they have names."""
    cells = [row.cells[one] for row in rows for one in values]
    if len(values) == 1 and all(map(str.isdecimal, cells)):
        return Answers.CLASSES, ()
    if all(map(_is_number, cells)):
        return Answers.NUMBERS, ()
    return Answers.CLASSES, tuple(sorted(set(cells)))


def _targets(
    rows: Sequence[Row], values: Sequence[int], answers: Answers, classes: tuple[str, ...]
) -> Targets:
    if answers is Answers.NUMBERS:
        return np.array([[float(row.cells[one]) for one in values] for row in rows], np.float32)
    numbers: Mapping[str, int] = {name: number for number, name in enumerate(classes)}
    column = values[0]
    return np.array([numbers.get(row.cells[column]) if classes else int(row.cells[column])
                     for row in rows], np.int64)  # fmt: skip


def _is_number(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False
