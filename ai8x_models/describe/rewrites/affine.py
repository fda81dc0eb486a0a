"""Factors and numbers to add, a pair for each channel: into the weights beside them, or a layer.

Batch norm that no convolution stands before is such a pair, too.
"""

from dataclasses import replace

import torch
from torch import Tensor

from ai8x_models.describe.graph import Affine, Convolution, Foreign, Graph, Normalize
from ai8x_models.describe.rewrites.editor import ONE, Editor, Rewritten, cycles, pointwise
from ai8x_models.layers.batchnorm import BatchNorm


def affines_in_weights(graph: Graph) -> Rewritten:
    """A pair directly behind a convolution or a batch norm becomes part of it.

    So does one behind another pair, and batch norm behind batch norm.
    """
    editor = Editor(graph)
    for index, node in enumerate(graph.nodes):
        if not isinstance(node.op, Affine | Normalize) or not graph.is_private(node.inputs[0]):
            editor.keep(index)
            continue
        place = editor.new[node.inputs[0]]
        before = editor.nodes[place]
        if isinstance(node.op, Affine):
            scale, offset = node.op.scale, node.op.offset
        else:
            scale, offset = pair_of(node.op.norm)
        if isinstance(before.op, Normalize):
            norm = _norm_behind(before.op.norm, scale, offset)
            editor.nodes[place] = replace(before, op=Normalize(norm), shape=node.shape)
            editor.drop(index)
        elif isinstance(node.op, Normalize):
            editor.keep(index)
        elif isinstance(before.op, Convolution):
            editor.nodes[place] = replace(before, op=_behind(before.op, scale, offset))
            editor.drop(index)
        elif isinstance(before.op, Affine):
            both = Affine(
                before.op.scale * scale, before.op.offset * scale + offset, before.op.otherwise
            )
            editor.nodes[place] = replace(before, op=both, shape=node.shape)
            editor.drop(index)
        else:
            editor.keep(index)
    return editor.finished()


def _behind(one: Convolution, scale: Tensor, offset: Tensor) -> Convolution:
    """The convolution with a pair behind it; grouped transposed ones have their outputs inside."""
    weight = one.weight.detach()
    n_out = len(scale)
    if one.kind == "ConvTranspose2d":
        n_in, each = weight.shape[:2]
        factors = scale.reshape(one.groups, each).repeat_interleave(n_in // one.groups, 0)
        weight = weight * factors.reshape(n_in, each, 1, 1)
    else:
        weight = weight * scale.reshape(n_out, *(1,) * (weight.dim() - 1))
    bias = offset if one.bias is None else one.bias.detach() * scale + offset
    is_silent = one.bias is None and not offset.any()
    return replace(one, weight=weight, bias=None if is_silent else bias)


def _norm_behind(norm: BatchNorm, scale: Tensor, offset: Tensor) -> BatchNorm:
    """A batch norm with a pair behind it."""
    first = torch.ones_like(scale) if norm.scale is None else norm.scale.detach()
    added = torch.zeros_like(offset) if norm.offset is None else norm.offset.detach()
    return replace(norm, scale=first * scale, offset=added * scale + offset)


def affines_in_next_weights(graph: Graph) -> Rewritten:
    """A pair in front of convolutions becomes part of them, unless they pad what it adds."""
    editor = Editor(graph)
    for index, node in enumerate(graph.nodes):
        pair = node.op if isinstance(node.op, Affine) else _as_pair(graph, index)
        if pair is not None and _can_be_taken(graph, index, pair):
            editor.drop(index)
            continue
        op = node.op
        if isinstance(op, Convolution):
            before = graph.nodes[node.inputs[0]]
            pair = before.op if isinstance(before.op, Affine) else _as_pair(graph, node.inputs[0])
            if pair is not None and _can_be_taken(graph, node.inputs[0], pair):
                op = _in_front(op, pair)
        editor.keep(index, op)
    return editor.finished()


def _can_be_taken(graph: Graph, index: int, pair: Affine) -> bool:
    readers = [graph.nodes[one].op for one in graph.readers()[index]]
    return (
        bool(readers)
        and index not in graph.outputs
        and all(
            isinstance(op, Convolution)
            and op.groups == 1
            and op.kind != "ConvTranspose2d"
            and not (pair.offset.any() and (any(op.padding) or any(op.padding_end or ())))
            for op in readers
        )
    )


def _in_front(one: Convolution, pair: Affine) -> Convolution:
    weight = one.weight.detach()
    rest = (1,) * (weight.dim() - 2)
    added = (weight * pair.offset.reshape(1, -1, *rest)).flatten(1).sum(1)
    bias = added if one.bias is None else one.bias.detach() + added
    is_silent = one.bias is None and not pair.offset.any()
    weight = weight * pair.scale.reshape(1, -1, *rest)
    return replace(one, weight=weight, bias=None if is_silent else bias)


def affines_as_layers(graph: Graph) -> Rewritten:
    """A pair, or a batch norm, on its own becomes a layer with a kernel of 1."""
    editor = Editor(graph)
    for index, node in enumerate(graph.nodes):
        pair = node.op if isinstance(node.op, Affine) else _as_pair(graph, index)
        if pair is None or len(node.shape) > 3:
            editor.keep(index)
            continue
        word = "a factor or sum" if isinstance(node.op, Affine) else "batch norm"
        layer = pointwise(node.shape, torch.diag(pair.scale * ONE), pair.offset)
        editor.keep(index, layer)
        what = f"{word} on its own as a layer with a kernel of 1"
        editor.note(node, what, layer.weight.numel(), cycles(layer, node.shape))
    return editor.finished()


def _as_pair(graph: Graph, index: int) -> Affine | None:
    """A batch norm that no convolution stands before."""
    node = graph.nodes[index]
    if not isinstance(node.op, Normalize):
        return None
    source = node.inputs[0]
    if isinstance(graph.nodes[source].op, Convolution) and graph.is_private(source):
        return None
    scale, offset = pair_of(node.op.norm)
    return Affine(scale, offset, Foreign("batch norm behind no convolution", ""))


def pair_of(norm: BatchNorm) -> tuple[Tensor, Tensor]:
    """Factor and number to add of a batch norm."""
    scale = 1 / torch.sqrt(norm.variance.double() + norm.eps)
    scale = scale if norm.scale is None else scale * norm.scale.detach().double()
    offset = -norm.mean.double() * scale
    offset = offset if norm.offset is None else offset + norm.offset.detach().double()
    return scale.float(), offset.float()
