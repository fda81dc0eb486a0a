"""What `cnn_unload` stores: which outputs, where in its buffer, in which numbers.

The one home of the buffer's layout. Emitted C, reports, and whatever works on the buffer afterwards
take it from here. Addresses in data memory are the `OutputMap`'s; nothing is printed here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from max78000.facts.chip import WORD_BYTES, Chip
from max78000.facts.fixed import DATA_BITS, scale_by
from max78000.program.program import OutputMap
from synthesis.generate.memories import data_map, output_map
from synthesis.graph.scales import final_scale
from synthesis.place.placed import PlacedGraph
from synthesis.read.source import Tensor

WIDE_BITS = 32


@dataclass(frozen=True, slots=True)
class UnloadPart:
    """One output in the buffer.

    Values of 8-bit layers, of any element width, follow each other channel after channel, rows,
    columns. Those of 32-bit layers come in blocks of up to four channels, inside a block pixel by
    pixel, channel fastest: channel order if there is one pixel.

    Attributes:
        output: where the values are in data memory, their shape, and how wide they are there.
        offset_words: of the first value, from the start of the buffer.
        element_bits: 8, 16 or 32; a value in the buffer is signed and has so many bits.
        scale: the value in the buffer is the one in data memory times two to the power of this.
    """

    output: OutputMap
    offset_words: int
    element_bits: int
    scale: int

    @property
    def n_values(self) -> int:
        """Number of values."""
        return prod(self.output.shape)

    @property
    def n_words(self) -> int:
        """32-bit words taken; the last one may be in part."""
        return -(-self.n_values * self.element_bits // (8 * WORD_BYTES))

    @property
    def is_wide(self) -> bool:
        """True if the layer has 32-bit results, which also sets their order."""
        return self.output.width_bits == WIDE_BITS

    def delivered(self, values_chw: Tensor) -> Tensor:
        """The values as `cnn_unload` stores them, in the shape of the tensor."""
        return scale_by(values_chw, self.scale, self.element_bits)


@dataclass(frozen=True, slots=True)
class UnloadLayout:
    """The whole buffer: one output after the other, each from a 32-bit word on."""

    parts: tuple[UnloadPart, ...]

    @property
    def n_words(self) -> int:
        """Length of the buffer in 32-bit words."""
        return sum(part.n_words for part in self.parts)

    @property
    def n_values(self) -> int:
        """Number of values; a buffer of so many 32-bit words is always long enough."""
        return sum(part.n_values for part in self.parts)

    @property
    def outputs(self) -> tuple[OutputMap, ...]:
        """The outputs, in order."""
        return tuple(part.output for part in self.parts)


def unload_layout(placed: PlacedGraph, chip: Chip, *, scales: bool = True) -> UnloadLayout:
    """Lay out what the description lists under `unload`, or the results of the output layers.

    Args:
        placed: the network in its place.
        chip: address map.
        scales: values are multiplied by their final scale; else they are as in data memory.
    """
    parts, offset_words = [], 0
    for output, scale in _outputs(placed, chip):
        applied = scale if scales else 0
        bits = element_bits(output.width_bits, applied)
        part = UnloadPart(output, offset_words, bits, applied)
        parts.append(part)
        offset_words += part.n_words
    return UnloadLayout(tuple(parts))


def element_bits(width_bits: int, scale: int) -> int:
    """Bits of a delivered value: the fewest of 8, 16 and 32 that hold every scaled byte.

    Bytes without a scale stay bytes. With one they have at least 16 bits, whatever its sign.
    """
    # Quirk unload-sign: the vendor's are 16 bits always, and lose signs and high bits.
    if width_bits == WIDE_BITS:
        return WIDE_BITS
    if scale == 0:
        return DATA_BITS
    return 2 * DATA_BITS if scale <= DATA_BITS else WIDE_BITS


def _outputs(placed: PlacedGraph, chip: Chip) -> Iterator[tuple[OutputMap, int]]:
    """What is delivered, and its final scale."""
    graph = placed.graph
    if not graph.unload:
        for layer in placed.unloaded:
            yield output_map(layer, chip), final_scale(layer.layer, graph)
    last = len(placed.layers) - 1
    for i, entry in enumerate(graph.unload):
        output = data_map(entry, last, f"unload{i}", chip)
        found = entry_scales(output, placed)
        yield output, found.pop() if len(found) == 1 else 0


def entry_scales(entry: OutputMap, placed: PlacedGraph) -> set[int]:
    """Final scales of the outputs in which the channels of an `unload` entry lie.

    A channel that is no output's has scale 0: nothing says what its integers mean.
    """
    last_first = [
        (layer.layer, output_map(layer, placed.chip)) for layer in reversed(placed.outputs)
    ]
    scales = set()
    for addr in entry.channel_addrs:
        owners = (layer for layer, output in last_first if output.find(addr, addr & 3) is not None)
        owner = next(owners, None)
        scales.add(0 if owner is None else final_scale(owner, placed.graph))
    return scales


def channel_runs(output: OutputMap) -> list[list[int]]:
    """Channels in neighbouring lanes of one word (8 bits), or of four (32 bits)."""
    group_bytes, lane_bytes = (16, 4) if output.width_bits == WIDE_BITS else (4, 1)
    runs: list[list[int]] = []
    for channel, addr in enumerate(output.channel_addrs):
        before = output.channel_addrs[channel - 1] if channel else None
        if before is not None and addr == before + lane_bytes and addr % group_bytes:
            runs[-1].append(channel)
        else:
            runs.append([channel])
    return runs
