"""The part of `max78000 simulate` that runs firmware on the virtual board.

The console appears while it runs; then why the run is over, and what silicon would have passed over
in silence.
"""

import json
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import click

from max78000.board.board import FAIL, FAULT, Limits, Outcome, VirtualBoard
from max78000.board.device import INTERRUPT
from max78000.board.devices.watchdog import Watchdog
from max78000.board.timeline import NS_PER_S, Note
from max78000.commands.simulate_stack import stack_use
from max78000.commands.simulate_world import WorldSession
from max78000.errors import BoardError, InputError
from max78000.files import write_whole
from max78000.firmware.image import read_image
from max78000.machine.machine import RunResult
from max78000.machine.run_text import run_lines, run_values
from max78000.program.folder import PROGRAM_FILE, read_program
from max78000.program.program import RegisterProgram

ELF_MAGIC = b"\x7fELF"
STANDARD_INPUT = "-"
SILENCE_S = 5.0  # after which a line tells that the board still runs
ENDLESS_SLICES = 1 << 62
LONGEST_SOUND_S = 3600.0


@dataclass(frozen=True, slots=True)
class Manner:
    """How to tell what happened."""

    is_verbose: bool
    is_json: bool
    is_tracing: bool


@dataclass(frozen=True, slots=True)
class Session:
    """What the firmware meets on the board."""

    outside: WorldSession
    uart: str | None = None  # file with bytes for the console, or "-"
    uart_out: Path | None = None
    seconds: float | None = None
    is_strict: bool = False


def is_elf(path: Path) -> bool:
    """Whether a file begins as an ELF file does."""
    try:
        with path.open("rb") as file:
            return file.read(len(ELF_MAGIC)) == ELF_MAGIC
    except OSError:
        return False


def run_firmware(elf: Path, directory: Path | None, manner: Manner, session: Session) -> bool:
    """Run an ELF file on the virtual board; whether it is as it should be.

    Args:
        elf: the program.
        directory: its project; its console has to say PASS. None: anything but FAIL will do.
        manner: how to tell.
        session: what it meets.
    Raises:
        BoardError: a fault of the program, or no end within a minute of its time.
    """
    watch = _print_note if manner.is_tracing else None
    world = session.outside.equipment.world()
    board = VirtualBoard(watch=watch, world=world, is_strict=session.is_strict)
    board.load_elf(elf)
    if read_image(elf).is_pair:
        why = "the RISC-V core is not simulated, the Arm core waits for it"
        click.echo(f"warning: {why}; simulate --program runs the network", err=True)
    console = LiveConsole(board, is_silent=manner.is_json)
    _feed(board, session.uart)
    try:
        outcome = _run(board, console, session)
    except BoardError:
        if manner.is_json:
            click.echo(board.console, err=True)  # how far it came
        console.end()
        click.echo(board.dump(), err=True)
        raise
    finally:
        if session.uart_out is not None:
            write_whole(session.uart_out, bytes(board.devices.uart.sent))
        session.outside.finish(board)
        _warn(board)
    is_bad = any(word.decode() in outcome.console for word in (FAIL, FAULT))
    is_right = outcome.is_pass or (directory is None and not is_bad)
    stack = stack_use(elf, board)
    if manner.is_json:
        name = elf.name if directory is None else directory.resolve().name
        report = _report(name, outcome, board, is_right=is_right)
        if stack is not None:
            report["stack_bytes"] = stack.used_bytes
            report["stack_available_bytes"] = stack.available_bytes
        click.echo(json.dumps(report))
        return is_right
    console.end()
    _print_runs(outcome, directory, manner)
    if stack is not None:
        click.echo(stack)
    click.echo(_verdict(outcome, is_right=is_right))
    return is_right


def _warn(board: VirtualBoard) -> None:
    """Say what silicon passes over in silence, and whether a watchdog has bitten."""
    for warning in board.objections.warnings:
        click.echo(f"warning: {warning}", err=True)
    for device in board.devices.devices:
        if isinstance(device, Watchdog) and device.n_bites:
            times = "once" if device.n_bites == 1 else f"{device.n_bites} times"
            click.echo(f"warning: {device.name} has reset the chip {times}", err=True)


class LiveConsole:
    """Prints what the console says as soon as it is said, without blank lines around it.

    Args:
        board: whose console.
        is_silent: print nothing.
    """

    def __init__(self, board: VirtualBoard, *, is_silent: bool) -> None:
        self._board = board
        self._is_silent = is_silent
        self._n_printed = 0
        self._told_s = time.monotonic()

    def update(self) -> None:
        """Print what is new; after a while without anything, that the board still runs."""
        if self._is_silent:
            return
        text = self._board.console.rstrip("\n\r")
        new = text[self._n_printed :] if self._n_printed else text.lstrip("\n")
        if new:
            click.echo(new, nl=False)
            sys.stdout.flush()
            self._n_printed, self._told_s = len(text), time.monotonic()
        elif time.monotonic() - self._told_s > SILENCE_S:
            self._told_s = time.monotonic()
            seconds = self._board.timeline.now_ns / NS_PER_S
            click.echo(f"... {seconds:.3f} s on the board, {self._board.place}", err=True)

    def end(self) -> None:
        """Print the rest."""
        self.update()
        if not self._is_silent:
            click.echo()


def print_lines(lines: Iterable[str]) -> None:
    """Print lines."""
    for line in lines:
        click.echo(line)


def note_prediction(program: RegisterProgram, result: RunResult) -> None:
    """Say where the cycles differ from those of `report.json`, and why.

    They are by the same formula, of the registers here and of the network there.
    """
    # Quirk flatten-pixel: no register tells how many rows the pixels were.
    if program.cycles is not None and program.cycles.total != result.cycles:
        why = "no register tells how many rows a layer flattens"
        click.echo(f"note: report.json has {program.cycles.total} cycles: {why}", err=True)


def _run(board: VirtualBoard, console: LiveConsole, session: Session) -> Outcome:
    """Run to the end; a person at the keyboard is asked whenever the program waits for input."""
    outside = session.outside
    limits = Limits()
    if session.seconds is not None:
        limits = Limits(session.seconds, ENDLESS_SLICES, session.seconds, is_end_at_time=True)
    elif outside.is_listening:
        limits = Limits(LONGEST_SOUND_S, ENDLESS_SLICES)

    def on_slice() -> bool:
        console.update()
        is_limited = session.seconds is not None
        return not is_limited and outside.is_sound_over(board)

    is_asking = session.uart == STANDARD_INPUT and sys.stdin.isatty()
    while True:
        outcome = board.run(limits=limits, on_slice=on_slice)
        console.update()
        is_waiting = outcome.awaited == board.devices.uart.awaits(INTERRUPT) != ""
        line = sys.stdin.buffer.readline() if is_asking and is_waiting else b""
        if not line:
            return outcome
        board.devices.uart.feed(line)


def _feed(board: VirtualBoard, uart: str | None) -> None:
    """Hand over what is there for the console.

    Raises:
        InputError: the file cannot be read.
    """
    if uart is None or (uart == STANDARD_INPUT and sys.stdin.isatty()):
        return
    try:
        is_piped = uart == STANDARD_INPUT
        data = sys.stdin.buffer.read() if is_piped else Path(uart).read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=uart) from None
    board.devices.uart.feed(data)


def _verdict(outcome: Outcome, *, is_right: bool) -> str:
    if outcome.is_pass:
        return "PASS"
    if is_right:
        return f"END {outcome.reason}"
    if FAULT.decode() in outcome.console:
        return "FAIL the firmware has met a fault"
    return f"FAIL the firmware does not say PASS; the run is over because {outcome.reason}"


def _print_runs(outcome: Outcome, directory: Path | None, manner: Manner) -> None:
    for run in outcome.runs[-1:]:
        print_lines(run_lines(run.result, run.clock_hz, verbose=manner.is_verbose))
        if directory is not None and (directory / PROGRAM_FILE).exists():
            note_prediction(read_program(directory), run.result)


def _report(
    name: str, outcome: Outcome, board: VirtualBoard, *, is_right: bool
) -> dict[str, object]:
    report: dict[str, object] = {
        "program": name,
        "result": "PASS" if outcome.is_pass else "END" if is_right else "FAIL",
        "console": outcome.console,
        "end": outcome.end.name,
        "reason": outcome.reason,
        "virtual_ms": outcome.time_ns / 1e6,
        "runs": len(outcome.runs),
        "warnings": list(board.objections.warnings),
    }
    for run in outcome.runs[-1:]:
        report |= run_values(run.result, run.clock_hz)
    return report


def _print_note(note: Note) -> None:
    click.echo(str(note), err=True)
