"""Which FIFO feeds which processors: FIFO f serves the first data memory of quadrant f.

The fast FIFO takes the place of all four: the bytes of its words go to processors 0..3, or one each
to processors 0, 16, 32 and 48.
"""

from max78000.facts.chip import Chip
from synthesis.place.placed import PlacedLayer, packed_map, quadrant_map
from synthesis.read.description import DataFormat


def fed_processors(data_format: DataFormat, chip: Chip) -> int:
    """What the FIFOs reach: all processors of the data memories that they serve, or one of each."""
    fed = grouped_processors(chip) if data_format is DataFormat.HWC else 1
    return sum(fed << chip.processors_per_quadrant * f for f in range(chip.n_fifos))


def grouped_processors(chip: Chip) -> int:
    """The processors of the first data memory: each takes a byte of a word."""
    return packed_map(chip.processors_per_instance)


def lanes_of(first: PlacedLayer, fifo: int) -> int:
    """The processors that a FIFO feeds, counted from the first of its quadrant."""
    quadrant = quadrant_map(first.processors, fifo, first.chip)
    return quadrant & grouped_processors(first.chip)


def enabled_fifos(first: PlacedLayer) -> tuple[int, ...]:
    """FIFOs that are switched on, ascending."""
    # Quirk fifo-first-lane: only the first processor of a quadrant decides.
    n_fifos = min(first.chip.n_fifos, first.layer.in_shape.channels)
    return tuple(fifo for fifo in range(n_fifos) if lanes_of(first, fifo) & 1)


def feeding_fifos(first: PlacedLayer) -> tuple[int, ...]:
    """FIFOs that words are pushed into, in the order of the channels they carry."""
    used = tuple(fifo for fifo in range(first.chip.n_fifos) if lanes_of(first, fifo))
    if first.data_format is DataFormat.CHW:
        return used
    return used[: -(-first.layer.in_shape.channels // first.chip.processors_per_instance)]


def is_grouped(first: PlacedLayer) -> bool:
    """Whether the fast FIFO feeds the first data memory, not a processor of each quadrant."""
    return first.processors & ~grouped_processors(first.chip) == 0
