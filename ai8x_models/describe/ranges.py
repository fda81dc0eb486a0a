"""Factors by which the tensors of a network are scaled so that they fit -1..127/128.

The accelerator's data end at 127/128, those of a network that was trained elsewhere do not. Layers
of convolution, ReLU and pooling let a positive factor through, so every tensor may have its own,
as long as tensors that are added or joined share theirs. No data are looked at here: the largest
magnitudes come with the graph.
"""

import math
from collections import defaultdict

from ai8x_models.describe.graph import (
    Activate,
    Clamp,
    Convolution,
    Graph,
    Input,
    Node,
    Normalize,
    Own,
)
from ai8x_models.layers.qat import DATA_MAX
from max78000.errors import UnsupportedError


def fit_scales(
    graph: Graph, wide: frozenset[int] = frozenset(), is_fitted: bool = True
) -> tuple[float, ...]:
    """Scale of every node's result.

    Args:
        graph: as recorded, on examples that stand for the data to come.
        wide: convolutions with 32-bit output, which any magnitude fits: their scale is 1.
        is_fitted: to the examples; otherwise nothing is scaled but what has limits of its own.

    Returns:
        Powers of two. 1 for tensors next to layers of ours, whose scale is settled; tensors kept
        within limits (ReLU6) are scaled so that the data's own limit does that.

    Raises:
        UnsupportedError: tensors that are combined have different limits.
    """
    group = list(range(len(graph.nodes)))

    def root(index: int) -> int:
        while group[index] != index:
            index = group[index]
        return index

    for index, node in enumerate(graph.nodes):
        keeps_scale = not isinstance(node.op, Convolution | Input)
        sources = node.inputs if keeps_scale else ()
        for source in sources:
            group[root(source)] = root(index)
    first_use: dict[int, int] = {}
    for index, node in enumerate(graph.nodes):
        if isinstance(node.op, Convolution):  # weights used again have one scale before and behind
            other = first_use.setdefault(id(node.op.weight), index)
            group[root(node.inputs[0])] = root(graph.nodes[other].inputs[0])
            group[root(index)] = root(other)
    limits: dict[int, float] = defaultdict(float)
    settled = {root(index): 1.0 for index in wide}
    for index, node in enumerate(graph.nodes):
        if _counts(graph, index):
            # A full scale of 1.0 is what pictures have, and 127/128 is near enough for them.
            limit = node.limit * (DATA_MAX if isinstance(node.op, Input) else 1)
            limits[root(index)] = max(limits[root(index)], limit)
        _settle(settled, root(index), node)
    return tuple(
        settled.get(root(index), power_within(limits[root(index)]) if is_fitted else 1.0)
        for index in range(len(graph.nodes))
    )


def _settle(settled: dict[int, float], group: int, node: Node) -> None:
    """Note the scale that an operation needs."""
    if not isinstance(node.op, Own | Clamp):
        return
    is_scaled = isinstance(node.op, Clamp) and node.op.is_scaled
    scale = DATA_MAX / node.op.high if isinstance(node.op, Clamp) and is_scaled else 1.0
    if settled.setdefault(group, scale) != scale:
        why = "data that are kept within other limits are combined with these"
        fix = "use the same limits for tensors that are combined, or none"
        raise UnsupportedError(why, where=node.where, fix=fix)


def _counts(graph: Graph, index: int) -> bool:
    """False for what never leaves the accumulator: sums before batch norm and activation."""
    if not isinstance(graph.nodes[index].op, Convolution | Normalize):
        return True
    readers = [graph.nodes[reader].op for reader in graph.readers()[index]]
    return index in graph.outputs or not all(isinstance(op, Normalize | Activate) for op in readers)


def power_within(limit: float) -> float:
    """Largest power of two that brings this magnitude within 127/128; 1 for nothing."""
    return 2.0 ** -math.ceil(math.log2(limit / DATA_MAX)) if limit > 0 else 1.0
