"""Firmware that checks every layer: a `main.c` that says on a real chip where an answer goes wrong.

Later layers overwrite the results of earlier ones. So this program runs the network again and again
and stops it one layer later each time (LCNT_MAX), with everything loaded afresh, and compares a
CRC-32 of each channel with the compiler's. Of the first channel that differs it prints all values:
`max78000 compare` names the pixel from them. Takes the place of the known-answer test.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from max78000.errors import InputError
from max78000.facts import regmap
from max78000.facts.chip import Chip
from max78000.facts.regmap import locate, quadrant_register_addr
from max78000.program.layer_table import LayerTable, TableEntry
from max78000.program.program import RegisterProgram, Write
from max78000.program.strict_json import hex_word
from synthesis.emit import rows
from synthesis.emit.c_template import c_template
from synthesis.emit.options import ProjectOptions
from synthesis.emit.places import ChannelBlock, channel_blocks, plain_name
from synthesis.version import VERSION

TEMPLATE = "layer_checks.c"


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One layer as C has it."""

    index: int
    name: str
    blocks: tuple[ChannelBlock, ...]
    checksums: tuple[str, ...]  # lines of an initializer

    @property
    def n_blocks(self) -> int:
        """Length of its part of the table of blocks."""
        return len(self.blocks)


def emit_layer_checks(
    program: RegisterProgram,
    table: LayerTable,
    options: ProjectOptions,
    chip: Chip,
    provenance: Sequence[str],
) -> str:
    """The text of the main file, for a project whose other files are those of `emit_project`.

    Raises:
        InputError: the project has no `cnn.c` of its own.
    """
    if options.names.api is None:
        why = "layer checks take the place of the main file, which would hold the interface too"
        raise InputError(why, where="--api-filename", fix="give the interface a file of its own")
    context = {
        **{field.name: getattr(options, field.name) for field in fields(options)},
        "name": program.name,
        "chip": chip.name,
        "version": VERSION,
        "provenance": provenance,
        "inputs": rows.input_rows(program, chip),
        "fifos": rows.fifo_rows(program, chip),
        "in_flash": "",
        "layers": tuple(map(_row, table.entries)),
        "count_addrs": [hex_word(addr) for addr in _count_addrs(program, chip)],
    }
    return c_template(TEMPLATE).render(context)


def _row(entry: TableEntry) -> LayerRow:
    return LayerRow(
        index=entry.output.layer,
        name=plain_name(entry.output.name),
        blocks=tuple(channel_blocks([entry.output])),
        checksums=rows.word_array("CHECKSUMS", entry.checksums).lines,
    )


def _count_addrs(program: RegisterProgram, chip: Chip) -> list[int]:
    """Addresses of the registers that tell the quadrants in use which layer is the last."""
    stores = (op for op in program.phase("start").operations if isinstance(op, Write))
    places = (locate(chip, store.addr) for store in stores)
    quadrants = {p.quadrant or 0 for p in places if p is not None and p.register is regmap.CTL}
    return [quadrant_register_addr(chip, regmap.LCNT_MAX, index) for index in sorted(quadrants)]
