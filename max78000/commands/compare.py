"""`max78000 compare`: find the first layer, channel and pixel where answers differ."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from max78000.command import JSON, examples
from max78000.errors import InputError
from max78000.files import refuse_inputs
from max78000.machine.predict import LoadedMachine
from max78000.program.folder import read_program
from max78000.program.layer_dump import Layers, first_difference, read_dump, save_dump
from max78000.program.layer_log import find_difference, read_log
from max78000.program.layer_table import LAYERS_FILE, LayerTable, channel_checksums, read_layers

FILE = click.Path(path_type=Path, dir_okay=False)
STDIN = Path("-")


@dataclass(frozen=True, slots=True)
class Comparison:
    """One answer beside the simulated accelerator's.

    Args:
        side: whose answer, such as a file.
        n_compared: layers.
        missing: layers that this answer does not have.
        difference: where it differs first, in words; empty if nowhere.
    """

    side: str
    n_compared: int
    missing: tuple[str, ...]
    difference: str

    def __str__(self) -> str:
        if self.difference:
            return f"{self.side}: {self.difference}"
        rest = f" (not in it: {', '.join(self.missing)})" if self.missing else ""
        return f"{self.side}: {self.n_compared} layers agree{rest}"


@click.command(
    epilog=examples(
        "max78000 compare build/digit_net",
        "max78000 compare build/digit_net --dump torch.npz",
        "max78000 simulate build/digit_net | max78000 compare build/digit_net --console -",
        "max78000 compare build/digit_net --save accelerator.npz",
    )
)
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--dump", "dumps", type=FILE, multiple=True, help="Layers as .npz; may be repeated.")
@click.option(
    "--console",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="Console text of firmware with layer checks; - is standard input.",
)
@click.option("--save", type=FILE, help="Write the simulated accelerator's layers as .npz.")
@JSON
def compare(
    *,
    directory: Path,
    dumps: tuple[Path, ...],
    console: Path | None,
    save: Path | None,
    as_json: bool,
) -> None:
    """Compare answers for a project's sample, layer by layer.

    The simulated accelerator runs the program of the project in DIRECTORY. Beside its layers are
    held: the checksums of the compiler's interpreter, always; dumps that `ai8x dump` wrote of the
    PyTorch model; and the console text of a board whose firmware was made with `synthesize
    --layer-checks`. The exit status is 1 if any of them differs.
    """
    refuse_inputs(save, (*dumps, console))
    table = read_layers(directory)
    layers = LoadedMachine(read_program(directory)).layers(table)
    comparisons = [_interpreter(table, layers), *(_dump(path, layers) for path in dumps)]
    if console is not None:
        comparisons.append(_console(console, table, layers))
    if save is not None:
        save_dump(save, layers)
    for line in _lines(comparisons, as_json=as_json):
        click.echo(line)
    click.get_current_context().exit(int(any(comparison.difference for comparison in comparisons)))


def _interpreter(table: LayerTable, layers: Layers) -> Comparison:
    """The compiler's own answer, of which the project has the checksums."""
    for entry in table.entries:
        output = entry.output
        checksums = channel_checksums(layers[output.name], output.width_bits)
        pairs = zip(entry.checksums, checksums, strict=True)
        differing = [channel for channel, (one, other) in enumerate(pairs) if one != other]
        if differing:
            why = f"{entry.title} channel {differing[0]} has another checksum"
            return Comparison(LAYERS_FILE, len(layers), (), why)
    return Comparison(LAYERS_FILE, len(layers), (), "")


def _dump(path: Path, layers: Layers) -> Comparison:
    """An answer from a file."""
    found = read_dump(path)
    try:
        difference = first_difference(layers, found)
    except InputError as error:
        where = f"{path} {error.where}".rstrip()
        raise InputError(error.why, where=where, fix=error.fix) from None
    missing = tuple(name for name in layers if name not in found)
    return Comparison(str(path), len(layers) - len(missing), missing, str(difference or ""))


def _console(path: Path, table: LayerTable, layers: Layers) -> Comparison:
    """What a board printed."""
    source = "console" if path == STDIN else str(path)
    try:
        with click.open_file(str(path), encoding="utf-8", errors="replace") as file:
            text = file.read()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=source) from None
    difference = find_difference(read_log(text, source), table, layers)
    return Comparison(source, len(layers), (), str(difference or ""))


def _lines(comparisons: list[Comparison], *, as_json: bool) -> Iterator[str]:
    if not as_json:
        yield from map(str, comparisons)
        return
    sides = [
        {
            "side": comparison.side,
            "layers": comparison.n_compared,
            "missing": list(comparison.missing),
            "difference": comparison.difference or None,
        }
        for comparison in comparisons
    ]
    yield json.dumps({"agree": not any(v.difference for v in comparisons), "sides": sides})
