"""What the integers of an answer mean: real value = stored value * 2^final scale.

Layers of the vendor's second generation of training (QATv2) use all of their eight bits: what they
store is divided by a power of two that the checkpoint tells, and software multiplies it back. The
accelerator never does. Source: docs/hardware/arithmetic.md#qatv2.
"""

from synthesis.graph.ir import Graph, Layer


def final_scale(layer: Layer, graph: Graph) -> int:
    """Power of two by which a layer's result is multiplied; 0 if it has no one scale.

    Meant for results that leave the network. What is stored for others says nothing: training
    clears it for layers that another one reads, but not where the reader is declared first.
    """
    # Quirk late-producer: that is why nothing between layers may use it.
    scales = source_scales(layer, graph)
    return scales.pop() if len(scales) == 1 else 0


def source_scales(layer: Layer, graph: Graph) -> set[int]:
    """The final scales that meet in a layer's result: its own, or those of what it passes on."""
    if layer.kernel is not None and not layer.copies_anywhere:
        return {layer.kernel.final_scale}
    producers = (graph.layer_of(source) for source in layer.sources)
    return {0 if producer is None else final_scale(producer, graph) for producer in producers}
