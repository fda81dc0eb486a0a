"""Several reports side by side: what each network takes, and how far it is from the first.

Reads `report.json` files, also those of other releases within the format; compiles nothing.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from max78000.errors import InputError, ToolError, raise_all
from max78000.program.strict_json import JsonNode
from synthesis.report.report import FORMAT

LEAST = 2  # reports
MOST_BYTES = 64 << 20  # of a file; the shipped networks' have 20,000
COMPARISON = "max78000-comparison-1"


@dataclass(frozen=True, slots=True)
class Figure:
    """A line of the comparison.

    Attributes:
        key: in the JSON form.
        title: in the table, with the unit.
        digits: behind the point.
        take: its value in a report; None where the report does not say.
    """

    key: str
    title: str
    digits: int
    take: Callable[[JsonNode], float | None]


@dataclass(frozen=True, slots=True)
class Compared:
    """One report: where it is, its network, and the values of `FIGURES` in their order."""

    source: str
    name: str
    values: tuple[float | None, ...]


def _of(*keys: str) -> Callable[[JsonNode], float]:
    def take(report: JsonNode) -> float:
        for key in keys[:-1]:
            report = JsonNode(report.at(key, dict), f"{report.path}.{key}".lstrip("."))
        return _real(report, keys[-1])

    return take


def _real(node: JsonNode, key: str) -> float:
    value: float = node.at(key, int, float)
    if abs(value) > 1e300 or not isfinite(value):
        raise InputError("is no figure", where=f"{node.path}.{key}")
    return value


def _energy(name: str) -> Callable[[JsonNode], float]:
    def take(report: JsonNode) -> float:
        return sum(_real(work, "energy_uj") for work in report.nodes("work") if _is(work, name))

    return take


def _is(work: JsonNode, name: str) -> bool:
    return work.text("name") == name


def _score(report: JsonNode) -> float | None:
    """The first score, where the network was evaluated."""
    if "scores" not in report.value:
        return None
    first = next(report.nodes("scores"), None)
    return None if first is None or first.value.get("value") is None else _real(first, "value")


FIGURES = (
    Figure("milliseconds", "inference, ms", 2, _of("milliseconds")),
    Figure("cycles", "cycles", 0, _of("cycles", "total")),
    Figure("macs", "multiply-accumulates", 0, _of("macs")),
    Figure("inference_uj", "energy of an inference, uJ (est.)", 1, _energy("inference")),
    Figure("input_uj", "energy of its input, uJ (est.)", 1, _energy("input")),
    Figure("weights_uj", "energy to load weights, uJ (est.)", 1, _energy("weights")),
    Figure("weight_bytes", "weights, bytes", 0, _of("weights", "used")),
    Figure(
        "busiest_processor_words",
        "busiest processor, words",
        0,
        _of("busiest_processor_words", "used"),
    ),
    Figure("bias_bytes", "biases, bytes", 0, _of("biases", "used")),
    Figure("data_bytes", "data at its peak, bytes", 0, _of("data", "used")),
    Figure("layers", "layers", 0, _of("layer_slots", "used")),
    Figure("score", "evaluated score", 4, _score),
)


def read_reports(paths: Sequence[Path]) -> tuple[Compared, ...]:
    """Read what is to be compared.

    Raises:
        ToolError: fewer than two files; or what is wrong with any of them, all at once.
    """
    if len(paths) < LEAST:
        fix = "synthesize --compare build/A/report.json build/B/report.json"
        raise InputError("needs two reports or more", where="--compare", fix=fix)
    found, problems = [], []
    for path in paths:
        try:
            found.append(_read(path))
        except ToolError as error:
            problems.append(error)
    raise_all(problems)
    return tuple(found)


def _read(path: Path) -> Compared:
    fix = "give the report.json of a project, or what `synthesize --json` printed"
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"has more than {MOST_BYTES} bytes")
        report = JsonNode(json.loads(path.read_text(encoding="utf-8")))
        if report.text("format") != FORMAT:
            raise InputError(f"its format is {report.text('format')!a:.40}, not {FORMAT}")
        name = report.text("name")
        if not name.isprintable():
            raise InputError(f"its name {name!a:.40} cannot be shown")
        values = tuple(figure.take(report) for figure in FIGURES)
    except OSError as error:
        why = f"cannot be read: {error.strerror or error}"
        raise InputError(why, where=str(path), fix=fix) from None
    except (ValueError, AttributeError, RecursionError, ToolError) as error:
        raise InputError(f"is no report: {error}", where=str(path), fix=fix) from None
    return Compared(str(path), name, values)


def heading(reports: Sequence[Compared]) -> tuple[str, ...]:
    """Names of the columns, as `print_table` takes them: reports by the names of their networks."""
    first, *others = reports
    names = (cell for one in others for cell in (f">{one.name}", ">change"))
    return ("", f">{first.name}", *names)


def rows(reports: Sequence[Compared]) -> tuple[tuple[str, ...], ...]:
    """A row for each figure that a report has; changes are against the first report."""
    found = []
    for figure, values in zip(
        FIGURES, zip(*(one.values for one in reports), strict=True), strict=True
    ):
        if any(value is not None for value in values):
            first, *others = values
            cells = [_text(first, figure)]
            for other in others:
                cells += [_text(other, figure), _change(first, other)]
            found.append((figure.title, *cells))
    return tuple(found)


def _text(value: float | None, figure: Figure) -> str:
    return "-" if value is None else f"{value:,.{figure.digits}f}"


def _change(first: float | None, other: float | None) -> str:
    if first is None or other is None or not first:
        return ""
    return f"{100 * (other - first) / first:+.1f} %"


def to_json(reports: Sequence[Compared]) -> str:
    """The same for programs: a value for each key of `FIGURES`, or null."""
    keys = [figure.key for figure in FIGURES]
    networks = [
        {"source": one.source, "name": one.name, **dict(zip(keys, one.values, strict=True))}
        for one in reports
    ]
    return json.dumps({"format": COMPARISON, "reports": networks}, indent=1) + "\n"
