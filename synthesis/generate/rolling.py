"""The rolling buffer's first content: zeros, once after power-up."""

from collections.abc import Iterator

from max78000.facts.chip import Chip
from max78000.program.program import Copy
from synthesis.lower.hardware import Passes
from synthesis.place.placed import PlacedGraph, instances_of


def buffer_clears(placed: PlacedGraph, chip: Chip) -> Iterator[Copy]:
    """Zeros for every word of the rolling buffer; nothing if the network has none."""
    # Quirk buffer-zeros: the vendor's known answer begins with zeros, its program with anything.
    buffer = placed.graph.buffer
    if buffer is None:
        return
    n_words = buffer.shape.n_pixels * Passes.of(buffer.shape.channels, chip).n
    for instance in sorted(instances_of(buffer.processors, chip)):
        addr = chip.data_addr(chip.processors_per_instance * instance, buffer.offset)
        yield Copy(addr, (0,) * n_words)
