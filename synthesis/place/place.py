"""Graph -> PlacedGraph and the memories' contents. What does not fit is placed past the end and
refused by rules.
"""

from dataclasses import dataclass

from max78000.facts.chip import Chip
from synthesis.graph.ir import Graph
from synthesis.place.arrange import arrange
from synthesis.place.biases import BiasMemory, place_biases
from synthesis.place.data import chosen_offsets, given_offsets
from synthesis.place.fits import placed_layers
from synthesis.place.lanes import input_map
from synthesis.place.placed import PlacedGraph, PlacedLayer
from synthesis.place.processors import Maps, given_maps, is_explicit
from synthesis.place.search import solve
from synthesis.place.weights import KernelImage, place_weights


@dataclass(frozen=True, slots=True)
class Placement:
    """The placed graph and what the memories hold."""

    placed_graph: PlacedGraph
    kernels: KernelImage
    biases: BiasMemory

    @property
    def graph(self) -> Graph:
        """What is computed, with the copies that joins need."""
        return self.placed_graph.graph

    @property
    def layers(self) -> tuple[PlacedLayer, ...]:
        """The layers in their places."""
        return self.placed_graph.layers


def place(graph: Graph, chip: Chip) -> Placement:
    """Place processors, data, weights and biases; what is given is kept.

    Raises:
        ToolError: joins that cannot be placed, or need more layers than there are.
    """
    graph, layers = _given(graph, chip) if is_explicit(graph) else _solved(graph, chip)
    layers, kernels = place_weights(layers, chip)
    layers, biases = place_biases(layers, chip)
    return Placement(PlacedGraph(graph, layers), kernels, biases)


def _given(graph: Graph, chip: Chip) -> tuple[Graph, tuple[PlacedLayer, ...]]:
    return graph, placed_layers(graph, given_maps(graph, chip), given_offsets(graph), chip)


def _solved(graph: Graph, chip: Chip) -> tuple[Graph, tuple[PlacedLayer, ...]]:
    solution = solve(arrange(graph, chip), chip)
    tensors = solution.maps()
    maps = [
        Maps(input_map(layer, tensors), tensors[layer.as_producer])
        for layer in solution.graph.layers
    ]
    offsets = chosen_offsets(solution.graph, solution.tensors, chip)
    return solution.graph, placed_layers(solution.graph, maps, offsets, chip)
