"""Which data memory words each tensor takes, word by word: for overlap checks and memory maps."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from max78000.chip import Chip
from synthesis.description import INPUT, DataFormat
from synthesis.place.place import Placement
from synthesis.place.placed import INSTANCE_PROCESSORS, N_PROCESSORS, PlacedLayer


@dataclass(frozen=True, slots=True)
class Occupancy:
    """A tensor's words: the same in each of its instances. `first`..`last` are layers it is
    alive.
    """

    source: int
    name: str
    instances: frozenset[int]
    words: np.ndarray  # bool, one per word of an instance
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


def occupancies(placement: Placement, chip: Chip) -> Iterator[Occupancy]:
    """The network input and the result of every layer."""
    graph = placement.graph.graph
    n_words = chip.data_instance_bytes // 4
    for source in (INPUT, *range(len(graph.layers))):
        readers = [layer.index for layer in graph.consumers(source)]
        last = max(readers, default=source)
        if source == INPUT:
            words = _input_words(placement.graph.layers[0], n_words)
            name, processors = "the input", placement.graph.layers[0].processors
        else:
            placed = placement.graph.layers[source]
            words = _output_words(placed, n_words)
            name, processors = placed.layer.name, placed.output_processors
            last = len(graph.layers) if placed.layer in graph.outputs else last
        yield Occupancy(source, name, instances_of(processors), words, source, last)


def instances_of(processors: int) -> frozenset[int]:
    """Data memory instances that a processor map touches."""
    return frozenset(
        p // INSTANCE_PROCESSORS
        for p in range(0, N_PROCESSORS, INSTANCE_PROCESSORS)
        if processors >> p & 0xF
    )


def _input_words(first: PlacedLayer, n_words: int) -> np.ndarray:
    n_pixels = first.layer.in_shape.n_pixels
    if first.data_format is DataFormat.CHW:
        n_pixels = -(-n_pixels // 4)
    count = n_pixels * first.in_passes.n * first.layer.operands
    return _run(first.in_offset // 4, count, 1, 1, n_words)


def _output_words(placed: PlacedLayer, n_words: int) -> np.ndarray:
    hardware, layer = placed.hardware, placed.layer
    unit = layer.output_width // 8
    lead = hardware.lead_bytes // 4
    count = (layer.out_shape.n_pixels + hardware.extra_pixels) * placed.out_passes.n
    start = placed.out_offset // 4 - lead
    step = placed.write_gap + 1
    return _run(start, count + lead, unit, unit * step, n_words)


def _run(start: int, count: int, unit: int, step: int, n_words: int) -> np.ndarray:
    """`count` groups of `unit` words, `step` words apart; what lies outside the memory is cut."""
    words = np.zeros(n_words, bool)
    positions = (start + step * np.arange(count)[:, None] + np.arange(unit)).reshape(-1)
    words[positions[(positions >= 0) & (positions < n_words)]] = True
    return words
