"""Reports of networks, read back to be set side by side: their figures, layers and scores.

Reads `report.json` files, also those of other releases within the format; that of a firmware of
several networks stands for the reports of these. Compiles nothing.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from types import NoneType

from max78000.errors import InputError, ToolError, raise_all
from max78000.program.strict_json import JsonNode
from synthesis.report.report import FORMAT
from synthesis.report.together import FORMAT as TOGETHER

LEAST = 2  # reports
MOST_BYTES = 64 << 20  # of a file; the shipped networks' have 20,000


@dataclass(frozen=True, slots=True)
class Figure:
    """A line of the comparison.

    Attributes:
        key: in the JSON form.
        title: in the table, with the unit.
        digits: behind the point.
        take: its value in a report; None where the report does not say.
        is_of_switch: it is taken of what the firmware's report says of the network.
    """

    key: str
    title: str
    digits: int
    take: Callable[[JsonNode], float | None]
    is_of_switch: bool = False


@dataclass(frozen=True, slots=True)
class ComparedScore:
    """How good a network is: the first score of `--evaluation`."""

    name: str
    value: float
    interval: tuple[float, float] | None  # with 95 % confidence
    split: str


@dataclass(frozen=True, slots=True)
class ComparedLayer:
    """What is compared of a layer."""

    name: str
    cycles: float


@dataclass(frozen=True, slots=True)
class Compared:
    """One network.

    Attributes:
        source: the file that was given, as it can be shown.
        file: with the report of the network itself: the same, or one beside it.
        name: of the network.
        firmware: of several networks, of which it is one; None if it is alone.
        values: of `FIGURES`, in their order.
    """

    source: str
    file: Path
    name: str
    firmware: str | None
    values: tuple[float | None, ...]
    layers: tuple[ComparedLayer, ...]
    score: ComparedScore | None


def _of(*keys: str) -> Callable[[JsonNode], float]:
    def take(report: JsonNode) -> float:
        for key in keys[:-1]:
            report = JsonNode(report.at(key, dict), f"{report.path}.{key}".lstrip("."))
        return _real(report, keys[-1])

    return take


def _real(node: JsonNode, key: str) -> float:
    return _number(JsonNode(node.at(key, int, float), f"{node.path}.{key}"))


def _number(node: JsonNode) -> float:
    value: float = node.value
    if type(value) not in (int, float) or abs(value) > 1e300 or not isfinite(value):
        raise InputError("is no figure", where=node.path)
    return value


def _energy(name: str) -> Callable[[JsonNode], float]:
    def take(report: JsonNode) -> float:
        return sum(_real(work, "energy_uj") for work in report.nodes("work") if _is(work, name))

    return take


def _is(work: JsonNode, name: str) -> bool:
    return work.text("name") == name


def _score(report: JsonNode) -> ComparedScore | None:
    """The first score, where the network was evaluated and there was something to score."""
    if "scores" not in report.value:
        return None
    first = next(report.nodes("scores"), None)
    if first is None or first.at("value", int, float, NoneType) is None:
        return None
    has_ends = first.value.get("interval") is not None
    ends = [_number(one) for one in first.nodes("interval")] if has_ends else []
    split = _shown(first, "split") if "split" in first.value else ""
    interval = (ends[0], ends[1]) if len(ends) == 2 else None
    return ComparedScore(_shown(first, "name"), _real(first, "value"), interval, split)


def _shown(node: JsonNode, key: str) -> str:
    text = node.text(key)
    if not text.isprintable():
        raise InputError(f"its {key} {text!a:.40} cannot be shown")
    return text


def _layers(report: JsonNode) -> Iterator[ComparedLayer]:
    for node in report.nodes("layers"):
        yield ComparedLayer(_shown(node, "name"), _real(node, "cycles"))


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
    Figure("switch_us", "a switch to it, us", 0, _of("switch_microseconds"), is_of_switch=True),
    Figure(
        "switch_uj",
        "energy of a switch, uJ (est.)",
        1,
        _of("switch_energy_uj"),
        is_of_switch=True,
    ),
)


def read_reports(paths: Sequence[Path]) -> tuple[Compared, ...]:
    """Read what is to be compared.

    Raises:
        ToolError: fewer than two files; or what is wrong with any of them, all at once.
    """
    if len(paths) < LEAST:
        fix = "synthesize --compare build/A/report.json build/B/report.json"
        raise InputError("needs two reports or more", where="--compare", fix=fix)
    found: list[Compared] = []
    problems = []
    for path in paths:
        try:
            found += _read(path)
        except ToolError as error:
            problems.append(error)
    raise_all(problems)
    return tuple(found)


def _read(path: Path) -> list[Compared]:
    """The network of a report; the networks of a firmware."""
    fix = "give the report.json of a project, or what `synthesize --json` printed"
    report = _load(path, fix)
    with _refused(path, fix):
        if report.text("format") == TOGETHER:
            return list(_members(path, report))
        return [_compared(path, report)]


def _members(path: Path, report: JsonNode) -> Iterator[Compared]:
    """Networks of a firmware, whose reports lie in folders beside its own."""
    firmware = _shown(report, "name")
    if not report.at("networks", list):
        raise InputError("it has no networks")
    for member in report.nodes("networks"):
        beside = path.parent / _inside(member, "report")
        fix = "give report.json in the folder of the project: those of its networks are beside it"
        own = _load(beside, fix)
        with _refused(beside, fix):
            yield replace(_compared(path, own, member), file=beside, firmware=firmware)


def _inside(node: JsonNode, key: str) -> Path:
    """A path that leads to nowhere but below the folder of the file."""
    inside = Path(_shown(node, key))
    if inside.anchor or ".." in inside.parts:
        raise InputError(f"its {key} {str(inside)!a:.80} is no path inside its folder")
    return inside


def _load(path: Path, fix: str) -> JsonNode:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"has more than {MOST_BYTES} bytes", where=str(path), fix=fix)
        return JsonNode(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, RecursionError) as error:
        raise InputError(f"is no report: {error}", where=str(path), fix=fix) from None
    except OSError as error:
        why = f"cannot be read: {error.strerror or error}"
        raise InputError(why, where=str(path), fix=fix) from None


@contextmanager
def _refused(path: Path, fix: str) -> Iterator[None]:
    """Say of whatever is wrong that the file is no report; refusals of other files stay."""
    try:
        yield
    except (InputError, RecursionError) as error:  # a refusal shows what may be nested deeply
        if isinstance(error, InputError) and error.fix:
            raise
        raise InputError(f"is no report: {error}", where=str(path), fix=fix) from None


def _compared(path: Path, report: JsonNode, member: JsonNode | None = None) -> Compared:
    """Take what is compared of a network's report, and of its entry in that of its firmware."""
    if report.text("format") != FORMAT:
        raise InputError(f"its format is {report.text('format')!a:.40}, not {FORMAT} or {TOGETHER}")

    def value(figure: Figure) -> float | None:
        node = member if figure.is_of_switch else report
        return None if node is None else figure.take(node)

    return Compared(
        source=str(path).encode(errors="replace").decode(),
        file=path,
        name=_shown(report, "name"),
        firmware=None,
        values=tuple(map(value, FIGURES)),
        layers=tuple(_layers(report)),
        score=_score(report),
    )
