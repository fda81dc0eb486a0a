"""`max78000 simulate`: run a project and say PASS or FAIL."""

import json
import shlex
from pathlib import Path

import click

from max78000.command import JSON, RealRange, examples
from max78000.commands.options import BOARD, COMPILER
from max78000.commands.simulate_firmware import (
    Manner,
    Session,
    is_elf,
    note_prediction,
    print_lines,
    run_firmware,
)
from max78000.commands.simulate_world import WorldFiles, WorldSession, world_options
from max78000.errors import InputError
from max78000.facts.chip import MAX78000
from max78000.firmware.build import sdk_of
from max78000.firmware.image import Image
from max78000.firmware.pair import build_firmware
from max78000.firmware.sources import has_code
from max78000.firmware.toolchain import Toolchain, find_toolchain
from max78000.machine.inputs import with_input
from max78000.machine.machine import Machine
from max78000.machine.run_text import output_lines, output_values, run_lines, run_values
from max78000.machine.state import read_state
from max78000.program.folder import read_program
from max78000.program.input_file import read_input
from max78000.program.program import RegisterProgram, chip_of


@click.command(
    epilog=examples(
        "max78000 simulate build/mnist",
        "max78000 simulate build/mnist --compiler zig --trace",
        "max78000 simulate firmware.elf --seconds 5 --uart -",
        "max78000 simulate demo.elf --camera cat.png --buttons 'PB1@Press PB1' --screen shown",
        "max78000 simulate words.elf --microphone yes.wav",
        "max78000 simulate build/mnist --program --verbose",
        "max78000 simulate build/mnist --input seven.png",
        "max78000 simulate --state expected.json.gz",
    )
)
@click.argument(
    "directory", metavar="[DIRECTORY|ELF]", required=False, type=click.Path(path_type=Path)
)
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
@click.option("--uart", metavar="FILE|-", help="Bytes for the console; -: standard input.")
@click.option(
    "--uart-out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write what the console sends to a file, byte for byte.",
)
@click.option(
    "--seconds", type=RealRange(min=0, min_open=True), help="End after this virtual time."
)
@world_options
@click.option("--strict", is_flag=True, help="Refuse what silicon would pass over in silence.")
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
    uart: str | None,
    uart_out: Path | None,
    seconds: float | None,
    world_files: WorldFiles,
    strict: bool,
    trace: bool,
    verbose: bool,
    as_json: bool,
) -> None:
    """Run a project and check its known answer.

    A project with C files is built if need be, on the vendor's SDK if it was last, and its firmware
    runs on the virtual board: console text, clock cycles and modelled time, then PASS (exit status
    0) or FAIL (1), and why the run is over. Any ELF file runs as it is; one that says neither ends
    with status 0 unless it makes a fault. What silicon would pass over in silence, such as a store
    to a device without a clock, is counted in a warning, or refused with --strict.

    Without C files, or with --program, only the register program runs on the simulated accelerator,
    which sees registers and memories, never the network; FAIL then names the first value that
    differs. With --input there is no known answer: the outputs are printed.
    """
    if (directory is None) == (state_file is None):
        raise InputError("give a DIRECTORY or --state FILE", fix="see max78000 simulate --help")
    manner = Manner(verbose, as_json, trace)
    session = Session(WorldSession(world_files, board), uart, uart_out, seconds, strict)
    if directory is not None and is_elf(directory):
        is_pass = run_firmware(directory, None, manner, session)
    elif directory is not None and not is_program and input_file is None and has_code(directory):
        image = _built(directory, find_toolchain(compiler), board)
        is_pass = run_firmware(image.elf, directory, manner, session)
    else:
        program = (
            read_state(state_file, MAX78000) if state_file else read_program(Path(directory or ""))
        )
        is_pass = _run_input(program, input_file, manner) if input_file else _check(program, manner)
    click.get_current_context().exit(0 if is_pass else 1)


def _built(folder: Path, toolchain: Toolchain, board: str) -> Image:
    """The project's firmware of today, on the package or SDK that it was built with last."""
    sdk = sdk_of(folder)
    if sdk:
        words = shlex.join(word for root in sdk for word in ("--sdk", str(root)))
        click.echo(f"on the vendor's SDK, as it was built: {words}", err=True)
    return build_firmware(folder, toolchain, board, sdk=sdk)


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
    print_lines(run_lines(result, machine.chip.cnn_clock_hz, verbose=manner.is_verbose))
    note_prediction(program, result)
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
    print_lines(run_lines(result, chip.cnn_clock_hz, verbose=manner.is_verbose))
    note_prediction(program, result)
    for output in outputs:
        print_lines(output_lines(*output))
    return True
