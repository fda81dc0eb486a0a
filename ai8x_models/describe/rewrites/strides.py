"""Strides: a convolution with stride 1, of whose result the next layer reads every second row."""

from dataclasses import replace

import torch

from ai8x_models.describe.fused import is_fold_reader, is_foldable
from ai8x_models.describe.graph import (
    Convolution,
    Graph,
    Node,
    Pooling,
)
from ai8x_models.describe.rewrites.editor import Editor, Rewritten, cycles, layer_of
from ai8x_models.zoo.registry import Shape
from max78000.facts.chip import MAX78000


def first_stride_folded(graph: Graph) -> Rewritten:
    """The first layer's kernel with stride r, within 3r x 3r, as one for the folded picture."""
    editor = Editor(graph)
    for index, node in enumerate(graph.nodes):
        op = node.op
        is_first = isinstance(op, Convolution) and graph.readers()[0] == [index]
        if is_first and isinstance(op, Convolution) and _fits_fold(op, graph.nodes[0], node):
            ratio = op.stride[0]
            weight = torch.zeros(*op.weight.shape[:2], 3 * ratio, 3 * ratio)
            top, left = (ratio - n for n in op.each(op.padding))
            rows, columns = op.weight.shape[2:]
            weight[:, :, top : top + rows, left : left + columns] = op.weight.detach()
            more = weight.numel() - op.weight.numel()
            what = (
                f"a kernel of {rows}x{columns} with stride {ratio} on the picture folded by {ratio}"
            )
            editor.note(node, what, more)
            op = replace(op, weight=weight, padding=(ratio,), padding_end=None)
        editor.keep(index, op)
    return editor.finished()


def _fits_fold(one: Convolution, source: Node, node: Node) -> bool:
    if one.kind != "Conv2d" or one.groups > 1 or is_foldable(one):
        return False
    ratio = one.stride[0]
    ends = [
        size - before
        for size, before in zip(one.weight.shape[2:], one.each(one.padding), strict=True)
    ]
    return (
        (set(one.stride), set(one.dilation)) == ({ratio}, {1})
        and ratio > 1
        and ratio**2 * source.shape[0] <= MAX78000.max_channels
        and max(one.padding) <= ratio
        and max(ends) <= 2 * ratio
        and tuple(ratio * n for n in node.shape[1:]) == source.shape[1:]
    )


def strides_skipped(graph: Graph) -> Rewritten:
    """Stride 1, then pooling over one pixel with the stride, behind batch norm and activation.

    Kernels of one pixel skip in front instead, and the first layer of a picture that can be folded
    needs none of this; `fused` makes both.
    """
    editor = Editor(graph)
    skips: dict[int, tuple[int, ...]] = {}  # end of a chain -> strides
    shapes: dict[int, Shape] = {}
    for index, node in enumerate(graph.nodes):
        op = node.op
        if isinstance(op, Convolution) and _skips(graph, index, op):
            shape = _with_stride_1(graph, index, op)
            chain = layer_of(graph, index)
            shapes |= dict.fromkeys(chain, shape)
            skips[chain[-1]] = op.each(op.stride)
            op = replace(op, stride=(1,))
            more = cycles(op, shape) - cycles(op, node.shape)
            words = "x".join(map(str, skips[chain[-1]]))
            what = f"stride {words} as stride 1, of whose result the next layer skips the rest"
            editor.note(node, what, 0, more)
        place = editor.keep(index, op, shapes.get(index))
        if index in skips:
            stride = skips[index]
            pool = Pooling("max", (1,) * len(stride), stride)
            editor.new[index] = editor.add(node, "skip", pool, (place,), node.shape)
    return editor.finished()


def _skips(graph: Graph, index: int, op: Convolution) -> bool:
    if op.kind not in ("Conv1d", "Conv2d") or set(op.stride) == {1}:
        return False
    if set(op.weight.shape[2:]) == {1} and not any(op.padding) and len(set(op.stride)) == 1:
        return False
    return not (is_foldable(op) and is_fold_reader(graph, index, op.stride[0]))


def _with_stride_1(graph: Graph, index: int, op: Convolution) -> Shape:
    node = graph.nodes[index]
    source = graph.nodes[node.inputs[0]].shape[1:]
    before, after = op.each(op.padding), op.each(op.padding_end or op.padding)
    spans = ((n - 1) * d for n, d in zip(op.weight.shape[2:], op.each(op.dilation), strict=True))
    sizes = zip(source, before, after, spans, strict=True)
    return (node.shape[0], *(n + b + a - span for n, b, a, span in sizes))
