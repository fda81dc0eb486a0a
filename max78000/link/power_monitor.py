"""The EVKit's power monitor: choose a mode, read its lines, tell good ones from damaged ones.

The monitor is a MAX32625 with a MAX34417 that samples four supplies at 1024 Hz; it has its own USB
port (J1). A single key selects the mode; then lines of comma-separated numbers follow, without
labels or units. Watts, volts, amperes, joules and seconds: the firmware divides its milli-units by
1000 before it sends them, although its README says that units are those of the display. Source of
all this: analogdevicesinc/max78000-powermonitor:main.c (versions 1.4 and 2.0) and README.md, and
"MAX7800x Power Monitor and Energy Benchmarking Guide" in analogdevicesinc/MaximAI_Documentation.
What the figures mean for a network is the business of `energy_report.py`.
"""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from max78000.errors import BoardError
from max78000.facts.energy import EnergyUse
from max78000.link.console import Clock, read_lines
from max78000.link.serial_ports import SerialLine, send

RAILS = ("3V3", "VCOREA", "VCOREB", "1V8")  # in the order of a line; 3V3 contains the others
REPEATS = 100  # the monitor divides each active window by this number of repetitions
SHORTEST_WINDOW_S, LONGEST_WINDOW_S = 0.1, 20.0  # suggested by the guide
ASK_VERSION = b"\x16"  # control-V; version 2.0 answers with "PMON ...", older ones do not
MAX_FOREIGN = 4  # lines of another mode: as many as may be under way when the key arrives
MAX_DAMAGED = 8  # in a row; a line that comes apart now and then is no reason to stop
PRINTED_DIGITS = 6  # of C's %g


class MonitorMode(Enum):
    """What the monitor measures; the value is its key."""

    TRIGGERED = "t"  # per repetition: kernels, input, input and inference; needs --energy firmware
    SYSTEM = "s"  # energy of the core supply between two triggers
    POWER = "w"  # mean of every rail, once or twice a second
    CURRENT = "i"
    VOLTAGE = "v"

    @property
    def n_values(self) -> int:
        """Numbers in a line."""
        return {MonitorMode.TRIGGERED: 12, MonitorMode.SYSTEM: 3}.get(self, len(RAILS))


@dataclass(frozen=True, slots=True)
class Window:
    """One line of the triggered mode: what one repetition takes of VCOREA.

    Attributes:
        kernels: loading the weights.
        input: loading the input.
        both: loading the input and running the network.
    """

    kernels: EnergyUse
    input: EnergyUse
    both: EnergyUse


@dataclass(frozen=True, slots=True)
class Recording:
    """What was read in one mode.

    Attributes:
        lines: the numbers of each good line, as sent.
        n_damaged: lines left out.
        n_missing: lines asked for that did not come in time.
        version: how the monitor calls itself; empty before version 2.0.
    """

    mode: MonitorMode
    lines: tuple[tuple[float, ...], ...]
    n_damaged: int = 0
    n_missing: int = 0
    version: str = ""


def parse_line(text: str) -> tuple[float, ...] | None:
    """The numbers of a line; None if it is damaged.

    A line that lost or gained characters is noticed by its number of values, by one that is no
    finite number, or by an energy that is not the product of the power and time beside it.
    """
    try:
        values = tuple(float(word) for word in text.split(","))
    except ValueError:
        return None
    if len(values) not in {mode.n_values for mode in MonitorMode} or not all(
        map(math.isfinite, values)
    ):
        return None
    if len(values) == MonitorMode.SYSTEM.n_values:
        energy_j, time_s, power_w = values
        return values if _is_product(energy_j, time_s, power_w, 0.0) else None
    if len(values) == MonitorMode.TRIGGERED.n_values:
        phases = (values[:4], values[4:8], values[8:])
        is_whole = all(_is_product(e, t, active, idle) for e, t, idle, active in phases)
        return values if is_whole else None
    return values


def read_recording(
    line: SerialLine,
    mode: MonitorMode,
    n_lines: int,
    seconds: float,
    clock: Clock = time.monotonic,
) -> Recording:
    """Select a mode and read lines of it.

    Args:
        line: the open port of the monitor.
        n_lines: stop after so many good lines; the averaging modes never end by themselves.
        seconds: give up after this time, or be content with what came.

    Raises:
        BoardError: nothing usable came, the monitor stays in another mode, or it was unplugged.
    """
    send(line, ASK_VERSION + mode.value.encode())
    sorter = _Sorter(mode)
    for text in read_lines(line, seconds, "power monitor", clock):
        if sorter.take(text) is LineKind.FOREIGN and sorter.n_foreign == MAX_FOREIGN:
            send(line, mode.value.encode())  # it missed the key, or someone pressed a button
        if len(sorter.good) >= n_lines:
            break
    if not sorter.good:
        raise _silence(mode, seconds, sorter)
    n_missing = n_lines - len(sorter.good)
    return Recording(mode, tuple(sorter.good), sorter.n_damaged, n_missing, sorter.version)


def windows(recording: Recording) -> Iterator[Window]:
    """The measurements of a recording in triggered mode."""
    for values in recording.lines:
        phases = (values[:4], values[4:8], values[8:])
        yield Window(
            *(
                EnergyUse.from_powers(1e6 * time_s, 1e3 * active_w, 1e3 * idle_w)
                for _, time_s, idle_w, active_w in phases
            )
        )


class LineKind(Enum):
    """What a line is."""

    GOOD = "a measurement in the mode asked for"
    FOREIGN = "a measurement in another mode"
    DAMAGED = "not a measurement"
    OTHER = "the version, an empty line, or one that was under way when the mode was chosen"


class _Sorter:
    """Puts the lines of a recording where they belong."""

    def __init__(self, mode: MonitorMode) -> None:
        self.mode = mode
        self.good: list[tuple[float, ...]] = []
        self.version = ""
        self.n_damaged = 0
        self.n_foreign = 0
        self._n_damaged_in_a_row = 0
        self._is_first = True

    def take(self, text: str) -> LineKind:
        """Sort one line.

        Raises:
            BoardError: the monitor does not follow, or this is no power monitor.
        """
        if not text or text.startswith("PMON"):
            self.version = self.version or text
            return LineKind.OTHER
        is_first, self._is_first = self._is_first, False
        values = parse_line(text)
        if is_first and (values is None or self.mode.n_values == len(RAILS)):
            return LineKind.OTHER  # perhaps its end only, or in the unit of the mode before
        if values is None:
            self._count_damaged(text)
            return LineKind.DAMAGED
        self._n_damaged_in_a_row = 0
        if len(values) == self.mode.n_values:
            self.good.append(values)
            return LineKind.GOOD
        self.n_foreign += 1
        if self.n_foreign > 2 * MAX_FOREIGN:
            raise _wrong_mode(self.mode, len(values), self.n_foreign)
        return LineKind.FOREIGN

    def _count_damaged(self, text: str) -> None:
        self.n_damaged += 1
        self._n_damaged_in_a_row += 1
        if self._n_damaged_in_a_row > MAX_DAMAGED:
            raise BoardError(
                f"{self._n_damaged_in_a_row} lines in a row are none of a power monitor, "
                f"the last is {text!r:.60}",
                where="power monitor",
                fix="its port is the one of connector J1; max78000 doctor lists the ports",
            )


def _is_product(energy_j: float, time_s: float, active_w: float, idle_w: float) -> bool:
    """The energy is (active - idle) * time, as far as the printed digits tell."""
    if time_s < 0 or active_w < 0 or idle_w < 0:
        return False
    half_a_digit = 0.5 * 10.0 ** (1 - PRINTED_DIGITS)
    slack_j = 4 * half_a_digit * (active_w + idle_w) * time_s + 1e-12
    return abs(energy_j - (active_w - idle_w) * time_s) <= slack_j


def _wrong_mode(mode: MonitorMode, n_values: int, n_lines: int) -> BoardError:
    return BoardError(
        f"it stays in another mode: {n_lines} lines of {n_values} values, "
        f"{mode.name.lower()} mode has {mode.n_values}",
        where="power monitor",
        fix="choose the mode with the buttons SW6 and SW7 of the board, or switch it off and on",
    )


def _silence(mode: MonitorMode, seconds: float, sorter: _Sorter) -> BoardError:
    if mode in (MonitorMode.TRIGGERED, MonitorMode.SYSTEM):
        fix = "synthesize with --energy, fit JP3 and JP4, reset the board while this command waits"
    else:
        fix = "switch the board on; the monitor's port is the one of connector J1"
    other = f", {sorter.n_foreign} of another mode" if sorter.n_foreign else ""
    damaged = f", {sorter.n_damaged} damaged" if sorter.n_damaged else ""
    return BoardError(
        f"no measurement in {mode.name.lower()} mode within {seconds:g} s{other}{damaged}",
        where="power monitor",
        fix=fix,
    )
