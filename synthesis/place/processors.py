"""Processor maps as the description gives them, or as the language's defaults fill them in.

A description that gives `processors` for every layer is the vendor's language to the letter: there
a missing `output_processors` means the next layer's `processors`, whoever reads the tensor. Maps
are chosen in `search`.
"""

from dataclasses import dataclass

from max78000.facts.chip import Chip
from synthesis.graph.ir import INPUT, Graph, Layer
from synthesis.lower.hardware import Passes
from synthesis.place.fifo import fed_processors
from synthesis.place.placed import lowest, members, packed_map, quadrant_map
from synthesis.read.description import DataFormat


@dataclass(frozen=True, slots=True)
class Maps:
    """Input and output map of one layer."""

    processors: int
    output_processors: int


def is_explicit(graph: Graph) -> bool:
    """True if the description places every layer itself."""
    return all(layer.constraints.processors is not None for layer in graph.layers)


def given_maps(graph: Graph, chip: Chip) -> tuple[Maps, ...]:
    """Maps of every layer of a description that places all of them."""
    inputs = [layer.constraints.processors or 0 for layer in graph.layers]
    return tuple(
        Maps(inputs[layer.index], _output_map(layer, graph, inputs, chip)) for layer in graph.layers
    )


def passed_map(processors: int, chip: Chip) -> int:
    """Where a pass-through layer leaves its channels: packed in each quadrant, from lane 0 on."""
    # Quirk passthrough-lanes: the write pointer names a data memory and no lane.
    passed = 0
    for quadrant in range(chip.n_quadrants):
        part = quadrant_map(processors, quadrant, chip)
        if part:
            packed = packed_map(part.bit_count(), lowest(part) & -chip.processors_per_instance)
            passed |= packed << chip.processors_per_quadrant * quadrant
    return passed


def image_map(layer: Layer, width: int, chip: Chip, *, uses_fifo: bool) -> int | None:
    """Where a CHW image, or one from the FIFOs, has to lie; None where any run of processors does.

    Also None if there are too few of these processors, which rules P5 and S8 then refuse.
    """
    data_format = layer.constraints.data_format or DataFormat.HWC
    if layer.sources != (INPUT,) or not (data_format is DataFormat.CHW or uses_fifo):
        return None
    firsts = range(0, chip.n_processors, chip.processors_per_instance)
    reachable = members(fed_processors(data_format, chip)) if uses_fifo else tuple(firsts)
    processors = reachable[:width]
    return sum(1 << p for p in processors) if len(processors) == width else None


def _output_map(layer: Layer, graph: Graph, inputs: list[int], chip: Chip) -> int:
    if layer is not graph.layers[-1]:
        return layer.constraints.output_processors or inputs[layer.index + 1]
    packed = packed_map(Passes.of(layer.out_shape.channels, chip).width)
    if layer.kernel is None:
        packed = passed_map(inputs[layer.index], chip)
    return graph.output_map or layer.constraints.output_processors or packed
