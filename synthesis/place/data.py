"""Data memory: byte offsets of every tensor, as given, by the language's defaults, or chosen by
lifetime.

A tensor takes the same offset in every memory instance it touches. Where offsets are chosen here,
a tensor gets the lowest place that is free from the layer that writes it to the last one that
reads it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from max78000.chip import Chip
from synthesis.description import BUFFER, INPUT, DataFormat
from synthesis.ir import Graph, Layer
from synthesis.place.hardware import hardware_form, pixels_read
from synthesis.place.placed import INSTANCE_PROCESSORS, N_PROCESSORS, Passes
from synthesis.place.processors import Maps, is_explicit

WORD_BYTES = 4
NO_RINGS: Mapping[int, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Offsets:
    """Where a layer reads and writes, in bytes inside every instance."""

    in_offset: int
    out_offset: int


@dataclass(frozen=True, slots=True)
class Extent:
    """A tensor in data memory. `first` and `last` are the layers between which it is alive.

    `lead_bytes` before `offset` are written as well, with nothing of use.
    """

    source: int  # layer that writes it, -1 for the network input
    processors: int
    offset: int
    size_bytes: int
    lead_bytes: int
    first: int
    last: int

    @property
    def instances(self) -> frozenset[int]:
        """Memory instances that the tensor touches."""
        n = N_PROCESSORS // INSTANCE_PROCESSORS
        return frozenset(i for i in range(n) if self.processors >> (INSTANCE_PROCESSORS * i) & 0xF)

    @property
    def start(self) -> int:
        """First byte that is written."""
        return self.offset - self.lead_bytes

    @property
    def end(self) -> int:
        """The byte after the last one."""
        return self.offset + self.size_bytes

    def clashes(self, other: "Extent") -> bool:
        """True if both are alive at once in the same bytes."""
        together = self.first <= other.last and other.first <= self.last
        overlap = self.start < other.end and other.start < self.end
        return together and overlap and bool(self.instances & other.instances)


def place_data(
    graph: Graph, maps: Sequence[Maps], chip: Chip, rings: Mapping[int, int] = NO_RINGS
) -> tuple[Offsets, ...]:
    """Offsets of every layer; what does not fit is left to the capacity rules, past the end.

    Args:
        graph: what is given is kept.
        maps: processors of every layer.
        chip: size of a data memory.
        rings: bytes of those tensors that only pass through a ring, by the layer that writes them.
    """
    if is_explicit(graph):
        return _given_offsets(graph)
    extents: dict[int, Extent] = {}
    kept = () if graph.buffer is None else (BUFFER,)
    for source in (*kept, INPUT, *(layer.index for layer in graph.layers)):
        anywhere = extent_of(graph, source, maps, rings)
        extents[source] = _place(anywhere, _given(source, graph), list(extents.values()), chip)
    return tuple(
        Offsets(
            _wish(layer.wishes.in_offset, extents[layer.sources[0]].offset + cropped_bytes(layer)),
            extents[layer.index].offset,
        )
        for layer in graph.layers
    )


def tensor_bytes(graph: Graph, source: int, data_format: DataFormat) -> int:
    """Bytes that a tensor takes in each instance; the network input counts all operands.

    A layer that runs on a folded image writes, and reads, some words more than there are.
    """
    n_read = max((pixels_read(reader) for reader in graph.consumers(source)), default=0)
    if source == BUFFER and graph.buffer is not None:
        shape = graph.buffer.shape
        return shape.n_pixels * Passes.of(shape.channels).n * WORD_BYTES
    if source == INPUT:
        first = graph.layers[0]
        passes = Passes.of(first.in_shape.channels).n
        n_pixels = max(graph.input_shape.n_pixels, n_read)
        if data_format is DataFormat.CHW:
            return -(-n_pixels // WORD_BYTES) * WORD_BYTES
        return n_pixels * passes * first.operands * WORD_BYTES
    layer = graph.layers[source]
    gap = layer.wishes.write_gap or 0
    passes = Passes.of(layer.out_shape.channels).n
    n_pixels = max(layer.out_shape.n_pixels + hardware_form(layer).extra_pixels, n_read)
    return n_pixels * passes * WORD_BYTES * (layer.output_width // 8) * (gap + 1)


def lifetime(graph: Graph, source: int) -> tuple[int, int]:
    """First and last layer during which a tensor has to stay; outputs stay to the end.

    The layers of a streaming group run at the same time; the rolling buffer stays for ever.
    """
    if source == BUFFER:
        return INPUT, len(graph.layers)
    last = max((layer.index for layer in graph.consumers(source)), default=source)
    if source != INPUT and graph.layers[source] in graph.outputs:
        last = len(graph.layers)
    if source < graph.n_streaming:
        return min(source, 0), max(last, graph.n_streaming - 1)
    return source, last


def extent_of(graph: Graph, source: int, maps: Sequence[Maps], rings: Mapping[int, int]) -> Extent:
    """A tensor's size and lifetime, at its lowest offset."""
    data_format = graph.layers[0].wishes.data_format or DataFormat.HWC
    size = rings.get(source) or tensor_bytes(graph, source, data_format)
    if source == BUFFER and graph.buffer is not None:
        return Extent(source, graph.buffer.processors, 0, size, 0, *lifetime(graph, source))
    processors = maps[0].processors if source == INPUT else maps[source].output_processors
    lead = 0 if source == INPUT else hardware_form(graph.layers[source]).lead_bytes
    return Extent(source, processors, lead, size, lead, *lifetime(graph, source))


def cropped_bytes(layer: Layer) -> int:
    """Bytes of the rows that a layer does not read at the start of its input."""
    words = Passes.of(layer.in_shape.channels).n * layer.operands
    return WORD_BYTES * words * layer.in_crop[0] * layer.in_shape.columns


def _wish(given: int | None, otherwise: int) -> int:
    return otherwise if given is None else given


def _given_offsets(graph: Graph) -> tuple[Offsets, ...]:
    offsets: list[Offsets] = []
    for layer in graph.layers:
        before = offsets[-1].out_offset if offsets else 0
        out_offset = _wish(layer.wishes.out_offset, 0)
        offsets.append(Offsets(_wish(layer.wishes.in_offset, before), out_offset))
    return tuple(offsets)


def _place(tensor: Extent, given: int | None, done: Sequence[Extent], chip: Chip) -> Extent:
    """The tensor at the given offset, or at the lowest where nothing is in its way."""
    if given is not None:
        return replace(tensor, offset=given)
    candidates = sorted(tensor.lead_bytes + end for end in {0, *(other.end for other in done)})
    extents = (replace(tensor, offset=offset) for offset in candidates)
    free = [e for e in extents if not any(e.clashes(other) for other in done)]
    fitting = [e for e in free if e.end <= chip.data_instance_bytes]
    return (fitting or free)[0]


def _given(source: int, graph: Graph) -> int | None:
    if source == BUFFER and graph.buffer is not None:
        return graph.buffer.offset
    if source == INPUT:
        return graph.layers[0].wishes.in_offset
    layer: Layer = graph.layers[source]
    return layer.wishes.out_offset
