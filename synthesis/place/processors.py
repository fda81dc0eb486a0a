"""Processor maps: as given, by the language's defaults, or chosen here.

A tensor lives on the processors that read it, so the choice is one map per tensor. A description
that gives `processors` for every layer is the vendor's language to the letter: there a missing
`output_processors` means the next layer's `processors`, whoever reads the tensor.
"""

from dataclasses import dataclass

from max78000.chip import Chip
from max78000.errors import UnsupportedError
from synthesis.description import BUFFER, INPUT, DataFormat
from synthesis.ir import Graph, Layer
from synthesis.place.fifo import CHW_PROCESSORS, HWC_PROCESSORS
from synthesis.place.placed import (
    INSTANCE_PROCESSORS,
    N_PROCESSORS,
    QUADRANT_PROCESSORS,
    Passes,
    lowest,
    members,
    quadrant_map,
)


@dataclass(frozen=True, slots=True)
class Maps:
    """Input and output map of one layer."""

    processors: int
    output_processors: int


def is_explicit(graph: Graph) -> bool:
    """True if the description places every layer itself."""
    return all(layer.wishes.processors is not None for layer in graph.layers)


def place_processors(graph: Graph, chip: Chip) -> tuple[Maps, ...]:
    """Maps of every layer.

    Raises:
        UnsupportedError: a join of several tensors without given processors.
    """
    chooser = _Chooser(graph, chip)
    inputs = [chooser.input_map(layer) for layer in graph.layers]
    return tuple(
        Maps(inputs[layer.index], _output_map(layer, graph, inputs)) for layer in graph.layers
    )


def packed_map(n_processors: int, first: int = 0) -> int:
    """A run of neighbouring processors."""
    return ((1 << n_processors) - 1) << first


def passed_map(processors: int) -> int:
    """Where a pass-through layer leaves its channels: packed in each quadrant, from lane 0 on."""
    quadrants = (quadrant_map(processors, q) for q in range(N_PROCESSORS // QUADRANT_PROCESSORS))
    return sum(
        packed_map(part.bit_count(), lowest(part) & -INSTANCE_PROCESSORS)
        << (QUADRANT_PROCESSORS * quadrant)
        for quadrant, part in enumerate(quadrants)
        if part
    )


class _Chooser:
    """Deals out processors in layer order, lowest first, as long as kernel memory has room
    there.
    """

    def __init__(self, graph: Graph, chip: Chip) -> None:
        self.graph = graph
        self.chip = chip
        self.tensor_maps: dict[int, int] = {}
        self.used_words = [0] * N_PROCESSORS
        self.input_maps: list[int] = []  # of the layers so far

    def input_map(self, layer: Layer) -> int:
        processors = layer.wishes.processors or self._tensor_map(layer)
        for p in range(N_PROCESSORS):
            if processors >> p & 1:
                self.used_words[p] += _words(layer)
        self.input_maps.append(processors)
        return processors

    def _tensor_map(self, layer: Layer) -> int:
        if len(layer.sources) != 1:
            raise UnsupportedError(
                "processors are needed for a layer that joins several tensors",
                layer.where,
                "give processors here and output_processors at its producers",
                "P1",
            )
        source = layer.sources[0]
        if source == BUFFER and self.graph.buffer is not None:
            return self.graph.buffer.processors
        given = None if source == INPUT else self.graph.layers[source].wishes.output_processors
        if source not in self.tensor_maps:
            wanted = given or self._wish_of_readers(source) or self._passed_map(source)
            self.tensor_maps[source] = wanted or self._choose(layer)
        return self.tensor_maps[source]

    def _passed_map(self, source: int) -> int | None:
        """Where a pass-through layer leaves its channels; None for other tensors."""
        if source == INPUT or self.graph.layers[source].kernel is not None:
            return None
        return passed_map(self.input_maps[source])

    def _wish_of_readers(self, source: int) -> int | None:
        readers = self.graph.consumers(source)
        return next((r.wishes.processors for r in readers if r.wishes.processors), None)

    def _choose(self, layer: Layer) -> int:
        width = Passes.of(layer.in_shape.channels).width
        image_map = _image_map(layer, width, uses_fifo=self.graph.uses_fifo)
        if image_map is not None:
            return image_map
        readers = self.graph.consumers(layer.sources[0])
        needed = sum(_words(reader) for reader in readers)
        for first in range(0, N_PROCESSORS - width + 1, INSTANCE_PROCESSORS):
            busiest = max(self.used_words[first : first + width])
            if busiest + needed <= self.chip.kernel_words:
                return packed_map(width, first)
        return packed_map(width)


def _image_map(layer: Layer, width: int, *, uses_fifo: bool) -> int | None:
    """Where a CHW image, or one from the FIFOs, has to lie; None where any run of processors does.

    Also None if there are too few of these processors, which rules P5 and S8 then refuse.
    """
    is_chw = layer.wishes.data_format is DataFormat.CHW
    if layer.sources != (INPUT,) or not (is_chw or uses_fifo):
        return None
    if uses_fifo:
        reachable = CHW_PROCESSORS if is_chw else HWC_PROCESSORS
    else:
        reachable = sum(1 << p for p in range(0, N_PROCESSORS, INSTANCE_PROCESSORS))
    processors = members(reachable)[:width]
    return sum(1 << p for p in processors) if len(processors) == width else None


def _words(layer: Layer) -> int:
    """Kernel words a layer takes in each of its processors, from shapes alone."""
    if layer.kernel is None:
        return 0
    weights = layer.kernel.weights_oihw
    per_processor = weights.size * layer.kernel.bits // Passes.of(layer.in_shape.channels).width
    return -(-per_processor // 72) + INSTANCE_PROCESSORS - 1


def _output_map(layer: Layer, graph: Graph, inputs: list[int]) -> int:
    is_last = layer is graph.layers[-1]
    packed = packed_map(Passes.of(layer.out_shape.channels).width)
    if layer.kernel is None:
        packed = passed_map(inputs[layer.index])
    if is_last:
        return graph.output_map or layer.wishes.output_processors or packed
    if layer.wishes.output_processors:
        return layer.wishes.output_processors
    if is_explicit(graph):
        return inputs[layer.index + 1]
    readers = graph.consumers(layer.index)
    return inputs[readers[0].index] if readers else packed
