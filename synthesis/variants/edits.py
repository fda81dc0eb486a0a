"""Changes of a network before it is lowered: of its description, of the widths of its weights.

Nothing is tried here, and nothing is trained: narrower weights only have the right size.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from synthesis.graph.ir import Layer
from synthesis.read.checkpoint import Checkpoint, LayerWeights
from synthesis.read.description import LayerSpec, NetworkSpec


def without_places(network: NetworkSpec) -> NetworkSpec:
    """Processors, offsets and gaps left to the compiler."""
    layers = tuple(
        replace(
            spec,
            processors=None,
            output_processors=None,
            in_offset=None,
            out_offset=None,
            write_gap=None,
        )
        for spec in network.layers
    )
    return replace(network, layers=layers, output_map=None)


def with_layers(
    network: NetworkSpec, positions: Sequence[int], change: Callable[[LayerSpec], LayerSpec]
) -> NetworkSpec:
    """The layers at some positions of the description changed."""
    layers = (
        change(spec) if position in positions else spec
        for position, spec in enumerate(network.layers)
    )
    return replace(network, layers=tuple(layers))


def with_bits(network: NetworkSpec, layers: Sequence[Layer], bits: int) -> NetworkSpec:
    """Weights of so many bits in some layers; the checkpoint has to follow by `narrow`."""
    positions = positions_of(network, layers)
    return with_layers(network, positions, lambda spec: replace(spec, quantization=bits))


def positions_of(network: NetworkSpec, layers: Sequence[Layer]) -> list[int]:
    """Where layers stand in the description."""
    places = {layer.where for layer in layers}
    return [i for i in range(len(network.layers)) if network.where(i) in places]


def narrow(checkpoint: Checkpoint, names: Sequence[str], bits: int) -> Checkpoint:
    """Entries of some names cut to so many bits."""

    def narrowed(entry: LayerWeights) -> LayerWeights:
        if entry.name not in names:
            return entry
        drop = (entry.weight_bits or 8) - bits
        return replace(entry, weight=entry.weight >> max(drop, 0), weight_bits=bits)

    return replace(checkpoint, layers=tuple(map(narrowed, checkpoint.layers)))


def entry_of(layer: Layer) -> str:
    """The checkpoint entry of a layer; empty if it has no weights."""
    return layer.kernel.source if layer.kernel is not None else ""
