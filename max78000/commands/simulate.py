"""`max78000 simulate`: run a project and say PASS or FAIL."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import click

from max78000.board.board import Outcome, VirtualBoard
from max78000.board.timeline import Note
from max78000.command import JSON, examples
from max78000.commands.options import BOARD, COMPILER
from max78000.errors import BoardError, InputError
from max78000.facts.chip import MAX78000
from max78000.firmware.build import build_project
from max78000.firmware.toolchain import find_toolchain
from max78000.machine.inputs import with_input
from max78000.machine.machine import Machine, RunResult
from max78000.machine.run_text import output_lines, output_values, run_lines, run_values
from max78000.machine.state import read_state
from max78000.program.folder import PROGRAM_FILE, read_program
from max78000.program.input_file import read_input
from max78000.program.program import RegisterProgram, chip_of


@dataclass(frozen=True, slots=True)
class Manner:
    """How to tell what happened."""

    is_verbose: bool
    is_json: bool
    is_tracing: bool


@click.command(
    epilog=examples(
        "max78000 simulate build/mnist",
        "max78000 simulate build/mnist --compiler zig --trace",
        "max78000 simulate build/mnist --program --verbose",
        "max78000 simulate build/mnist --input seven.png",
        "max78000 simulate --state expected.json.gz",
    )
)
@click.argument("directory", required=False, type=click.Path(path_type=Path))
@click.option("--program", "is_program", is_flag=True, help="Run program.json, not the firmware.")
@click.option(
    "--input",
    "input_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Run program.json on a picture or .npy array, and print the outputs.",
)
@click.option(
    "--state",
    "state_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Run a recorded state (.json or .json.gz) instead of a project.",
)
@COMPILER
@BOARD
@click.option("--trace", is_flag=True, help="Print what the firmware does, with its time.")
@click.option("--verbose", "-v", is_flag=True, help="Print a line per layer.")
@JSON
def simulate(
    *,
    directory: Path | None,
    is_program: bool,
    input_file: Path | None,
    state_file: Path | None,
    compiler: str,
    board: str,
    trace: bool,
    verbose: bool,
    as_json: bool,
) -> None:
    """Run a project and check its known answer.

    A project with C files is built if need be, and its firmware runs on the virtual board: console
    text, clock cycles and modelled time, then PASS (exit status 0) or FAIL (1). Without C files, or
    with --program, only the register program runs on the simulated accelerator, which sees
    registers and memories, never the network; FAIL then names the first value that differs. With
    --input there is no known answer: the outputs are printed.
    """
    if (directory is None) == (state_file is None):
        raise InputError("give a DIRECTORY or --state FILE", fix="see max78000 simulate --help")
    manner = Manner(verbose, as_json, trace)
    has_code = directory is not None and any(directory.glob("*.c"))
    if directory is not None and has_code and not is_program and input_file is None:
        image = build_project(directory, find_toolchain(compiler), board)
        is_pass = _run_firmware(directory, image.elf, manner)
    else:
        program = (
            read_state(state_file, MAX78000) if state_file else read_program(Path(directory or ""))
        )
        is_pass = _run_input(program, input_file, manner) if input_file else _check(program, manner)
    click.get_current_context().exit(0 if is_pass else 1)


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)


def _note_prediction(program: RegisterProgram, result: RunResult) -> None:
    """Say where the cycles differ from those of `report.json`, and why.

    They are by the same formula, of the registers here and of the network there.
    """
    # Quirk flatten-pixel: no register tells how many rows the pixels were.
    if program.cycles is not None and program.cycles.total != result.cycles:
        why = "no register tells how many rows a layer flattens"
        click.echo(f"note: report.json has {program.cycles.total} cycles: {why}", err=True)


# -- firmware --------------------------------------------------------------------------------------


def _run_firmware(directory: Path, elf: Path, manner: Manner) -> bool:
    """Run an ELF file on the virtual board; whether its console says PASS."""
    board = VirtualBoard(watch=_print_note if manner.is_tracing else None)
    board.load_elf(elf)
    try:
        outcome = board.run()
    except BoardError:
        click.echo(board.console, err=manner.is_json)  # how far it came
        raise
    if manner.is_json:
        click.echo(json.dumps(_firmware_report(directory.resolve().name, outcome)))
        return outcome.is_pass
    click.echo(outcome.console.strip("\n"))
    for run in outcome.runs[-1:]:
        _print(run_lines(run.result, run.clock_hz, verbose=manner.is_verbose))
        if (directory / PROGRAM_FILE).exists():
            _note_prediction(read_program(directory), run.result)
    reason = f"the firmware does not say PASS; the run is over because {outcome.end.value}"
    click.echo("PASS" if outcome.is_pass else f"FAIL {reason}")
    return outcome.is_pass


def _firmware_report(name: str, outcome: Outcome) -> dict[str, object]:
    report: dict[str, object] = {
        "program": name,
        "result": "PASS" if outcome.is_pass else "FAIL",
        "console": outcome.console,
        "end": outcome.end.name,
        "virtual_ms": outcome.time_ns / 1e6,
        "runs": len(outcome.runs),
    }
    for run in outcome.runs[-1:]:
        report |= run_values(run.result, run.clock_hz)
    return report


def _print_note(note: Note) -> None:
    click.echo(str(note), err=True)


# -- register program ------------------------------------------------------------------------------


def _check(program: RegisterProgram, manner: Manner) -> bool:
    """Run a program; whether its known answer holds."""
    if not program.known_answer:
        raise InputError("there is no known answer to check", where=program.name)
    machine = Machine(chip_of(program))
    result = machine.run(program)
    mismatch = machine.check_known_answer(program)
    verdict = "PASS" if mismatch is None else "FAIL"
    if manner.is_json:
        values = run_values(result, machine.chip.cnn_clock_hz)
        text = None if mismatch is None else str(mismatch)
        click.echo(
            json.dumps({"program": program.name, "result": verdict, **values, "mismatch": text})
        )
        return mismatch is None
    _print(run_lines(result, machine.chip.cnn_clock_hz, verbose=manner.is_verbose))
    _note_prediction(program, result)
    for note in result.notes if manner.is_verbose or mismatch else ():
        click.echo(f"note: {note}", err=True)
    click.echo(verdict if mismatch is None else f"{verdict} {mismatch}")
    return mismatch is None


def _run_input(program: RegisterProgram, path: Path, manner: Manner) -> bool:
    """Run a program on another input and print its outputs."""
    chip = chip_of(program)
    read = Machine(chip).run(program).setups[0].read
    channels = len(read.processors) * read.passes * read.operands
    image = read_input(path, read.rows, read.columns, channels)
    machine = Machine(chip)
    result = machine.run(with_input(program, read, image, chip))
    outputs = [(output, machine.read_output(output)) for output in program.outputs]
    if manner.is_json:
        values = run_values(result, chip.cnn_clock_hz)
        tensors = [output_values(*output) for output in outputs]
        click.echo(json.dumps({"program": program.name, **values, "outputs": tensors}))
        return True
    _print(run_lines(result, chip.cnn_clock_hz, verbose=manner.is_verbose))
    _note_prediction(program, result)
    for output in outputs:
        _print(output_lines(*output))
    return True
