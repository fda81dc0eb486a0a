"""Which tensors of a network share a scale: what calibration has to know of it."""

from collections.abc import Mapping

from torch import nn

from ai8x_models.describe.graph import Graph, Input, Own
from ai8x_models.layers.layers import ElementWise, FusedLayer
from ai8x_models.quantize.calibration import Wiring
from max78000.facts.fixed import Combine


def wiring_of(graph: Graph, model: nn.Module) -> Wiring:
    """Which tensors of a network share a scale.

    Args:
        graph: of layers of ours.
        model: that has these layers, by whose names they go.
    """
    names = {id(module): name for name, module in model.named_modules()}
    group = list(range(len(graph.nodes)))

    def root(index: int) -> int:
        while group[index] != index:
            index = group[index]
        return index

    uses: dict[str, int] = {}
    settled: set[int] = set(graph.outputs)
    for index, node in enumerate(graph.nodes):
        layer = node.op.layer if isinstance(node.op, Own) else None
        if isinstance(layer, FusedLayer):
            other = uses.setdefault(names[id(layer)], index)
            group[root(index)] = root(other)
            group[root(node.inputs[0])] = root(graph.nodes[other].inputs[0])
            settled |= {node.inputs[0]} if layer.plan.wide else set()
            continue
        for source in node.inputs:
            group[root(source)] = root(index)
        is_bits = isinstance(layer, ElementWise) and layer.combine in (Combine.OR, Combine.XOR)
        settled |= {index} if is_bits or isinstance(node.op, Input) else set()
    return Wiring(
        {name: root(graph.nodes[index].inputs[0]) for name, index in uses.items()},
        _writers(graph, names, root_of={index: root(index) for index in range(len(group))}),
        frozenset(root(index) for index in settled),
    )


def _writers(graph: Graph, names: Mapping[int, str], root_of: Mapping[int, int]) -> dict[str, int]:
    """Group of what each layer that the model holds gives."""
    return {
        names[id(node.op.layer)]: root_of[index]
        for index, node in enumerate(graph.nodes)
        if isinstance(node.op, Own) and id(node.op.layer) in names
    }
