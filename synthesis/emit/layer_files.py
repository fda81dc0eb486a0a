"""The files of a project that say where an answer goes wrong: `layers.json`, and a `main.c` that
checks layer by layer.

Puts together, computes nothing: results come from the interpreter, C from `emit`. Comparing is for
`max78000 compare`.
"""

from max78000.facts.chip import Chip
from max78000.program.layer_table import (
    LAYERS_FILE,
    LayerTable,
    TableEntry,
    channel_checksums,
    to_json,
)
from synthesis.compile import Compiled
from synthesis.emit.layer_checks import emit_layer_checks
from synthesis.emit.options import ProjectOptions
from synthesis.generate.memories import output_map
from synthesis.read.files import Files, digest


def layer_table(compiled: Compiled, chip: Chip) -> LayerTable:
    """Places and checksums of the results that are whole in data memory when their layer is done.

    Of a layer that streams into the next one nothing remains.
    """
    first = max(compiled.graph.n_streaming - 1, 0)
    entries = (
        TableEntry(
            output_map(placed, chip),
            channel_checksums(compiled.results[placed.layer.index], placed.layer.output_width),
        )
        for placed in compiled.placement.layers[first:]
    )
    return LayerTable(compiled.program.name, tuple(entries))


def layer_files(
    compiled: Compiled, files: Files, options: ProjectOptions, chip: Chip
) -> dict[str, str]:
    """File name -> text, beside or in place of what `project_files` makes.

    Args:
        compiled: the network.
        files: what it was compiled from.
        options: of the project; it may ask for a main file that checks every layer.
        chip: address map.
    Raises:
        InputError: layer checks are asked of a project without a file for its interface.
    """
    table = layer_table(compiled, chip)
    texts = {LAYERS_FILE: to_json(table)}
    if options.checks_layers:
        lines = provenance(files)
        texts[options.names.main] = emit_layer_checks(compiled.program, table, options, chip, lines)
    return texts


def provenance(files: Files) -> tuple[str, ...]:
    """Say in generated C what it was made from."""
    return (
        f"Description {files.network.name} sha256 {digest(files.network)},",
        f"checkpoint {files.checkpoint.name} sha256 {digest(files.checkpoint)}.",
    )
