"""`layers.json`: where every layer leaves its result, and the checksums of the sample's results.

The compiler writes it beside `program.json`; firmware with layer checks, and everybody who compares
answers layer by layer, use the same checksums. Layers of which nothing remains in data memory (they
stream into the next one) are not in it. Holds no values: `layer_dump` does.
"""

import json
import zlib
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from max78000.errors import InputError, InternalError, ToolError
from max78000.program.folder import text_beside_program
from max78000.program.program import OutputMap
from max78000.program.strict_json import JsonNode, hex_words

FORMAT = "max78000-layers-1"
LAYERS_FILE = "layers.json"
KEYS = ("layer", "name", "shape", "width_bits", "pixel_stride_bytes", "channel_addrs", "checksums")


@dataclass(frozen=True, slots=True)
class TableEntry:
    """One layer: its result in memory, and checksums as `channel_checksums` makes them."""

    output: OutputMap
    checksums: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.checksums) != self.output.shape[0]:
            raise InternalError(f"layer {self.output.name}: a checksum for each channel is needed")

    @property
    def checksum(self) -> int:
        """CRC-32 of the whole result."""
        return self.checksums[-1]

    @property
    def title(self) -> str:
        """Number and name, for messages."""
        return f"layer {self.output.layer} {self.output.name}".rstrip()


@dataclass(frozen=True, slots=True)
class LayerTable:
    """The layers of a network whose results can be looked at, in the order they run."""

    name: str
    entries: tuple[TableEntry, ...]


def channel_checksums(values_chw: NDArray[Any], width_bits: int) -> tuple[int, ...]:
    """Checksum a result: after each channel, the CRC-32 of all bytes so far.

    The bytes are those of `values.astype("i1")`, or `"<i4"` for 32 bits: channels, rows, columns.
    So the last checksum is `zlib.crc32` of the whole array, and the first that differs from those
    of another answer names the channel.

    Args:
        values_chw: integers (C, H, W).
        width_bits: 8 or 32.
    """
    channels = values_chw.astype("<i4" if width_bits == 32 else "i1")
    running = accumulate(channels, lambda crc, one: zlib.crc32(one.tobytes(), crc), initial=0)
    return tuple(running)[1:]


def to_json(table: LayerTable) -> str:
    """Write a table: same table, same bytes; a line for each layer."""
    lines = ",\n".join(json.dumps(_encode(entry)) for entry in table.entries)
    head = f'"format": {json.dumps(FORMAT)},\n"name": {json.dumps(table.name)}'
    return f'{{\n{head},\n"layers": [\n{lines}\n]\n}}\n'


def from_json(text: str, source: str = "") -> LayerTable:
    """Read what `to_json` wrote; `source` names the file in messages.

    Raises:
        InputError: not JSON, or a key is missing or impossible.
    """
    try:
        root = JsonNode(json.loads(text))
        if root.text("format") != FORMAT:
            raise InputError(f"format is {root.text('format')!r}, not {FORMAT!r}")
        return LayerTable(root.text("name"), tuple(map(_decode, root.nodes("layers"))))
    except (ValueError, RecursionError, ToolError) as error:
        raise InputError(f"not a table of layers: {error}", where=source) from None


def read_layers(directory: Path) -> LayerTable:
    """Read the table of a project folder.

    Raises:
        InputError: there is none, or it is damaged.
    """
    path = directory / LAYERS_FILE
    return from_json(text_beside_program(path), str(path))


def _encode(entry: TableEntry) -> dict[str, Any]:
    output = entry.output
    values: tuple[Any, ...] = (
        output.layer,
        output.name,
        list(output.shape),
        output.width_bits,
        output.pixel_stride_bytes,
        hex_words(output.channel_addrs),
        hex_words(entry.checksums),
    )
    return dict(zip(KEYS, values, strict=True))


def _decode(node: JsonNode) -> TableEntry:
    shape = node.numbers("shape")
    if len(shape) != 3 or min(shape) < 1:
        raise InputError(
            f"{shape} is no shape of channels, rows, columns", where=f"{node.path}.shape"
        )
    output = OutputMap(
        layer=node.number("layer"),
        name=node.text("name"),
        shape=(shape[0], shape[1], shape[2]),
        width_bits=node.number("width_bits"),
        channel_addrs=node.words("channel_addrs"),
        pixel_stride_bytes=node.number("pixel_stride_bytes"),
    )
    return TableEntry(output, node.words("checksums"))
