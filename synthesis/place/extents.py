"""What every tensor takes in data memory, and for how long; places are chosen elsewhere.

A tensor takes the same bytes in every memory instance it touches.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from max78000.facts.chip import WORD_BYTES, Chip
from max78000.facts.fixed import DATA_BITS
from synthesis.graph.ir import BUFFER, INPUT, Graph, Layer, Producer
from synthesis.lower.hardware import Passes, hardware_form, pixels_read
from synthesis.place.placed import instances_of
from synthesis.read.description import DataFormat

NO_RINGS: Mapping[Producer, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Extent:
    """A tensor in data memory. `first` and `last` are the steps between which it is alive.

    `instances` are the memories that its processors touch, a bit each. `lead_bytes` before `offset`
    are written as well, with nothing of use.
    """

    source: Producer
    processors: int
    instances: int
    offset: int
    size_bytes: int
    lead_bytes: int
    first: int
    last: int

    @property
    def start(self) -> int:
        """First byte that is written."""
        return self.offset - self.lead_bytes

    @property
    def end(self) -> int:
        """The byte after the last one."""
        return self.offset + self.size_bytes

    def at(self, offset: int) -> "Extent":
        """The same tensor at another offset."""
        return replace(self, offset=offset)

    def on(self, processors: int, chip: Chip) -> "Extent":
        """The same tensor on other processors."""
        instances = sum(1 << instance for instance in instances_of(processors, chip))
        return replace(self, processors=processors, instances=instances)

    def clashes(self, other: "Extent") -> bool:
        """True if both are alive at once in the same bytes."""
        together = self.first <= other.last and other.first <= self.last
        overlap = self.start < other.end and other.start < self.end
        return together and overlap and bool(self.instances & other.instances)


def extents_of(
    graph: Graph, chip: Chip, rings: Mapping[Producer, int] = NO_RINGS
) -> dict[Producer, Extent]:
    """Every tensor's size and lifetime: the rolling buffer, the input, then the layers' results.

    Args:
        graph: arranged, so that gaps are known.
        chip: processors, hence passes.
        rings: bytes of those tensors that only pass through a ring, by their producers.
    """
    return {source: _extent(graph, source, chip, rings) for source in graph.producers}


def tensor_bytes(graph: Graph, source: Producer, chip: Chip) -> int:
    """Bytes that a tensor takes in each instance, first word to last; of the network input those of
    all operands.

    A layer that runs on a folded image writes, and reads, some words more than there are.
    """
    n_read = max((pixels_read(reader, chip) for reader in graph.consumers(source)), default=0)
    if source == BUFFER:
        shape = graph.shape_of(source)
        return shape.n_pixels * Passes.of(shape.channels, chip).n * WORD_BYTES
    layer = graph.layer_of(source)
    if layer is None:
        return _input_bytes(graph, n_read, chip)
    step = (layer.constraints.write_gap or 0) + 1
    n_pixels = max(layer.out_shape.n_pixels + hardware_form(layer, chip).extra_pixels, n_read)
    n_groups = n_pixels * Passes.of(layer.out_shape.channels, chip).n
    return ((n_groups - 1) * step + 1) * WORD_BYTES * (layer.output_width // DATA_BITS)


def lifetime(graph: Graph, source: Producer) -> tuple[int, int]:
    """First and last step at which a tensor has to stay; outputs stay to the end.

    The layers of a streaming group run at the same time; the rolling buffer stays for ever.
    """
    if source == BUFFER:
        return INPUT.step, len(graph.layers)
    first = source.step
    last = max((reader.index for reader in graph.consumers(source)), default=first)
    if graph.layer_of(source) in graph.outputs:
        last = len(graph.layers)
    if first < graph.n_streaming:
        return min(first, 0), max(last, graph.n_streaming - 1)
    return first, last


def cropped_bytes(layer: Layer, chip: Chip) -> int:
    """Bytes of the rows that a layer does not read at the start of its input."""
    words = Passes.of(layer.in_shape.channels, chip).n * layer.operands
    return WORD_BYTES * words * layer.in_crop[0] * layer.in_shape.columns


def _extent(graph: Graph, source: Producer, chip: Chip, rings: Mapping[Producer, int]) -> Extent:
    size = rings.get(source) or tensor_bytes(graph, source, chip)
    layer = graph.layer_of(source)
    lead = 0 if layer is None else hardware_form(layer, chip).lead_bytes
    first, last = lifetime(graph, source)
    return Extent(
        source=source,
        processors=0,
        instances=0,
        offset=lead,
        size_bytes=size,
        lead_bytes=lead,
        first=first,
        last=last,
    )


def _input_bytes(graph: Graph, n_read: int, chip: Chip) -> int:
    first = graph.layers[0]
    n_pixels = max(graph.input_shape.n_pixels, n_read)
    if first.constraints.data_format is DataFormat.CHW:
        return -(-n_pixels // WORD_BYTES) * WORD_BYTES
    return n_pixels * Passes.of(first.in_shape.channels, chip).n * first.operands * WORD_BYTES
