"""Who reads whom in a network of our layers: what decides which results share a range.

Data pass through anything that has no weights: poolings, views, additions, activations. The input
is one of the tensors that meet, and its range is settled.
"""

from collections.abc import Iterator

from torch import nn

from ai8x_models.describe.graph import (
    Affine,
    Concat,
    Convolution,
    Foreign,
    Graph,
    Own,
    Permute,
    Slice,
    View,
)
from ai8x_models.layers.layers import ElementWise, FusedLayer
from ai8x_models.quantize.scales import INPUT, Topology
from max78000.errors import UnsupportedError, raise_all
from max78000.facts.fixed import Combine

# What only moves numbers, or is done by the application: behind it a final scale still counts.
_BEHIND = (View, Permute, Slice, Concat, Affine, Foreign)


def topology_of(graph: Graph, model: nn.Module) -> Topology:
    """What the scale adjustment has to know.

    Args:
        graph: of the model, as recorded.
        model: its layers are ours.

    Raises:
        UnsupportedError: a convolution that is no layer of ours, for nothing adjusts its bias.
        ProblemList: several are.
    """
    raise_all(
        UnsupportedError(
            "is no layer of the accelerator, so ranges cannot pass through it",
            where=node.where,
            fix="take the layer from ai8x_models.layers.layers, or write `ranges: fixed`",
        )
        for node in graph.nodes
        if isinstance(node.op, Convolution)
    )
    names = {id(module): name for name, module in model.named_modules()}
    reaching: list[frozenset[str]] = []  # layers whose results are in a node's, through no other
    producers: dict[str, frozenset[str]] = {}
    adds: dict[str, str] = {}
    joins: dict[str, str] = {}
    wide: set[str] = set()
    for node in graph.nodes:
        read = frozenset().union(*(reaching[source] for source in node.inputs))
        layer = node.op.layer if isinstance(node.op, Own) else None
        if isinstance(layer, FusedLayer):
            name = names[id(layer)]
            producers[name] = producers.get(name, frozenset()) | read
            wide |= {name} if layer.plan.wide else set()
            read = frozenset((name,))
        elif isinstance(layer, ElementWise) and layer.combine in (Combine.ADD, Combine.SUB):
            adds |= dict.fromkeys(read, names[id(layer)])
        elif isinstance(node.op, Concat):
            joins |= dict.fromkeys(read, node.name)
        reaching.append(read if node.inputs else frozenset((INPUT,)))
    order = tuple(name for name in names.values() if name in producers)
    kept = _kept(graph, names)
    answering = frozenset().union(*(reaching[index] for index in graph.outputs)) - {INPUT}
    return Topology(
        order,
        {name: tuple(sorted(read)) for name, read in producers.items()},
        adds,
        joins,
        frozenset(wide),
        answers=kept,
        unscaled=answering - kept,
    )


def _kept(graph: Graph, names: dict[int, str]) -> frozenset[str]:
    """Layers whose results leave the network as they are, and are read by nothing in it."""
    readers = graph.readers()

    def ends(index: int) -> Iterator[bool]:
        """For every way on from a node, whether it leads out."""
        if index in graph.outputs:
            yield True
        for reader in readers[index]:
            if isinstance(graph.nodes[reader].op, _BEHIND):
                yield from ends(reader)
            else:
                yield False

    found: dict[str, bool] = {}
    for index, node in enumerate(graph.nodes):
        if isinstance(node.op, Own) and isinstance(node.op.layer, FusedLayer):
            name = names[id(node.op.layer)]
            found[name] = found.get(name, True) and all(ends(index))
    return frozenset(name for name, is_kept in found.items() if is_kept)
