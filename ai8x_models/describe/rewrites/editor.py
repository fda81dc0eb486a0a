"""A graph in the making, for passes that replace some nodes and keep the rest."""

from dataclasses import dataclass, replace
from math import prod

import torch
from torch import Tensor

from ai8x_models.describe.graph import (
    Activate,
    Clamp,
    Convolution,
    Graph,
    Kind,
    Node,
    Normalize,
    Op,
)
from ai8x_models.zoo.registry import Shape
from max78000.facts.chip import MAX78000

_PROCESSORS = MAX78000.n_processors  # each takes one input channel at a time
# Quantizing gives powers of two a shift that leaves them no room: 1.0 would become 127/128. The
# next larger number gets one more, and is 64 times 2 exactly.
ONE = float(torch.nextafter(torch.tensor(1.0), torch.tensor(2.0)))


@dataclass(frozen=True, slots=True)
class Rewrite:
    """What was said in other words.

    Args:
        where: module and source line.
        what: the change.
        n_weights: further weights, a byte each at 8 bits.
        n_cycles: further cycles, roughly: one for each pixel, output channel and 64 input channels.
    """

    where: str
    what: str
    n_weights: int = 0
    n_cycles: int = 0

    def __str__(self) -> str:
        costs = [f"{self.n_weights:,} weights"] * bool(self.n_weights)
        costs += [f"about {self.n_cycles:,} cycles"] * bool(self.n_cycles)
        return f"{self.where}: {self.what}; costs {' and '.join(costs) or 'nothing'}"


Rewritten = tuple[Graph, tuple[Rewrite, ...]]


class Editor:
    """Copies nodes in order; `new` says which node stands for an old one."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.readers = graph.readers()
        self.nodes: list[Node] = []
        self.new: dict[int, int] = {}
        self.rewrites: list[Rewrite] = []

    def keep(self, index: int, op: Op | None = None, shape: Shape | None = None) -> int:
        """Copy a node, perhaps with another operation or shape."""
        node = self.graph.nodes[index]
        inputs = tuple(self.new[source] for source in node.inputs)
        self.nodes.append(
            replace(
                node,
                op=node.op if op is None else op,
                shape=node.shape if shape is None else shape,
                inputs=inputs,
            )
        )
        self.new[index] = len(self.nodes) - 1
        return self.new[index]

    def drop(self, index: int) -> None:
        """Let the source of a node stand for it."""
        self.new[index] = self.new[self.graph.nodes[index].inputs[0]]

    def add(self, like: Node, word: str, op: Op, inputs: tuple[int, ...], shape: Shape) -> int:
        """A new node at the place of an old one; its inputs are new nodes."""
        name = f"{like.name}_{word}" if word else like.name
        taken = {node.name for node in (*self.graph.nodes, *self.nodes) if node is not like}
        while name in taken:
            name += "_"
        self.nodes.append(replace(like, name=name, op=op, inputs=inputs, shape=shape))
        return len(self.nodes) - 1

    def note(self, node: Node, what: str, n_weights: int = 0, n_cycles: int = 0) -> None:
        """Say what was done."""
        self.rewrites.append(Rewrite(node.where, what, n_weights, n_cycles))

    def finished(self) -> Rewritten:
        """The new graph, and what was done."""
        outputs = tuple(self.new[index] for index in self.graph.outputs)
        return Graph(tuple(self.nodes), outputs), tuple(self.rewrites)


def pointwise(shape: Shape, weight: Tensor, bias: Tensor | None = None) -> Convolution:
    """A layer that mixes channels only, for data of this shape; weight (C_out, C_in)."""
    kinds: tuple[Kind, ...] = ("Linear", "Conv1d", "Conv2d")
    n_axes = len(shape) - 1
    return Convolution(kinds[n_axes], weight.reshape(*weight.shape, *(1,) * n_axes), bias)


def layer_of(graph: Graph, index: int) -> list[int]:
    """A convolution, and the batch norm and activations behind it that become part of its layer."""
    found, readers = [index], graph.readers()
    while graph.is_private(found[-1]):
        following = readers[found[-1]][0]
        if not isinstance(graph.nodes[following].op, Normalize | Activate | Clamp):
            break
        found.append(following)
    return found


def cycles(one: Convolution, out_shape: Shape) -> int:
    """Roughly what a layer takes."""
    n_in = one.weight.shape[0 if one.kind == "ConvTranspose2d" else 1]
    return prod(out_shape) * -(-n_in // _PROCESSORS)
