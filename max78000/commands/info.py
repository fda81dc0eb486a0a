"""`max78000 info`: what the chip has, or what a register program contains."""

import json
from pathlib import Path
from typing import Any

import click

from max78000.command import JSON, examples
from max78000.command.table import print_table
from max78000.errors import InputError
from max78000.facts.chip import MAX78000, Chip
from max78000.firmware.sources import CMAKE
from max78000.program.folder import read_program
from max78000.program.program import Poll, RegisterProgram, Require, Write, chip_of, to_text


@click.command(
    epilog=examples(
        "max78000 info",
        "max78000 info build/mnist --text | less",
        "cmake -B build -Dmax78000_DIR=$(max78000 info --cmake)",
    )
)
@click.argument("directory", required=False, type=click.Path(path_type=Path))
@click.option("--text", "as_text", is_flag=True, help="Print every operation of the program.")
@click.option("--cmake", is_flag=True, help="Print where our package for CMake is.")
@JSON
def info(directory: Path | None, *, as_text: bool, cmake: bool, as_json: bool) -> None:
    """Say what a program contains, or what the chip has.

    DIRECTORY is what `synthesize` wrote, or its program.json; without one, it is the chip.
    """
    if cmake:
        if directory or as_text or as_json:
            why = "--cmake goes with nothing else"
            raise InputError(why, fix="leave out DIRECTORY, --text and --json, or --cmake")
        click.echo(CMAKE.as_posix())
        return
    if directory is None:
        _print_facts(_chip_facts(MAX78000), as_json=as_json)
        return
    program = read_program(directory)
    if as_text:
        click.echo(to_text(program, chip_of(program)), nl=False)
    else:
        _print_facts(_program_facts(program), as_json=as_json)


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
        return sum(len(op.words) for op in operations if not isinstance(op, Write | Poll | Require))

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
    rows = [(name.replace("_", " "), _words_of(value)) for name, value in facts.items()]
    print_table(("fact", "value"), rows)


def _words_of(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    if isinstance(value, int):
        return f"{value:,}"
    return "-" if value is None else str(value)
