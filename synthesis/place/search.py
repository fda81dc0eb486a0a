"""The placement solver: processors and offsets for every tensor that the description leaves open.

Units of tensors are placed one after the other, in the order in which they are written: first a
choice of lanes, then the lowest free offsets on them; where nothing is free the search goes back.
What decides, in this order: everything fits, fewest cycles, kernel memories filled evenly, lowest
processors. Cycles depend on lanes in two ways only, and both are settled before the search: output
channels that lie without holes, and pass-through layers whose channels are spread over the
quadrants.

If nothing fits, the last attempt stands as it is and the capacity rules say what is missing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from math import prod

from max78000.facts.chip import Chip
from synthesis.graph.ir import INPUT, Graph, Producer
from synthesis.place.balance import KernelLoad, balanced_choices, weight_bytes
from synthesis.place.data import Block, DataAllocator, blocks_of
from synthesis.place.extents import Extent, extents_of
from synthesis.place.fits import memories_fit, on_maps
from synthesis.place.lanes import (
    Choice,
    Unit,
    derived_map,
    input_map,
    passes_on,
    units_of,
    words_per_quadrant,
)
from synthesis.place.placed import PlacedGraph, PlacedLayer
from synthesis.place.stream import ring_bytes
from synthesis.place.weights import kernel_places
from synthesis.read.description import DataFormat

MAX_STEPS = 1500  # tries of a place for a unit, in one attempt
FEW_CYCLES = 256  # not worth another place
EMPTY_SHARE = 16  # a kernel memory filled to this part is not worth evening out
MAX_CHIP_TESTS = 40  # complete placements whose kernel memory is looked at, in one attempt


class Order(Enum):
    """Which choice of lanes is tried first."""

    LOWEST = "the lowest processors"
    EVEN = "where the fullest kernel memory stays emptiest, the lowest of several"
    EVEN_FROM_ABOVE = "the highest of several"


@dataclass(frozen=True, slots=True)
class Solution:
    """Every tensor in its place: on its processors, at its offset."""

    graph: Graph
    tensors: Mapping[Producer, Extent]

    def maps(self) -> dict[Producer, int]:
        """Processors of every tensor."""
        return {source: extent.processors for source, extent in self.tensors.items()}


def solve(graph: Graph, chip: Chip) -> Solution:
    """Place every tensor.

    Args:
        graph: arranged; what it gives is kept.
        chip: processors, and sizes of the memories.
    """
    attempts = [_Attempt(variant, chip) for variant in _variants(graph, chip)]
    if weight_bytes(graph) > chip.weight_bytes:
        return attempts[0].give_up()
    for may_slide in (False, True):
        for attempt in attempts:
            found = attempt.best(may_slide=may_slide)
            if found is not None:
                return found
    return attempts[0].give_up()


def _variants(graph: Graph, chip: Chip) -> Iterator[Graph]:
    """The graph, and again with the picture in the layout that takes a quarter of the room."""
    yield graph
    first = graph.layers[0]
    is_open = first.constraints.data_format is None and not graph.input_path.is_fifo
    is_read_once = graph.consumers(INPUT) == (first,) and first.sources == (INPUT,)
    is_stream = first.operands == 1 and not first.flatten
    if is_open and is_read_once and is_stream and first.in_shape.channels <= chip.n_instances:
        constraints = replace(first.constraints, data_format=DataFormat.CHW)
        yield replace(graph, layers=(replace(first, constraints=constraints), *graph.layers[1:]))


def _lane_cycles(placed: PlacedLayer, kernel_start: int) -> int:
    """Cycles of a layer that depend on its lanes.

    A pass-through layer writes a word for every four channels of a quadrant; a layer that combines
    operands before it pools them counts up to its first kernel word at every border.
    """
    layer = placed.layer
    if passes_on(layer):
        n_words = words_per_quadrant(placed.processors, placed.chip)
        return prod(layer.pooled) * placed.in_passes.n * n_words
    is_preloading = not layer.pool_first and layer.operands > 1
    return kernel_start * (sum(layer.pooled) - 1) if is_preloading else 0


class _Attempt:
    """What all attempts on one graph share."""

    def __init__(self, graph: Graph, chip: Chip) -> None:
        self.graph = graph
        self.chip = chip
        self.units = units_of(graph, chip)
        self.blocks = blocks_of(graph, chip)
        nowhere = dict.fromkeys(graph.producers, 0)
        rings = ring_bytes(PlacedGraph(graph, on_maps(graph, nowhere, chip)))
        self.extents = extents_of(graph, chip, rings)

    def best(self, *, may_slide: bool) -> Solution | None:
        """Lowest processors first, or balanced, if that is quicker or fills memories less."""
        runs = (self.run(may_slide=may_slide, order=order) for order in Order)
        found = [solution for solution in runs if solution is not None]
        return min(found, key=self._cost, default=None)

    def _cost(self, solution: Solution) -> tuple[int, int]:
        """Cycles that depend on lanes, and the last kernel word in use.

        What differs by less than anybody would notice counts as equal.
        """
        layers = on_maps(solution.graph, solution.maps(), self.chip)
        places = kernel_places(layers, self.chip)
        cycles = sum(
            _lane_cycles(placed, places.starts.get(placed.layer.index, 0)) for placed in layers
        )
        return cycles // FEW_CYCLES, max(places.end, self.chip.kernel_words // EMPTY_SHARE)

    def run(self, *, may_slide: bool, order: Order) -> Solution | None:
        """Search within the limits; None if nothing was found."""
        return next(self._search(order, may_slide=may_slide).solutions(), None)

    def give_up(self) -> Solution:
        """A place for everything, whether it fits or not."""
        search = self._search(Order.EVEN, may_slide=False)
        search.is_strict = False
        return next(search.solutions())

    def _search(self, order: Order, *, may_slide: bool) -> "_Search":
        wanted: Mapping[Producer, Choice] = {}
        if order is not Order.LOWEST:
            is_from_above = order is Order.EVEN_FROM_ABOVE
            wanted = balanced_choices(
                self.graph, self.units, self.chip, is_from_above=is_from_above
            )
        memory = DataAllocator(self.graph, self.chip, may_slide=may_slide)
        return _Search(self, memory, wanted)

    def blocks_in(self, unit: Unit) -> list[Block]:
        """The blocks whose first tensor belongs to a unit."""
        return [block for block in self.blocks if min(block.shifts) in unit.lanes]


class _Search:
    """Depth first, unit by unit; `wanted` choices are tried first."""

    def __init__(
        self, attempt: _Attempt, memory: DataAllocator, wanted: Mapping[Producer, Choice]
    ) -> None:
        self.attempt = attempt
        self.chip = attempt.chip
        self.memory = memory
        self.wanted = wanted
        self.is_strict = True
        self.maps: dict[Producer, int] = {}
        self.load = KernelLoad(attempt.graph, attempt.chip)
        self.n_steps = 0
        self.n_tests = 0

    def solutions(self, depth: int = 0) -> Iterator[Solution]:
        """Everything that fits, best first, until the limits are reached."""
        units = self.attempt.units
        if depth == len(units):
            solution = Solution(
                self.attempt.graph, {tensor.source: tensor for tensor in self.memory.placed}
            )
            self.n_tests += 1
            if not self.is_strict or memories_fit(solution.graph, self.maps, self.chip):
                yield solution
            return
        unit = units[depth]
        for choice in self._ordered(unit):
            if self.is_strict and (self.n_steps > MAX_STEPS or self.n_tests > MAX_CHIP_TESTS):
                return
            self.n_steps += 1
            yield from self._with(unit, choice, depth)

    def _with(self, unit: Unit, choice: Choice, depth: int) -> Iterator[Solution]:
        """What follows from a choice; everything is as before when it returns."""
        before = len(self.memory.placed)
        for source in unit.lanes:
            self.maps[source] = self._map_of(unit, source, choice)
        readers = self.load.add(unit, self.maps)
        if self._place(self.attempt.blocks_in(unit)):
            yield from self.solutions(depth + 1)
        self.load.remove(readers)
        del self.memory.placed[before:]
        for source in unit.lanes:
            del self.maps[source]

    def _map_of(self, unit: Unit, source: Producer, choice: Choice) -> int:
        chosen = unit.map_of(source, choice, self.chip)
        layer = self.attempt.graph.layer_of(source)
        if layer is None or not passes_on(layer):
            return chosen
        if any(s not in self.maps and s not in unit.lanes for s in layer.sources):
            return chosen
        maps = {s: self.maps.get(s) or unit.map_of(s, choice, self.chip) for s in layer.sources}
        return derived_map(layer, input_map(layer, maps), chosen, self.chip)

    def _place(self, blocks: Sequence[Block]) -> bool:
        for block in blocks:
            extents = self.attempt.extents
            tensors = [extents[source].on(self.maps[source], self.chip) for source in block.shifts]
            place = next(self.memory.places(block, tensors), None)
            if place is None or (self.is_strict and not self._is_good(block, place)):
                return False
            self.memory.placed += place
        return True

    def _is_good(self, block: Block, place: Sequence[Extent]) -> bool:
        return block.given is not None or self.memory.fits(place)

    def _ordered(self, unit: Unit) -> list[Choice]:
        """Choices, best first: the wanted one, those with room for the kernels, the lowest."""
        maps = {
            choice: {source: unit.map_of(source, choice, self.chip) for source in unit.lanes}
            for choice in unit.choices(self.chip)
        }
        limit = self.chip.kernel_words
        wanted = self.wanted.get(unit.first)
        return sorted(
            maps,
            key=lambda choice: (
                choice != wanted,
                not choice.is_spread,
                self.load.busiest(unit, maps[choice]) > limit,
                choice.start,
            ),
        )
