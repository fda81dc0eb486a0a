"""The command `max78000`: look at register programs and run them on the simulated accelerator.

Commands parse, call one library function and print. This is the only file of the package that
prints or sets an exit status.
"""

import json
from pathlib import Path
from typing import Any

import click

from max78000.chip import MAX78000, Chip
from max78000.command import run
from max78000.errors import InputError
from max78000.fixed import Activation
from max78000.machine.answer import Mismatch
from max78000.machine.decode import LayerSetup
from max78000.machine.machine import Machine, RunResult
from max78000.machine.state import read_state
from max78000.program import Poll, RegisterProgram, Write, chip_of, from_json, to_text

PROGRAM_FILE = "program.json"


def _examples(*lines: str) -> str:
    """Lay out an epilog that click does not rewrap."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])


@click.group(
    "max78000",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_examples("max78000 info build/mnist", "max78000 simulate build/mnist"),
)
def cli() -> None:
    """Look at register programs of the MAX78000 and run them on a simulated accelerator."""


@cli.command(epilog=_examples("max78000 info", "max78000 info build/mnist --text | less"))
@click.argument("directory", required=False, type=click.Path(path_type=Path))
@click.option("--text", "as_text", is_flag=True, help="Print every operation of the program.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def info(directory: Path | None, as_text: bool, as_json: bool) -> None:
    """Say what the program in DIRECTORY contains; without one, what the chip has.

    DIRECTORY is what `synthesize` wrote, or its program.json.
    """
    if directory is None:
        _print_facts(_chip_facts(MAX78000), as_json=as_json)
        return
    program = _read_program(directory)
    if as_text:
        click.echo(to_text(program, chip_of(program)), nl=False)
    else:
        _print_facts(_program_facts(program), as_json=as_json)


@cli.command(
    epilog=_examples(
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


def main() -> None:
    """Run the command line."""
    run(cli)


# -- reading ---------------------------------------------------------------------------------------


def _chosen_program(directory: Path | None, state_file: Path | None) -> RegisterProgram:
    if (directory is None) == (state_file is None):
        raise InputError("give a DIRECTORY or --state FILE", fix="see max78000 simulate --help")
    return read_state(state_file, MAX78000) if state_file else _read_program(Path(directory or ""))


def _read_program(directory: Path) -> RegisterProgram:
    path = directory / PROGRAM_FILE if directory.is_dir() else directory
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        fix = "name a folder that synthesize wrote, or its program.json"
        raise InputError(f"cannot be read: {error}", str(path), fix) from None
    return from_json(text, str(path))


# -- printing --------------------------------------------------------------------------------------


def _chip_facts(chip: Chip) -> dict[str, Any]:
    return {
        "chip": chip.name,
        "processors": chip.n_processors,
        "layers": chip.n_layers,
        "weight_bytes": chip.weight_bytes,
        "bias_bytes": chip.bias_bytes,
        "data_bytes": chip.data_bytes,
        "clock_hz": chip.cnn_clock_hz,
    }


def _program_facts(program: RegisterProgram) -> dict[str, Any]:
    def n_words(phase_name: str) -> int:
        operations = program.phase(phase_name).operations
        return sum(len(op.words) for op in operations if not isinstance(op, Write | Poll))

    operations = [operation for phase in program.phases for operation in phase.operations]
    return {
        "program": program.name,
        "chip": program.chip_name,
        "register_writes": sum(isinstance(operation, Write) for operation in operations),
        "kernel_words": n_words("load_weights"),
        "bias_words": n_words("load_bias"),
        "input_words": n_words("load_input"),
        "outputs": [
            f"layer {out.layer} {out.name} {'x'.join(map(str, out.shape))} {out.width_bits} bit"
            for out in program.outputs
        ],
        "known_answer_words": sum(len(expected.words) for expected in program.known_answer),
        "cycles": program.cycles.total if program.cycles else None,
    }


def _print_facts(facts: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(facts))
        return
    for name, value in facts.items():
        text = ", ".join(value) if isinstance(value, list) else value
        click.echo(f"{name.replace('_', ' '):20}{'-' if text is None else text}")


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


if __name__ == "__main__":
    main()
