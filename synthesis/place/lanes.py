"""Which tensors' processors hang together, and the maps that a choice of lanes gives them.

Tensors that meet in a join, and what passes through a layer without weights, cannot move alone: a
`Unit` is a set of tensors that move together. Tensors lie on neighbouring processors from a
multiple of four on, unless the description, a CHW image or a FIFO says otherwise.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from max78000.facts.chip import Chip
from synthesis.graph.ir import BUFFER, INPUT, Graph, Layer, Producer
from synthesis.lower.hardware import Passes
from synthesis.place.joins import Join, join_of, lanes_of_parts, width_of
from synthesis.place.placed import lowest, members, packed_map, quadrant_map
from synthesis.place.processors import image_map, passed_map
from synthesis.place.tied import Tied


@dataclass(frozen=True, slots=True)
class Choice:
    """Where a unit lies: its first lane, or spread evenly over all quadrants."""

    start: int = 0
    is_spread: bool = False


@dataclass(frozen=True, slots=True)
class Unit:
    """Tensors that move together: `lanes` from the unit's start, `widths` in processors.

    `given` holds maps that are not to be chosen. `can_spread`: no convolution writes any of them,
    and some layer passes them on; such a layer is quicker the fewer channels a quadrant has.
    """

    lanes: Mapping[Producer, int]
    widths: Mapping[Producer, int]
    given: Mapping[Producer, int]
    can_spread: bool

    @property
    def first(self) -> Producer:
        """The tensor that is written first."""
        return min(self.lanes)

    def choices(self, chip: Chip) -> tuple[Choice, ...]:
        """All places of the unit."""
        if self.given:
            source = min(self.given)
            return (Choice(lowest(self.given[source]) - self.lanes[source]),)
        span = max(lane + self.widths[source] for source, lane in self.lanes.items())
        starts = range(0, max(chip.n_processors - span, 0) + 1, chip.processors_per_instance)
        spread = (Choice(is_spread=True),) if self.can_spread else ()
        return (*spread, *map(Choice, starts))

    def map_of(self, source: Producer, choice: Choice, chip: Chip) -> int:
        """A tensor's processors."""
        if source in self.given:
            return self.given[source]
        if choice.is_spread:
            return spread_map(self.widths[source], chip)
        width, first = self.widths[source], choice.start + self.lanes[source]
        # Given maps can leave no room beside them; rules P8 and P9 then say so.
        return packed_map(width, min(max(first, 0), chip.n_processors - width))


def units_of(graph: Graph, chip: Chip) -> tuple[Unit, ...]:
    """The units of an arranged graph, in the order of their first tensors."""
    given = dict(_given_maps(graph, chip))
    tied = Tied(graph.producers)
    for layer in graph.layers:
        for source, lane in zip(layer.sources, lanes_of_parts(layer, graph, chip), strict=True):
            tied.tie(layer.sources[0], source, lane)
        if passes_on(layer) and not given.keys() & set(layer.sources):
            tied.tie(layer.sources[0], layer.as_producer, 0)  # where it cannot be, rule P6 looks
    return tuple(
        _unit(graph, lanes, {source: given[source] for source in lanes if source in given}, chip)
        for lanes in sorted(tied.groups(), key=min)
    )


def passes_on(layer: Layer) -> bool:
    """True for layers without weights: each quadrant keeps its channels, packed."""
    return layer.kernel is None


def input_map(layer: Layer, maps: Mapping[Producer, int]) -> int:
    """Processors that a layer reads: those of its tensors together."""
    processors = layer.constraints.processors or 0
    if not processors:
        for source in layer.sources:
            processors |= maps[source]
    return processors


def words_per_quadrant(processors: int, chip: Chip) -> int:
    """Data memory words of one pixel in the quadrant that has most of a map's processors."""
    maps = (quadrant_map(processors, q, chip) for q in range(chip.n_quadrants))
    return max(-(-m.bit_count() // chip.processors_per_instance) for m in maps)


def spread_map(n_processors: int, chip: Chip) -> int:
    """As many neighbouring processors in every quadrant as all quadrants need, in whole data
    memories.
    """
    step = chip.processors_per_instance
    share = -(-n_processors // (chip.n_quadrants * step)) * step
    processors, left = 0, n_processors
    for quadrant in range(chip.n_quadrants):
        processors |= packed_map(min(share, left), chip.processors_per_quadrant * quadrant)
        left -= min(share, left)
    return processors


def _unit(
    graph: Graph, lanes: Mapping[Producer, int], given: Mapping[Producer, int], chip: Chip
) -> Unit:
    widths = {source: width_of(graph, source, chip) for source in lanes}
    is_free = not given and not any(lanes.values())
    writers = filter(None, map(graph.layer_of, lanes))
    readers = [reader for source in lanes for reader in graph.consumers(source)]
    can_spread = is_free and all(map(passes_on, writers)) and any(map(passes_on, readers))
    return Unit(lanes=lanes, widths=widths, given=given, can_spread=can_spread)


def _given_maps(graph: Graph, chip: Chip) -> Iterator[tuple[Producer, int]]:
    """Maps that the description, the kind of input or the rolling buffer fixes."""
    first = graph.layers[0]
    width = Passes.of(first.in_shape.channels, chip).width
    image = image_map(first, width, chip, uses_fifo=graph.input_path.is_fifo)
    if image is not None:
        yield INPUT, image
    for layer in graph.layers:
        if layer.constraints.processors is not None:
            yield from _given_parts(layer, layer.constraints.processors, graph, chip)
    for layer in graph.layers:
        if layer.constraints.output_processors is not None:
            yield layer.as_producer, layer.constraints.output_processors
    if graph.output_map is not None:
        yield graph.layers[-1].as_producer, graph.output_map
    if graph.buffer is not None:
        yield BUFFER, graph.buffer.processors


def _given_parts(
    layer: Layer, processors: int, graph: Graph, chip: Chip
) -> Iterator[tuple[Producer, int]]:
    """The processors of a reader, dealt out to what it reads."""
    if join_of(layer, graph, chip) is not Join.LANES:
        yield from ((source, processors) for source in layer.sources)
        return
    left = list(members(processors))
    for source in layer.sources:
        width = width_of(graph, source, chip)
        yield source, sum(1 << p for p in left[:width])
        left = left[width:]


def derived_map(layer: Layer, processors: int, chosen: int, chip: Chip) -> int:
    """Where a pass-through layer leaves what it read from these processors.

    That is `chosen` if the two agree up to their places inside the quadrants.
    """
    passed = passed_map(processors, chip)
    is_given = layer.constraints.output_processors is not None
    agrees = all(
        quadrant_map(passed, q, chip).bit_count() == quadrant_map(chosen, q, chip).bit_count()
        for q in range(chip.n_quadrants)
    )
    return chosen if is_given or agrees else passed
