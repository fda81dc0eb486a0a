"""A part of the channels: only these are computed, or a layer picks them out."""

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from ai8x_models.describe.graph import (
    Activate,
    Clamp,
    Convolution,
    Graph,
    Node,
    Normalize,
    Op,
    Pooling,
    Slice,
)
from ai8x_models.describe.rewrites.editor import ONE, Editor, Rewritten, cycles, pointwise


def slices_split(graph: Graph) -> Rewritten:
    """Every slice gets a layer of its own: of the convolution it cuts, or an identity layer.

    A convolution of which all channels are read in slices is not computed as a whole any more.
    """
    editor = Editor(graph)
    for index, node in enumerate(graph.nodes):
        if not isinstance(node.op, Slice):
            editor.keep(index)
            continue
        chain = list(_chain(graph, node.inputs[0]))
        first = graph.nodes[chain[-1]]
        if _can_be_cut(first.op) and _only_slices_read(graph, chain):
            _cut(editor, index, chain)
            editor.note(node, "channels cut out: the convolution is split")
        elif len(node.shape) <= 3:
            _pick(editor, index, node, node.op)
        else:
            editor.keep(index)
    graph, rewrites = editor.finished()
    return graph, rewrites


def _chain(graph: Graph, index: int) -> Iterator[int]:
    """From a node back to the convolution whose channels it still has."""
    yield index
    while isinstance(graph.nodes[index].op, Activate | Clamp | Normalize | Pooling):
        index = graph.nodes[index].inputs[0]
        yield index


def _can_be_cut(op: Op) -> bool:
    return isinstance(op, Convolution) and op.groups == 1


def _only_slices_read(graph: Graph, chain: list[int]) -> bool:
    """True if the whole tensor is not needed; then parts of the convolution cost nothing."""
    readers = graph.readers()[chain[0]]
    is_inner = all(graph.is_private(one) for one in chain[1:]) and chain[0] not in graph.outputs
    return is_inner and all(isinstance(graph.nodes[one].op, Slice) for one in readers)


def _cut(editor: Editor, index: int, chain: list[int]) -> None:
    """The chain again, for these channels only."""
    node = editor.graph.nodes[index]
    assert isinstance(node.op, Slice)
    cut = slice(node.op.start, node.op.stop)
    last = editor.new[editor.graph.nodes[chain[-1]].inputs[0]]
    for one in reversed(chain):
        before = editor.graph.nodes[one]
        op, shape = _part(before.op, cut), (cut.stop - cut.start, *before.shape[1:])
        last = editor.add(before, str(cut.start), op, (last,), shape)
    editor.new[index] = last


def _part(op: Op, cut: slice) -> Op:
    match op:
        case Convolution(weight=weight, bias=bias):
            weight = weight.detach()
            weight = weight[:, cut] if op.kind == "ConvTranspose2d" else weight[cut]
            return replace(op, weight=weight, bias=None if bias is None else bias.detach()[cut])
        case Normalize(norm):
            mean, variance = norm.mean[cut], norm.variance[cut]
            scale, offset = _cut_or_none(norm.scale, cut), _cut_or_none(norm.offset, cut)
            changed = replace(norm, mean=mean, variance=variance, scale=scale, offset=offset)
            return Normalize(changed)
        case _:
            return op


def _cut_or_none(numbers: Tensor | None, cut: slice) -> Tensor | None:
    return None if numbers is None else numbers.detach()[cut]


def _pick(editor: Editor, index: int, node: Node, op: Slice) -> None:
    n_in = editor.graph.nodes[node.inputs[0]].shape[0]
    layer = pointwise(node.shape, torch.eye(n_in)[op.start : op.stop] * ONE)
    editor.keep(index, layer)
    what = "channels picked out by a layer with a kernel of 1"
    editor.note(node, what, layer.weight.numel(), cycles(layer, node.shape))
