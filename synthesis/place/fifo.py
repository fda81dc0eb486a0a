"""Which FIFO feeds which processors: FIFO f serves the first data memory of quadrant f.

The fast FIFO takes the place of all four: the bytes of its words go to processors 0..3, or one each
to processors 0, 16, 32 and 48.
"""

from synthesis.place.placed import N_PROCESSORS, QUADRANT_PROCESSORS, PlacedLayer
from synthesis.read.description import DataFormat

N_FIFOS = N_PROCESSORS // QUADRANT_PROCESSORS
HWC_PROCESSORS = sum(0xF << (QUADRANT_PROCESSORS * f) for f in range(N_FIFOS))
CHW_PROCESSORS = sum(0x1 << (QUADRANT_PROCESSORS * f) for f in range(N_FIFOS))
GROUP_PROCESSORS = 0xF


def lanes_of(first: PlacedLayer, fifo: int) -> int:
    """The processors, 0..3 of its quadrant, that a FIFO feeds."""
    return first.processors >> (QUADRANT_PROCESSORS * fifo) & 0xF


def enabled_fifos(first: PlacedLayer) -> tuple[int, ...]:
    """FIFOs that are switched on, ascending."""
    # Quirk fifo-first-lane: only the first processor of a quadrant decides.
    return tuple(
        fifo
        for fifo in range(min(N_FIFOS, first.layer.in_shape.channels))
        if lanes_of(first, fifo) & 1
    )


def feeding_fifos(first: PlacedLayer) -> tuple[int, ...]:
    """FIFOs that words are pushed into, in the order of the channels they carry."""
    used = tuple(fifo for fifo in range(N_FIFOS) if lanes_of(first, fifo))
    if first.data_format is DataFormat.CHW:
        return used
    return used[: -(-first.layer.in_shape.channels // 4)]


def is_grouped(first: PlacedLayer) -> bool:
    """Whether the fast FIFO feeds processors 0..3, not the first of each quadrant."""
    return first.processors & ~GROUP_PROCESSORS == 0
