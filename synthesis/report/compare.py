"""Reports side by side: what each network takes, and how far it is from the first.

The same as a table of text, as a page and as JSON (`comparison.schema.json`). Networks of firmwares
are set beside those of the same name.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from synthesis.report.change import change_of
from synthesis.report.compared import FIGURES, Compared, ComparedScore
from synthesis.version import VERSION

COMPARISON = "max78000-comparison-1"
BEFORE_SCORE = 2  # figures: time and cycles
SCORE_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Group:
    """Networks that are compared with each other; `name` is what they are all called, or empty."""

    name: str
    reports: tuple[Compared, ...]


def groups(reports: Sequence[Compared]) -> tuple[Group, ...]:
    """All reports together; or by the names of their networks, if some are of a firmware's and
    share them.
    """
    by_name: dict[str, list[Compared]] = {}
    for one in reports:
        by_name.setdefault(one.name, []).append(one)
    is_of_several = any(one.firmware is not None for one in reports)
    if not is_of_several or len(by_name) == len(reports):
        return (Group("", tuple(reports)),)
    return tuple(Group(name, tuple(same)) for name, same in by_name.items())


def heading(reports: Sequence[Compared]) -> tuple[str, ...]:
    """Names of the columns, as `print_table` takes them."""
    first, *others = labels(reports)
    names = (cell for one in others for cell in (f">{one}", ">change"))
    return ("", f">{first}", *names)


def labels(reports: Sequence[Compared]) -> tuple[str, ...]:
    """What tells reports apart: their networks' names, else their folders, else their files."""
    names = tuple(one.name for one in reports)
    folders = tuple(Path(one.source).parent.name for one in reports)
    for found in (names, folders):
        if len(set(found)) == len(reports):
            return found
    return tuple(one.source for one in reports)


def rows(reports: Sequence[Compared]) -> tuple[tuple[str, ...], ...]:
    """A row for each figure that a report has; changes are against the first report."""
    found = [
        _row(figure.title, figure.digits, values)
        for figure, values in zip(
            FIGURES, zip(*(one.values for one in reports), strict=True), strict=True
        )
        if any(value is not None for value in values)
    ]
    return (*found[:BEFORE_SCORE], *_score_rows([one.score for one in reports]),
            *found[BEFORE_SCORE:])  # fmt: skip


def layer_rows(reports: Sequence[Compared]) -> Iterator[tuple[str, ...]]:
    """Cycles of each layer, found by its name; below `heading`."""
    names = dict.fromkeys(layer.name for one in reports for layer in one.layers)
    cycles = [{layer.name: layer.cycles for layer in one.layers} for one in reports]
    for name in names:
        yield _row(name, 0, [one.get(name) for one in cycles])


def _row(title: str, digits: int, values: Sequence[float | None]) -> tuple[str, ...]:
    first, *others = values
    cells = [_text(first, digits)]
    for other in others:
        cells += [_text(other, digits), change_of(other, first)]
    return (title, *cells)


def _score_rows(scores: Sequence[ComparedScore | None]) -> Iterator[tuple[str, ...]]:
    """The score and its interval; changes are differences, and only of the same score."""
    first, *others = scores
    kinds = {(one.name, one.split) for one in scores if one is not None}
    if not kinds:
        return
    is_same = len(kinds) == 1
    name, split = next(iter(kinds))
    title = f"{name}{f' ({split})' if split else ''}" if is_same else "score"
    cells = [_score_text(first, is_same)]
    for other in others:
        cells += [_score_text(other, is_same), _score_change(first, other) if is_same else ""]
    yield (title, *cells)
    if any(one is not None and one.interval is not None for one in scores):
        for end, which in enumerate(("low", "high")):
            spread = (cell for other in others for cell in (_end_text(other, end), ""))
            yield (f"95 % interval, {which}", _end_text(first, end), *spread)


def _score_text(score: ComparedScore | None, is_same: bool) -> str:
    if score is None:
        return "-"
    return f"{score.value:.{SCORE_DIGITS}f}" + ("" if is_same else f" {score.name}")


def _score_change(first: ComparedScore | None, other: ComparedScore | None) -> str:
    if first is None or other is None:
        return ""
    return f"{other.value - first.value:+.{SCORE_DIGITS}f}"


def _end_text(score: ComparedScore | None, end: int) -> str:
    if score is None or score.interval is None:
        return "-"
    return f"{score.interval[end]:.{SCORE_DIGITS}f}"


def _text(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"


def to_json(reports: Sequence[Compared]) -> str:
    """The same for programs: a value for each key of `FIGURES`, or null; then the score."""
    keys = [figure.key for figure in FIGURES]
    networks = [
        {
            "source": one.source,
            "name": one.name,
            "firmware": one.firmware,
            **dict(zip(keys, one.values, strict=True)),
            "score": one.score and one.score.value,
            "score_name": one.score and one.score.name,
            "score_interval": one.score and one.score.interval,
            "score_split": one.score and one.score.split,
        }
        for one in reports
    ]
    return json.dumps({"format": COMPARISON, "reports": networks}, indent=1) + "\n"


def to_html(reports: Sequence[Compared]) -> str:
    """The same as a page that stands alone; same reports, same bytes."""
    from synthesis.report.html import report_page  # noqa: PLC0415 - only pages need Jinja2

    shown = [
        (
            group.name,
            list(heading(group.reports)[1:]),
            rows(group.reports),
            tuple(layer_rows(group.reports)),
        )
        for group in groups(reports)
    ]
    title = " and ".join(dict.fromkeys(labels(reports)))
    return report_page(
        "compare.html.j2", title=title, reports=reports, groups=shown, version=VERSION
    )
