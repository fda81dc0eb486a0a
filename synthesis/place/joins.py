"""How a layer that reads several tensors finds them in data memory.

The engine reads one run of words on one set of processors. Several tensors appear to it as one if
they are written side by side (lanes), in turn (operands, passes) or one behind the other (pixels).
Source: docs/hardware/memories.md#joins.
"""

from enum import Enum
from itertools import accumulate

from max78000.facts.chip import WORD_BYTES, Chip
from synthesis.graph.ir import INPUT, Graph, Layer, Producer
from synthesis.lower.hardware import Passes


class Join(Enum):
    """The way tensors meet in a layer."""

    SINGLE = "one tensor"
    OPERANDS = "element by element: word by word in turn, on the same processors"
    LANES = "channels side by side: the same words, on processors that follow each other"
    PASSES = "more channels than processors: word by word in turn, a pass each"
    PIXELS = "pixels one behind the other"


def join_of(layer: Layer, graph: Graph, chip: Chip) -> Join:
    """How a layer's tensors meet."""
    if len(layer.sources) == 1:
        return Join.SINGLE
    if layer.combine is not None:
        return Join.OPERANDS
    n_channels = sum(graph.shape_of(source).channels for source in layer.sources)
    if layer.in_shape.channels == n_channels:
        return Join.LANES if n_channels <= chip.n_processors else Join.PASSES
    return Join.PIXELS


def has_gap(join: Join) -> bool:
    """True if the tensors are written with a gap, which no other layer can read."""
    return join in (Join.OPERANDS, Join.PASSES)


def width_of(graph: Graph, source: Producer, chip: Chip) -> int:
    """Processors that a tensor takes."""
    if source == INPUT:
        return Passes.of(graph.layers[0].in_shape.channels, chip).width
    return Passes.of(graph.shape_of(source).channels, chip).width


def lanes_of_parts(layer: Layer, graph: Graph, chip: Chip) -> tuple[int, ...]:
    """First processor of each tensor, counted from the first tensor's.

    Side by side every tensor starts in a data memory of its own: a store fills whole words.
    """
    if join_of(layer, graph, chip) is not Join.LANES:
        return (0,) * len(layer.sources)
    # Quirk whole-words: what a store does to lanes without a channel is not known.
    widths, step = [graph.shape_of(s).channels for s in layer.sources], chip.processors_per_instance
    aligned = (-(-width // step) * step for width in widths)
    return (0, *accumulate(aligned))[:-1]


def offsets_of_parts(layer: Layer, graph: Graph, chip: Chip) -> tuple[int, ...]:
    """Byte offset of each tensor, counted from the first tensor's."""
    join = join_of(layer, graph, chip)
    n = len(layer.sources)
    if has_gap(join):
        return tuple(WORD_BYTES * i for i in range(n))
    if join is not Join.PIXELS:
        return (0,) * n
    pixel_bytes = WORD_BYTES * Passes.of(layer.in_shape.channels, chip).n
    sizes = [pixel_bytes * graph.shape_of(source).n_pixels for source in layer.sources]
    return (0, *accumulate(sizes))[:-1]
