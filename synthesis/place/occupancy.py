"""Which data memory words each tensor takes, word by word: for overlap checks and memory maps.

Layers of a streaming group run at the same time: what they pass on lives in rings while the group
runs, and nobody else can read it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from max78000.facts.chip import WORD_BYTES, Chip
from max78000.facts.fixed import DATA_BITS
from synthesis.graph.ir import BUFFER, INPUT, Producer
from synthesis.lower.hardware import Passes, pixels_read
from synthesis.place.extents import lifetime
from synthesis.place.placed import PlacedGraph, PlacedLayer, instances_of
from synthesis.place.processors import is_explicit
from synthesis.place.slide import slide_bytes
from synthesis.place.stream import stream_of
from synthesis.read.description import DataFormat


@dataclass(frozen=True, slots=True)
class Occupancy:
    """A tensor's words, the same in each of its instances; alive from step `first` to `last`."""

    source: Producer
    name: str
    instances: frozenset[int]
    words: NDArray[np.bool_]  # bool, one per word of an instance
    first: int
    last: int

    def clash(self, other: "Occupancy") -> int | None:
        """A word that both use while both are alive, or None."""
        if not (self.first <= other.last and other.first <= self.last):
            return None
        if not self.instances & other.instances:
            return None
        shared = np.flatnonzero(self.words & other.words)
        return int(shared[0]) if shared.size else None


def occupancies(placed: PlacedGraph, chip: Chip) -> Iterator[Occupancy]:
    """The rolling buffer, the network input and the result of every layer.

    A result that belongs to the rolling buffer has no words of its own.
    """
    n_words = chip.data_instance_words
    yield from _buffer(placed, n_words)
    yield _occupancy(placed, INPUT, "the input", placed.layers[0].processors, n_words)
    for writer in placed.layers:
        layer = writer.layer
        if not (layer.buffer_shift or layer.buffer_insert):
            processors = writer.output_processors
            yield _occupancy(placed, layer.as_producer, layer.name, processors, n_words)


def may_overwrite(placed: PlacedGraph, earlier: Occupancy, later: Occupancy) -> bool:
    """True if the later tensor is written over its own input, behind what is still to be read.

    Only where the place was chosen here, or the input came from a FIFO or a stream: what else a
    description gives is as likely a mistake.
    """
    writer = placed.layer_of(later.source)
    if writer is None or earlier.last != later.source.step:
        return False
    is_input = writer.layer.sources == (earlier.source,)
    if not is_input or not (_is_chosen(writer, placed) or _has_streamed(earlier.source, placed)):
        return False
    slide = slide_bytes(writer.layer, placed.chip)
    return slide is not None and writer.out_offset + slide <= writer.in_offset


def _is_chosen(writer: PlacedLayer, placed: PlacedGraph) -> bool:
    is_given = writer.layer.constraints.out_offset is not None
    return not (is_given or is_explicit(placed.graph))


def _has_streamed(source: Producer, placed: PlacedGraph) -> bool:
    """True for tensors that the vendor's generator lets layers overwrite: it does not mark them."""
    if source == INPUT:
        return placed.input_path.is_fifo
    return source.is_layer and source.step < placed.n_streaming


def peak_bytes(placed: PlacedGraph, chip: Chip) -> int:
    """Largest sum, over the layers, of all data that is alive while a layer runs."""
    tensors = list(occupancies(placed, chip))
    sums = [
        sum(
            WORD_BYTES * int(tensor.words.sum()) * len(tensor.instances)
            for tensor in tensors
            if tensor.first <= index <= tensor.last
        )
        for index in range(len(placed.layers))
    ]
    return max(sums)


def _buffer(placed: PlacedGraph, n_words: int) -> Iterator[Occupancy]:
    buffer = placed.graph.buffer
    if buffer is not None:
        count = buffer.shape.n_pixels * Passes.of(buffer.shape.channels, placed.chip).n
        words = _run(buffer.offset // WORD_BYTES, count, 1, 1, n_words)
        first, last = lifetime(placed.graph, BUFFER)
        yield Occupancy(
            source=BUFFER,
            name=buffer.name,
            instances=instances_of(buffer.processors, placed.chip),
            words=words,
            first=first,
            last=last,
        )


def _occupancy(
    placed: PlacedGraph, source: Producer, name: str, processors: int, n_words: int
) -> Occupancy:
    """The input, or a result outside the rolling buffer."""
    first, last = lifetime(placed.graph, source)
    return Occupancy(
        source=source,
        name=name,
        instances=instances_of(processors, placed.chip),
        words=_words(placed, source, n_words),
        first=first,
        last=last,
    )


def _words(placed: PlacedGraph, source: Producer, n_words: int) -> NDArray[np.bool_]:
    for reader in placed.layers[: placed.graph.n_streaming]:
        if Producer.before(reader.layer.index) == source:
            return _ring_words(reader, placed, n_words)
    writer = placed.layer_of(source)
    if writer is None:
        return _input_words(placed.layers[0], n_words)
    return _output_words(writer, placed, n_words)


def _ring_words(reader: PlacedLayer, placed: PlacedGraph, n_words: int) -> NDArray[np.bool_]:
    n_kept = stream_of(reader, placed).ring_words
    return _run(reader.in_offset // WORD_BYTES, n_kept, 1, 1, n_words)


def _input_words(first: PlacedLayer, n_words: int) -> NDArray[np.bool_]:
    n_pixels = prod(first.hardware.in_dims)
    if first.data_format is DataFormat.CHW:
        n_pixels = -(-n_pixels // WORD_BYTES)
    count = n_pixels * first.in_passes.n * first.layer.operands
    return _run(first.in_offset // WORD_BYTES, count, 1, 1, n_words)


def _output_words(writer: PlacedLayer, placed: PlacedGraph, n_words: int) -> NDArray[np.bool_]:
    """Words written, and those behind them that a layer on a folded image reads."""
    hardware, layer = writer.hardware, writer.layer
    readers = placed.graph.consumers(layer.as_producer)
    n_read = max((pixels_read(reader, placed.chip) for reader in readers), default=0)
    n_pixels = max(layer.out_shape.n_pixels + hardware.extra_pixels, n_read)
    unit = layer.output_width // DATA_BITS
    lead = hardware.lead_bytes // WORD_BYTES
    count = n_pixels * writer.out_passes.n
    start = writer.out_offset // WORD_BYTES - lead
    step = writer.write_gap + 1
    return _run(start, count + lead, unit, unit * step, n_words)


def _run(start: int, count: int, unit: int, step: int, n_words: int) -> NDArray[np.bool_]:
    """`count` groups of `unit` words, `step` words apart; what lies outside the memory is cut."""
    words = np.zeros(n_words, bool)
    positions = (start + step * np.arange(count)[:, None] + np.arange(unit)).reshape(-1)
    words[positions[(positions >= 0) & (positions < n_words)]] = True
    return words
