"""Graph -> PlacedGraph and the memories' contents. What does not fit is placed past the end and
refused by rules.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from max78000.chip import Chip
from synthesis.description import DataFormat
from synthesis.ir import Graph
from synthesis.place.biases import BiasMemory, place_biases
from synthesis.place.data import Offsets, place_data
from synthesis.place.hardware import hardware_form
from synthesis.place.placed import PlacedGraph, PlacedLayer
from synthesis.place.processors import Maps, place_processors
from synthesis.place.stream import ring_bytes
from synthesis.place.weights import KernelMemory, place_weights


@dataclass(frozen=True, slots=True)
class Placement:
    """The placed graph and what the memories hold."""

    graph: PlacedGraph
    kernels: KernelMemory
    biases: BiasMemory


def place(graph: Graph, chip: Chip) -> Placement:
    """Place processors, data, weights and biases, each by its own stage; what is given is kept."""
    maps = place_processors(graph, chip)
    nowhere = [Offsets(0, 0)] * len(graph.layers)
    rings = ring_bytes(PlacedGraph(graph, _layers(graph, maps, nowhere)))
    offsets = place_data(graph, maps, chip, rings)
    layers, kernels = place_weights(_layers(graph, maps, offsets), chip)
    layers, biases = place_biases(layers, chip)
    return Placement(PlacedGraph(graph, layers), kernels, biases)


def _layers(
    graph: Graph, maps: Sequence[Maps], offsets: Sequence[Offsets]
) -> tuple[PlacedLayer, ...]:
    return tuple(
        PlacedLayer(
            layer=layer,
            hardware=hardware_form(layer),
            processors=maps[i].processors,
            output_processors=maps[i].output_processors,
            in_offset=offsets[i].in_offset,
            out_offset=offsets[i].out_offset,
            write_gap=layer.wishes.write_gap or 0,
            data_format=layer.wishes.data_format or DataFormat.HWC,
        )
        for i, layer in enumerate(graph.layers)
    )
