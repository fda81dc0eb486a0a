"""Kernel memory while lanes are chosen: how full every processor is, and how to even that out.

Counts words by layer shapes alone; whether the kernels really fit is for `fits` to say.
"""

from collections.abc import Iterable, Mapping, Sequence

from max78000.facts.chip import Chip
from max78000.facts.fixed import DATA_BITS
from synthesis.graph.ir import Graph, Layer, Producer
from synthesis.lower.hardware import Passes
from synthesis.place.lanes import Choice, Unit, input_map, passes_on, words_per_quadrant
from synthesis.place.placed import members

Loads = list[tuple[int, int]]  # processors, words in each


class KernelLoad:
    """Kernel words of every processor, for the layers whose inputs are placed."""

    def __init__(self, graph: Graph, chip: Chip) -> None:
        self.chip = chip
        self.words = [0] * chip.n_processors
        self._readers: dict[Producer, list[tuple[Layer, int]]] = {}
        for layer in graph.layers:
            readers = self._readers.setdefault(layer.sources[0], [])
            readers.append((layer, kernel_words(layer, chip)))

    def loads(self, unit: Unit, maps: Mapping[Producer, int]) -> Loads:
        """What the readers of a unit's tensors take, and where."""
        return [
            (input_map(layer, maps), words)
            for first in unit.lanes
            for layer, words in self._readers.get(first, ())
            if all(source in maps for source in layer.sources)
        ]

    def busiest(self, unit: Unit, maps: Mapping[Producer, int]) -> int:
        """Words of the fullest of a unit's processors, its readers included."""
        loads = self.loads(unit, maps)
        taken = set[int]().union(*(members(processors) for processors, _ in loads))
        extra = sum(words for _, words in loads)
        return max((self.words[p] + extra for p in taken), default=0)

    def add(self, unit: Unit, maps: Mapping[Producer, int]) -> Loads:
        """Take room for a unit's readers; returns what was taken."""
        loads = self.loads(unit, maps)
        self._take(loads, 1)
        return loads

    def remove(self, loads: Loads) -> None:
        """Give back what `add` took."""
        self._take(loads, -1)

    def _take(self, loads: Iterable[tuple[int, int]], sign: int) -> None:
        for processors, words in loads:
            for p in members(processors):
                self.words[p] += sign * words


def kernel_words(layer: Layer, chip: Chip) -> int:
    """Kernel words a layer takes in each of its processors, from shapes alone."""
    if layer.kernel is None:
        return 0
    weights = layer.kernel.weights_oihw
    width = Passes.of(layer.in_shape.channels, chip).width
    word_bits = DATA_BITS * chip.kernel_word_bytes
    n_words = -(-(weights.size * layer.kernel.bits // width) // word_bits)
    return n_words + chip.processors_per_instance - 1


def weight_bytes(graph: Graph) -> int:
    """Kernel memory that all weights take at the very least, each stored once."""
    kernels = {layer.kernel.source: layer.kernel for layer in graph.layers if layer.kernel}
    return sum(kernel.weights_oihw.size * kernel.bits // DATA_BITS for kernel in kernels.values())


def balanced_choices(
    graph: Graph, units: Sequence[Unit], chip: Chip, *, is_from_above: bool = False
) -> dict[Producer, Choice]:
    """A choice for every unit, by its first tensor, that fills the processors evenly.

    Those without a choice come first, then those with most to store; each goes where pass-through
    layers are quickest and the fullest processor stays emptiest, the lowest of several such places,
    or the highest.
    """
    load = KernelLoad(graph, chip)
    chosen: dict[Producer, Choice] = {}

    def maps_of(unit: Unit, choice: Choice) -> dict[Producer, int]:
        return {source: unit.map_of(source, choice, chip) for source in unit.lanes}

    def size(unit: Unit) -> int:
        loads = load.loads(unit, maps_of(unit, unit.choices(chip)[0]))
        return sum(processors.bit_count() * words for processors, words in loads)

    for unit in sorted(units, key=lambda unit: (not unit.given, -size(unit), unit.first)):
        options = [(choice, maps_of(unit, choice)) for choice in unit.choices(chip)]
        best, maps = min(
            options,
            key=lambda option: (
                _passing_words(graph, option[1], chip),
                load.busiest(unit, option[1]),
                -option[0].start if is_from_above else option[0].start,
            ),
        )
        load.add(unit, maps)
        chosen[unit.first] = best
    return chosen


def _passing_words(graph: Graph, maps: Mapping[Producer, int], chip: Chip) -> int:
    """Words that pass-through layers write per pixel for the tensors of a unit."""
    return max(
        (
            words_per_quadrant(processors, chip)
            for source, processors in maps.items()
            if any(map(passes_on, graph.consumers(source)))
        ),
        default=0,
    )
