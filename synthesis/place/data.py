"""Data memory: byte offsets of every tensor, as given, by the language's defaults, or chosen by
lifetime.

Where offsets are chosen, a tensor gets the lowest place that is free from the layer that writes it
to the last one that reads it. Tensors of a join move together: see `joins`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from max78000.facts.chip import WORD_BYTES, Chip
from synthesis.graph.ir import BUFFER, Graph, Producer
from synthesis.place.extents import Extent, cropped_bytes
from synthesis.place.joins import offsets_of_parts
from synthesis.place.slide import slide_bytes
from synthesis.place.tied import Tied


@dataclass(frozen=True, slots=True)
class Offsets:
    """Where a layer reads and writes, in bytes inside every instance."""

    in_offset: int
    out_offset: int


@dataclass(frozen=True, slots=True)
class Block:
    """Tensors that move together: `shifts` from the block's offset; `given` if it cannot move."""

    shifts: Mapping[Producer, int]
    given: int | None


def given_offsets(graph: Graph) -> tuple[Offsets, ...]:
    """Offsets of a description that places every layer: what is missing has its default."""
    offsets: list[Offsets] = []
    for layer in graph.layers:
        before = offsets[-1].out_offset if offsets else 0
        out_offset = _given_or(layer.constraints.out_offset, 0)
        offsets.append(Offsets(_given_or(layer.constraints.in_offset, before), out_offset))
    return tuple(offsets)


def chosen_offsets(
    graph: Graph, extents: Mapping[Producer, Extent], chip: Chip
) -> tuple[Offsets, ...]:
    """Offsets of layers whose tensors are placed."""
    offsets: list[Offsets] = []
    for layer in graph.layers:
        first_read = extents[layer.sources[0]].offset + cropped_bytes(layer, chip)
        in_offset = _given_or(layer.constraints.in_offset, first_read)
        offsets.append(Offsets(in_offset, extents[layer.as_producer].offset))
    return tuple(offsets)


def blocks_of(graph: Graph, chip: Chip) -> tuple[Block, ...]:
    """Tensors whose offsets hang together, in the order of the first ones."""
    tied = Tied(graph.producers)
    for layer in graph.layers:
        for source, shift in zip(layer.sources, offsets_of_parts(layer, graph, chip), strict=True):
            tied.tie(layer.sources[0], source, shift)  # where it cannot be, rule D9 looks
    groups = sorted(tied.groups(), key=min)
    return tuple(Block(shifts, _given_offset(graph, shifts, chip)) for shifts in groups)


class DataAllocator:
    """Tensors in their places, one after the other.

    Args:
        graph: arranged.
        chip: size of an instance, number of processors.
        may_slide: layers may write over their own input where that is safe.
    """

    def __init__(self, graph: Graph, chip: Chip, *, may_slide: bool) -> None:
        self.size_bytes = chip.data_instance_bytes
        slides = ((layer, slide_bytes(layer, chip)) for layer in graph.layers if may_slide)
        # A layer's result may clash with its input if it starts so much before it.
        self.slides = {
            (layer.sources[0], layer.as_producer): slide
            for layer, slide in slides
            if slide is not None
        }
        self.placed: list[Extent] = []

    def places(self, block: Block, tensors: Sequence[Extent]) -> Iterator[list[Extent]]:
        """All ways to place a block, lowest first; those past the end of the memory come last.

        Args:
            block: how the tensors hang together.
            tensors: the block's tensors on their processors, at any offset.
        """
        if block.given is not None:
            yield [tensor.at(block.given + block.shifts[tensor.source]) for tensor in tensors]
            return
        late = []
        lead = max(tensor.lead_bytes - block.shifts[tensor.source] for tensor in tensors)
        for base in sorted({max(lead, 0), *self._ends(block, tensors)}):
            moved = [tensor.at(base + block.shifts[tensor.source]) for tensor in tensors]
            if any(self._clash(tensor) for tensor in moved):
                continue
            if max(tensor.end for tensor in moved) <= self.size_bytes:
                yield moved
            else:
                late.append(moved)
        yield from late

    def fits(self, tensors: Sequence[Extent]) -> bool:
        """True if these tensors lie inside the memory."""
        return all(tensor.end <= self.size_bytes for tensor in tensors)

    def _ends(self, block: Block, tensors: Sequence[Extent]) -> Iterator[int]:
        """Offsets at which some tensor of the block begins right behind one that is placed."""
        for other in self.placed:
            for tensor in tensors:
                base = other.end + tensor.lead_bytes - block.shifts[tensor.source]
                if base >= 0:
                    yield base
                slide = self.slides.get((other.source, tensor.source))
                if slide is not None and other.offset - slide >= block.shifts[tensor.source]:
                    yield (other.offset - slide - block.shifts[tensor.source]) & -WORD_BYTES

    def _clash(self, tensor: Extent) -> bool:
        return any(
            tensor.clashes(other) and not self._slides(tensor, other) for other in self.placed
        )

    def _slides(self, one: Extent, other: Extent) -> bool:
        """True if one is written over the other while it is read, and nobody else needs it."""
        for read, written in ((one, other), (other, one)):
            slide = self.slides.get((read.source, written.source))
            is_last = read.last == written.first
            if slide is not None and is_last and written.offset + slide <= read.offset:
                return True
        return False


def _given_offset(graph: Graph, shifts: Mapping[Producer, int], chip: Chip) -> int | None:
    """The offset that the description, or the rolling buffer, fixes for a block."""
    for source, shift in shifts.items():
        given = _given(graph, source)
        if given is not None:
            return given - shift
    for source, shift in shifts.items():
        for reader in graph.consumers(source):
            given = reader.constraints.in_offset
            if given is not None and reader.sources[0] == source and not reader.buffer_shift:
                return given - cropped_bytes(reader, chip) - shift
    return None


def _given(graph: Graph, source: Producer) -> int | None:
    if source == BUFFER and graph.buffer is not None:
        return graph.buffer.offset
    layer = graph.layer_of(source)
    return None if layer is None else layer.constraints.out_offset


def _given_or(given: int | None, otherwise: int) -> int:
    return otherwise if given is None else given
