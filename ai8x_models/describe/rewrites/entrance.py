"""What a model does to its input before the first layer: the application does it, or the weights.

Channels are put first, numbers brought to mean 0: nothing that the accelerator would do. Factors
go into the weights of the first layers, and so do the numbers that are added, where no layer pads
the picture with zeros; what is left is the application's, and `prepare` does it to examples.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ai8x_models.describe.graph import (
    Affine,
    Convolution,
    Graph,
    Input,
    Permute,
    View,
)
from ai8x_models.zoo.registry import Shape


@dataclass(frozen=True, slots=True, eq=False)
class Preparation:
    """One step, in order: axes moved, another shape, or numbers added."""

    op: Permute | View | Affine
    shape: Shape  # of the result

    def __str__(self) -> str:
        sizes = "x".join(map(str, self.shape))
        match self.op:
            case Permute():
                return f"axes moved to {sizes}"
            case Affine(scale, offset):
                numbers = sorted({float(f"{one:.6g}") for one in offset.tolist()})
                factors = sorted({float(f"{one:.6g}") for one in scale.tolist()})
                times = f"times {_listed(factors)}, " if factors != [1.0] else ""
                return f"{times}plus {_listed(numbers)}"
            case _:
                return f"shaped {sizes}"


def _listed(numbers: list[float]) -> str:
    return f"{numbers[0]:g}" if len(numbers) == 1 else f"{len(numbers)} numbers"


def prepare(steps: Sequence[Preparation], x: Tensor) -> Tensor:
    """(N, *shape of the model's input) to what the first layer is given."""
    for step in steps:
        match step.op:
            case Permute(order):
                x = x.permute(0, *(axis + 1 for axis in order))
            case Affine(scale, offset):
                sizes = (1, -1, *(1,) * (x.dim() - 2))
                x = x * scale.reshape(sizes) + offset.reshape(sizes)
            case _:
                x = x.reshape(len(x), *step.shape)
    return x


def without_preparations(graph: Graph) -> tuple[Graph, tuple[Preparation, ...]]:
    """Cut off what is done to the input."""
    found: list[Preparation] = []
    while (first := _preparation(graph)) is not None:
        nodes = list(graph.nodes)
        op = nodes[first].op
        assert isinstance(op, Permute | View | Affine)
        if isinstance(op, Affine) and _layers_can_scale(graph, first):
            # (x + offset / scale) * scale: the factor is the weights'.
            factor = op.scale
            op = replace(op, scale=torch.ones_like(factor), offset=op.offset / factor)
            for reader in graph.readers()[first]:
                layer = nodes[reader].op
                assert isinstance(layer, Convolution)
                sizes = (1, -1, *(1,) * (layer.weight.dim() - 2))
                weight = layer.weight.detach() * factor.reshape(sizes)
                nodes[reader] = replace(nodes[reader], op=replace(layer, weight=weight))
        limit = nodes[first].limit
        if isinstance(op, Affine):
            limit = max(nodes[0].limit, float(op.offset.abs().max()) + nodes[0].limit)
        does_something = not isinstance(op, Affine) or op.offset.any() or (op.scale != 1).any()
        found += [Preparation(op, nodes[first].shape)] * bool(does_something)
        nodes[0] = replace(nodes[0], shape=nodes[first].shape, limit=limit)
        graph = _without(Graph(tuple(nodes), graph.outputs), first)
    return graph, tuple(found)


def _preparation(graph: Graph) -> int | None:
    """The only reader of the input, if the application can do what it does."""
    readers = graph.readers()[0]
    if len(readers) != 1 or readers[0] in graph.outputs:
        return None
    node, before = graph.nodes[readers[0]], graph.nodes[0].shape
    is_view = isinstance(node.op, View) and len(node.shape) > 1 and node.shape[0] != before[0]
    return readers[0] if is_view or isinstance(node.op, Permute | Affine) else None


def _layers_can_scale(graph: Graph, index: int) -> bool:
    node = graph.nodes[index]
    readers = [graph.nodes[one].op for one in graph.readers()[index]]
    return (
        isinstance(node.op, Affine)
        and bool((node.op.scale != 0).all())
        and all(isinstance(op, Convolution) and op.groups == 1 for op in readers)
        and all(op.kind != "ConvTranspose2d" for op in readers if isinstance(op, Convolution))
    )


def _without(graph: Graph, index: int) -> Graph:
    """The graph without a node that the input stands for from now on."""
    new = {old: old - (old > index) for old in range(len(graph.nodes))} | {index: 0}
    nodes = tuple(
        replace(node, inputs=tuple(new[one] for one in node.inputs))
        for place, node in enumerate(graph.nodes)
        if place != index
    )
    assert isinstance(nodes[0].op, Input)
    return Graph(nodes, tuple(new[one] for one in graph.outputs))
