"""`max78000 simulate`: run a project and say PASS or FAIL."""

import json
from pathlib import Path
from typing import Any

import click

from max78000.chip import MAX78000, Chip
from max78000.commands.shared import examples, read_program
from max78000.errors import InputError
from max78000.fixed import Activation
from max78000.machine.answer import Mismatch
from max78000.machine.decode import LayerSetup
from max78000.machine.machine import Machine, RunResult
from max78000.machine.state import read_state
from max78000.program import RegisterProgram, chip_of


@click.command(
    epilog=examples(
        "max78000 simulate build/mnist --verbose",
        "max78000 simulate --state expected.json.gz",
    )
)
@click.argument("directory", required=False, type=click.Path(path_type=Path))
@click.option(
    "--state",
    "state_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Run a recorded state (.json or .json.gz) instead of a program.",
)
@click.option("--verbose", "-v", is_flag=True, help="Print a line per layer.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def simulate(directory: Path | None, state_file: Path | None, verbose: bool, as_json: bool) -> None:
    """Run the program in DIRECTORY on the simulated accelerator and check its known answer.

    Prints clock cycles and time, then PASS (exit status 0) or FAIL with the first value that
    differs (exit status 1). The simulator sees registers and memories only, never the network.
    """
    program = _chosen_program(directory, state_file)
    if not program.known_answer:
        raise InputError("there is no known answer to check", program.name)
    machine = Machine(chip_of(program))
    result = machine.run(program)
    mismatch = machine.check_known_answer(program)
    if as_json:
        click.echo(json.dumps(_report(program, machine.chip, result, mismatch)))
    else:
        _print_run(machine.chip, result, mismatch, verbose=verbose)
    click.get_current_context().exit(0 if mismatch is None else 1)


def _chosen_program(directory: Path | None, state_file: Path | None) -> RegisterProgram:
    if (directory is None) == (state_file is None):
        raise InputError("give a DIRECTORY or --state FILE", fix="see max78000 simulate --help")
    return read_state(state_file, MAX78000) if state_file else read_program(Path(directory or ""))


def _report(
    program: RegisterProgram, chip: Chip, result: RunResult, mismatch: Mismatch | None
) -> dict[str, Any]:
    layers = zip(result.setups, result.layer_cycles, strict=True)
    return {
        "program": program.name,
        "result": "PASS" if mismatch is None else "FAIL",
        "cycles": result.cycles,
        "is_estimate": result.is_estimate,
        "milliseconds": _milliseconds(chip, result.cycles),
        "layers": [{"layer": _layer_text(setup), "cycles": cycles} for setup, cycles in layers],
        "mismatch": None if mismatch is None else str(mismatch),
        "notes": list(result.notes),
    }


def _print_run(chip: Chip, result: RunResult, mismatch: Mismatch | None, *, verbose: bool) -> None:
    if verbose:
        for setup, cycles in zip(result.setups, result.layer_cycles, strict=True):
            click.echo(f"layer {setup.index:<3}{_layer_text(setup):60}{cycles:>10} cycles")
    kind = "about " if result.is_estimate else ""
    time_ms = _milliseconds(chip, result.cycles)
    clock = f"{chip.cnn_clock_hz // 1_000_000} MHz"
    click.echo(f"ran {kind}{result.cycles} cycles, {time_ms} ms at {clock}")
    for note in result.notes if verbose or mismatch else ():
        click.echo(f"note: {note}", err=True)
    click.echo("PASS" if mismatch is None else f"FAIL {mismatch}")


def _milliseconds(chip: Chip, cycles: int) -> float:
    return round(1000 * cycles / chip.cnn_clock_hz, 4)


def _layer_text(setup: LayerSetup) -> str:
    """Say what a layer does in a few words."""
    kernel, pool, read = setup.kernel, setup.pool, setup.read
    words = [f"{read.rows}x{read.columns}"]
    if pool.rows * pool.columns > 1 or pool.step > 1:
        kind = "max" if pool.is_max else "average"
        words.append(f"{kind} pool {pool.rows}x{pool.columns} step {pool.step}")
    if pool.combine is not None:
        words.append(f"{pool.combine.value} of {read.operands}")
    if kernel is None:
        words.append("pass-through")
    else:
        name = "transposed " if kernel.is_transposed else ""
        words.append(f"{name}convolution {kernel.rows}x{kernel.columns} {kernel.weight_bits} bit")
    if setup.post.activation is not Activation.NONE:
        words.append(setup.post.activation.value)
    rows, columns = setup.out_shape
    return ", ".join(words) + f" -> {rows}x{columns}"
