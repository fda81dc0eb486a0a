"""Processor maps as the description gives them, or as the language's defaults fill them in.

A description that gives `processors` for every layer is the vendor's language to the letter: there
a missing `output_processors` means the next layer's `processors`, whoever reads the tensor. Maps
are chosen in `search`.
"""

from dataclasses import dataclass

from synthesis.graph.ir import Graph, Layer
from synthesis.lower.hardware import Passes
from synthesis.place.fifo import CHW_PROCESSORS, HWC_PROCESSORS
from synthesis.place.placed import (
    INSTANCE_PROCESSORS,
    N_PROCESSORS,
    QUADRANT_PROCESSORS,
    lowest,
    members,
    quadrant_map,
)
from synthesis.read.description import INPUT, DataFormat


@dataclass(frozen=True, slots=True)
class Maps:
    """Input and output map of one layer."""

    processors: int
    output_processors: int


def is_explicit(graph: Graph) -> bool:
    """True if the description places every layer itself."""
    return all(layer.wishes.processors is not None for layer in graph.layers)


def given_maps(graph: Graph) -> tuple[Maps, ...]:
    """Maps of every layer of a description that places all of them."""
    inputs = [layer.wishes.processors or 0 for layer in graph.layers]
    return tuple(
        Maps(inputs[layer.index], _output_map(layer, graph, inputs)) for layer in graph.layers
    )


def packed_map(n_processors: int, first: int = 0) -> int:
    """A run of neighbouring processors."""
    return ((1 << n_processors) - 1) << first


def passed_map(processors: int) -> int:
    """Where a pass-through layer leaves its channels: packed in each quadrant, from lane 0 on."""
    # Quirk passthrough-lanes: the write pointer names a data memory and no lane.
    quadrants = (quadrant_map(processors, q) for q in range(N_PROCESSORS // QUADRANT_PROCESSORS))
    return sum(
        packed_map(part.bit_count(), lowest(part) & -INSTANCE_PROCESSORS)
        << (QUADRANT_PROCESSORS * quadrant)
        for quadrant, part in enumerate(quadrants)
        if part
    )


def image_map(layer: Layer, width: int, *, uses_fifo: bool) -> int | None:
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


def _output_map(layer: Layer, graph: Graph, inputs: list[int]) -> int:
    if layer is not graph.layers[-1]:
        return layer.wishes.output_processors or inputs[layer.index + 1]
    packed = packed_map(Passes.of(layer.out_shape.channels).width)
    if layer.kernel is None:
        packed = passed_map(inputs[layer.index])
    return graph.output_map or layer.wishes.output_processors or packed
