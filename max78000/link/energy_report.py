"""Energy of a network, measured or estimated, as a value, as JSON and as a table.

The measurement comes from the power monitor's windows, the estimate from the `report.json` that
`synthesize` writes. Both give the energy of one inference: all of it, what the chip would have
taken anyway, and the difference.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from max78000.errors import InputError
from max78000.facts.energy import IDLE_MW, EnergyUse, mean_use
from max78000.link.power_monitor import (
    LONGEST_WINDOW_S,
    RAILS,
    REPEATS,
    SHORTEST_WINDOW_S,
    MonitorMode,
    Recording,
    windows,
)
from max78000.program.folder import REPORT_FILE
from max78000.program.strict_json import JsonNode

REPORT_FORMAT = "max78000-report-1"
TOGETHER_FORMAT = "max78000-together-1"  # of several networks in one firmware
SECOND_US = 1e6
INFERENCE = "inference"


@dataclass(frozen=True, slots=True)
class EnergyReport:
    """What one inference takes, and the work around it.

    Attributes:
        source: "measurement" or "estimate".
        origin: what was read.
        uses: name and energy of each piece of work; `INFERENCE` is the one people ask for.
        notes: how far to trust it.
    """

    source: str
    origin: str
    uses: tuple[tuple[str, EnergyUse], ...]
    notes: tuple[str, ...] = ()

    def to_data(self) -> dict[str, Any]:
        """The report as values for JSON; microseconds, microjoules, milliwatts."""
        return {
            "source": self.source,
            "origin": self.origin,
            "work": {name: _use_data(use) for name, use in self.uses},
            "notes": list(self.notes),
        }

    def to_lines(self) -> list[str]:
        """The report as a table for people."""
        width = max(18, *(len(name) + 2 for name, _ in self.uses))
        rows = [
            f"{self.source:{width}}{'time':>12}{'power':>12}{'energy':>14}{'idle':>14}{'added':>14}"
        ]
        rows += [
            f"{name:{width}}{use.time_us:>9.1f} us{use.active_mw:>9.2f} mW"
            f"{use.active_uj:>11.2f} uJ{use.idle_uj:>11.2f} uJ{use.added_uj:>11.2f} uJ"
            for name, use in self.uses
        ]
        return rows


@dataclass(frozen=True, slots=True)
class Rail:
    """One supply: its mean, least and greatest value."""

    name: str
    mean: float
    least: float
    greatest: float


@dataclass(frozen=True, slots=True)
class RailReport:
    """All supplies, in one of the units mW, mA and V."""

    origin: str
    unit: str
    rails: tuple[Rail, ...]
    notes: tuple[str, ...] = ()

    def to_data(self) -> dict[str, Any]:
        """The report as values for JSON."""
        return {
            "source": "measurement",
            "origin": self.origin,
            "unit": self.unit,
            "rails": [asdict(rail) for rail in self.rails],
            "notes": list(self.notes),
        }

    def to_lines(self) -> list[str]:
        """The report as a table for people."""
        rows = [f"{'rail':10}{'mean':>12}{'least':>12}{'greatest':>12}"]
        rows += [
            f"{rail.name:10}"
            + "".join(
                f"{value:>9.3f} {self.unit:2}" for value in (rail.mean, rail.least, rail.greatest)
            )
            for rail in self.rails
        ]
        return rows


def measured(recording: Recording, origin: str) -> EnergyReport:
    """Average the windows of a recording in triggered mode; there must be one at least.

    The inference alone is the third window less the second. Where input and inference overlap,
    with FIFOs, nothing sensible remains, and they are reported together.
    """
    found = tuple(windows(recording))
    kernels = mean_use([window.kernels for window in found])
    loading = mean_use([window.input for window in found])
    both = mean_use([window.both for window in found])
    alone = both.minus(loading)
    uses = [
        ("weight loading", kernels),
        ("input loading", loading),
        ("input + inference", both),
    ]
    notes = [f"{len(found)} windows, core supply VCOREA only, mean of {REPEATS} repetitions each"]
    if alone.time_us > 0 and alone.active_uj > 0:
        uses.append((INFERENCE, alone))
        notes.append("inference is input + inference less input; with --fifo this is meaningless")
    else:
        uses.append((INFERENCE, both))
        notes.append("inference contains the input: the two overlap")
    notes += _doubts(recording, [REPEATS * use.time_us / 1e6 for use in (kernels, loading, both)])
    return EnergyReport("measurement", origin, tuple(uses), tuple(notes))


def measured_system(recording: Recording, origin: str) -> EnergyReport:
    """Average the windows of a recording in system mode: everything between the two triggers."""
    uses = [EnergyUse(1e6 * time_s, 1e6 * energy_j, 0.0) for energy_j, time_s, _ in recording.lines]
    notes = [f"{len(uses)} windows, core supply VCOREA only, idle power not measured"]
    notes += _doubts(recording, [use.time_us / 1e6 for use in uses])
    return EnergyReport("measurement", origin, (("system", mean_use(uses)),), tuple(notes))


def measured_rails(recording: Recording, origin: str) -> RailReport:
    """Summarize a recording of one of the averaging modes."""
    milli = {MonitorMode.POWER: ("mW", 1e3), MonitorMode.CURRENT: ("mA", 1e3)}
    (unit, scale), lines = milli.get(recording.mode, ("V", 1.0)), recording.lines
    columns = [[scale * value for value in column] for column in zip(*lines, strict=True)]
    rails = tuple(
        Rail(name, sum(column) / len(column), min(column), max(column))
        for name, column in zip(RAILS, columns, strict=True)
    )
    notes = [f"{len(lines)} lines; 3V3 contains the other supplies", *_doubts(recording, ())]
    return RailReport(origin, unit, rails, tuple(notes))


def estimated(directory: Path, per_second: float | None = None) -> EnergyReport:
    """Take the energy of a network from the report of its compilation.

    Args:
        directory: a project folder, or its report.json.
        per_second: rounds of an application in a second, each with input and inference; then a
            second of them is reported, too. Between them the chip idles.

    Raises:
        InputError: there is no such report, it is damaged, or a second has no room for the rounds.
    """
    path = directory / REPORT_FILE if directory.is_dir() else directory
    report = _read_report(path)
    note = "from layer times and processors at work, not measured; expect a factor of two"
    if report.text("format") == TOGETHER_FORMAT:
        uses = list(_round_of(report))
    else:
        uses = [(INFERENCE, _inference_of(report))]
    if per_second is not None:
        uses.append((f"{per_second:g} a second", _second_of(report, per_second, path)))
    return EnergyReport("estimate", str(path), tuple(uses), (note,))


def _round_of(report: JsonNode) -> Iterator[tuple[str, EnergyUse]]:
    """All that is done for several networks when each runs once, and the sum of it."""
    total = EnergyUse(0.0, 0.0, 0.0)
    for one in report.nodes("work"):
        if not one.flag("is_repeated"):
            continue
        time_us, energy_uj = _number(one, "microseconds"), _number(one, "energy_uj")
        use = EnergyUse(time_us, energy_uj, IDLE_MW * time_us / 1e3)
        yield one.text("name"), use
        total = EnergyUse(
            total.time_us + use.time_us,
            total.active_uj + use.active_uj,
            total.idle_uj + use.idle_uj,
        )
    yield "a round", total


def _inference_of(report: JsonNode) -> EnergyUse:
    layers = list(report.nodes("layers"))
    busy_us = sum(_number(layer, "microseconds") for layer in layers)
    layers_uj = sum(_number(layer, "energy_uj") for layer in layers)
    time_us = 1e3 * _number(report, "milliseconds")
    idle_uj = IDLE_MW * time_us / 1e3
    added_uj = layers_uj - IDLE_MW * busy_us / 1e3
    return EnergyUse(time_us, idle_uj + added_uj, idle_uj)


def _second_of(report: JsonNode, per_second: float, path: Path) -> EnergyUse:
    """A second of rounds, each with all work that is repeated; the rest of it is idle."""
    work = [one for one in report.nodes("work") if one.flag("is_repeated")]
    busy_us = per_second * sum(_number(one, "microseconds") for one in work)
    if busy_us > SECOND_US:
        most = per_second * SECOND_US / busy_us
        why = f"{per_second:g} rounds take {busy_us / SECOND_US:.3g} s"
        raise InputError(why, where=str(path), fix=f"at most {most:.4g} a second")
    idle_uj = IDLE_MW * SECOND_US / 1e3
    added_uj = per_second * sum(_number(one, "energy_uj") for one in work)
    return EnergyUse(SECOND_US, idle_uj + added_uj - IDLE_MW * busy_us / 1e3, idle_uj)


def _use_data(use: EnergyUse) -> dict[str, float]:
    names = ("time_us", "active_uj", "idle_uj", "added_uj", "active_mw", "idle_mw")
    return {name: round(getattr(use, name), 6) for name in names}


def _doubts(recording: Recording, windows_s: Sequence[float]) -> list[str]:
    notes = [recording.version] if recording.version else []
    if recording.n_missing:
        n_wanted = len(recording.lines) + recording.n_missing
        notes.append(f"only {len(recording.lines)} of {n_wanted} measurements came in time")
    if recording.n_damaged:
        notes.append(f"{recording.n_damaged} damaged lines left out")
    for window_s in windows_s:
        if not SHORTEST_WINDOW_S <= window_s <= LONGEST_WINDOW_S:
            notes.append(
                f"a window of {window_s:.3g} s is outside "
                f"{SHORTEST_WINDOW_S:g}..{LONGEST_WINDOW_S:g} s: its figures are coarse"
            )
    return notes


def _read_report(path: Path) -> JsonNode:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        fix = "name a folder that synthesize wrote, or its report.json"
        raise InputError(f"cannot be read: {error}", where=str(path), fix=fix) from None
    report = JsonNode(data, f"{path} ")
    if report.text("format") not in (REPORT_FORMAT, TOGETHER_FORMAT):
        why = f"format is {report.text('format')!r:.40}, this tool reads {REPORT_FORMAT!r}"
        raise InputError(why, where=str(path), fix="synthesize again")
    return report


def _number(node: JsonNode, key: str) -> float:
    number: float = node.at(key, int, float)
    return number
