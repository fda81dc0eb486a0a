"""Whether kernels and biases fit, for processor maps that somebody thinks of."""

from collections.abc import Mapping, Sequence

from max78000.facts.chip import Chip
from synthesis.graph.ir import Graph, Producer
from synthesis.lower.hardware import hardware_form
from synthesis.place.biases import place_biases
from synthesis.place.data import Offsets
from synthesis.place.lanes import input_map
from synthesis.place.placed import PlacedLayer
from synthesis.place.processors import Maps
from synthesis.place.weights import kernel_places
from synthesis.read.description import DataFormat


def memories_fit(graph: Graph, maps: Mapping[Producer, int], chip: Chip) -> bool:
    """True if the kernel and the bias memories hold what these maps ask of them.

    Args:
        graph: arranged.
        maps: processors of every tensor.
        chip: sizes of the memories.
    """
    layers = on_maps(graph, maps, chip)
    if kernel_places(layers, chip).end > chip.kernel_words:
        return False
    _, biases = place_biases(layers, chip)
    return all(end <= chip.bias_bytes_per_quadrant for end in biases.ends)


def on_maps(graph: Graph, maps: Mapping[Producer, int], chip: Chip) -> tuple[PlacedLayer, ...]:
    """The layers on their processors; offsets are still open."""
    wanted = [Maps(input_map(layer, maps), maps[layer.as_producer]) for layer in graph.layers]
    return placed_layers(graph, wanted, [Offsets(0, 0)] * len(wanted), chip)


def placed_layers(
    graph: Graph, maps: Sequence[Maps], offsets: Sequence[Offsets], chip: Chip
) -> tuple[PlacedLayer, ...]:
    """The layers with what is decided of their places."""
    return tuple(
        PlacedLayer(
            chip=chip,
            layer=layer,
            hardware=hardware_form(layer, chip),
            processors=maps[i].processors,
            output_processors=maps[i].output_processors,
            in_offset=offsets[i].in_offset,
            out_offset=offsets[i].out_offset,
            write_gap=layer.constraints.write_gap or 0,
            data_format=layer.constraints.data_format or DataFormat.HWC,
        )
        for i, layer in enumerate(graph.layers)
    )
