"""Poolings that the accelerator lacks: with padding, over large windows, of many channels alone."""

from dataclasses import replace
from itertools import product
from math import prod

import torch

from ai8x_models.describe.graph import (
    Activate,
    Clamp,
    Convolution,
    Graph,
    Kind,
    Node,
    Pad,
    PaddedPooling,
    Pooling,
    Slice,
    Upsample,
    View,
)
from ai8x_models.describe.rewrites.editor import ONE, Editor, Rewritten, cycles, pointwise
from ai8x_models.layers.rules import MAX_POOL
from ai8x_models.zoo.registry import Shape
from max78000.facts.chip import MAX78000

_KEEP_SIGNS = (Clamp, Pad, Pooling, Slice, Upsample, View)


def activations_idle(graph: Graph) -> Rewritten:
    """ReLU, or the absolute value, of data that start at 0 changes nothing."""
    editor = Editor(graph)
    for index, node in enumerate(graph.nodes):
        if isinstance(node.op, Activate) and _starts_at_0(graph, node.inputs[0]):
            editor.drop(index)
        else:
            editor.keep(index)
    return editor.finished()


def strides_evened(graph: Graph) -> Rewritten:
    """Along an axis with one window the stride means nothing: it becomes that of the other."""
    editor = Editor(graph)
    for index, node in enumerate(graph.nodes):
        op = node.op
        if isinstance(op, Pooling) and len(set(op.stride)) > 1:
            sizes = (*node.shape[1:], 1, 1)  # a mean keeps no axes
            counts = [stride for stride, n in zip(op.stride, sizes, strict=False) if n > 1]
            stride = (counts or [1])[0]
            if set(counts) <= {stride}:
                op = replace(op, stride=(stride,) * len(op.stride))
        editor.keep(index, op)
    return editor.finished()


def poolings_padded(graph: Graph) -> Rewritten:
    """Padding in front of pooling: zeros, which no maximum of data that start at 0 notices."""
    editor = Editor(graph)
    for index, node in enumerate(graph.nodes):
        op = node.op
        source = node.inputs[0] if node.inputs else 0
        if not isinstance(op, PaddedPooling) or not (
            op.pooling.kind == "avg" or _starts_at_0(graph, source)
        ):
            editor.keep(index)
            continue
        before = graph.nodes[source]
        sizes = zip(before.shape[1:], op.pad.before, op.pad.after, strict=True)
        shape = (before.shape[0], *(n + b + a for n, b, a in sizes))
        padded = editor.add(node, "padded", op.pad, (editor.new[source],), shape)
        editor.nodes.append(replace(node, op=op.pooling, inputs=(padded,)))
        editor.new[index] = len(editor.nodes) - 1
    return editor.finished()


def _starts_at_0(graph: Graph, index: int) -> bool:
    node = graph.nodes[index]
    if isinstance(node.op, Activate) or (isinstance(node.op, Clamp) and node.op.low >= 0):
        return True
    return isinstance(node.op, _KEEP_SIGNS) and _starts_at_0(graph, node.inputs[0])


def pads_as_kernels(graph: Graph) -> Rewritten:
    """Zeros around data that no convolution reads: an identity kernel with this padding."""
    kinds: tuple[Kind, ...] = ("Conv1d", "Conv2d")
    editor = Editor(graph)
    for index, node in enumerate(graph.nodes):
        op = node.op
        if not isinstance(op, Pad) or min((*op.before, *op.after)) < 0 or len(node.shape) > 3:
            editor.keep(index)
            continue
        weight = torch.eye(node.shape[0]) * ONE
        weight = weight.reshape(*weight.shape, *(1,) * len(op.before))
        kind = kinds[len(op.before) - 1]
        end = None if op.before == op.after else op.after
        editor.keep(index, Convolution(kind, weight, None, padding=op.before, padding_end=end))
        editor.note(node, "padding on its own as a layer", weight.numel())
    return editor.finished()


def poolings_split(graph: Graph) -> Rewritten:
    """A window over all of the data, larger than the accelerator's, as two poolings in a row."""
    editor = Editor(graph)
    for index, node in enumerate(graph.nodes):
        op = node.op
        found = _two(graph, node, op) if isinstance(op, Pooling) else None
        if found is None or not isinstance(op, Pooling):
            editor.keep(index)
            continue
        first, second = found
        before = graph.nodes[node.inputs[0]]
        sizes = zip(before.shape[1:], first.size, first.stride, strict=True)
        shape = (before.shape[0], *((n - size) // stride + 1 for n, size, stride in sizes))
        place = editor.add(node, "first", first, (editor.new[node.inputs[0]],), shape)
        editor.nodes.append(replace(node, op=second, inputs=(place,)))
        editor.new[index] = len(editor.nodes) - 1
        words = ["x".join(map(str, one.size)) for one in (op, first, second)]
        rounds = "; the average is rounded twice" if op.kind == "avg" else ""
        editor.note(node, f"pooling over {words[0]} as {words[1]}, then {words[2]}{rounds}")
    return editor.finished()


def poolings_in_layers(graph: Graph) -> Rewritten:
    """Put a layer that copies behind a pooling of more channels than one pass has.

    Down to one pixel all channels can be pooled alone. Source: docs/rules.md, L4.
    """
    editor = Editor(graph)
    for index, node in enumerate(graph.nodes):
        pooled = editor.keep(index)
        if not isinstance(node.op, Pooling) or not _needs_layer(graph, index):
            continue
        n_channels = node.shape[0]
        layer = pointwise(node.shape, torch.eye(n_channels) * ONE)
        editor.new[index] = editor.add(node, "copy", layer, (pooled,), node.shape)
        what = f"pooling of {n_channels} channels in front of no convolution: an identity layer"
        editor.note(node, f"{what} behind it", layer.weight.numel(), cycles(layer, node.shape))
    return editor.finished()


def _needs_layer(graph: Graph, index: int) -> bool:
    n_channels, *sizes = graph.nodes[index].shape
    is_wide = n_channels > MAX78000.n_processors and prod(sizes) > 1
    return is_wide and not _is_pooled_by_layers(graph, index)


def _is_pooled_by_layers(graph: Graph, index: int) -> bool:
    """True if only convolutions read it; activations in between go to the layer before it."""
    readers = graph.readers()[index]
    if index in graph.outputs or not readers:
        return False
    for reader in readers:
        op = graph.nodes[reader].op
        if isinstance(op, Activate | Clamp):
            if not _is_pooled_by_layers(graph, reader):
                return False
        elif not isinstance(op, Convolution) or op.kind not in ("Conv1d", "Conv2d"):
            return False
    return True


def _two(graph: Graph, node: Node, op: Pooling) -> tuple[Pooling, Pooling] | None:
    """Two poolings for one that has a single window."""
    if max(op.size) <= MAX_POOL or set(node.shape[1:]) - {1}:
        return None
    for stride in range(MAX_POOL, 0, -1):
        sizes = [_first_windows(n, stride, op.kind) for n in op.size]
        for size in product(*sizes):
            counts: Shape = tuple(
                (n - one) // stride + 1 for n, one in zip(op.size, size, strict=True)
            )
            steps = (1,) * len(size)
            first = Pooling(op.kind, size, (stride,) * len(size))
            return first, Pooling(op.kind, counts, steps)
    return None


def _first_windows(n: int, stride: int, kind: str) -> list[int]:
    """Windows that cover `n` with this stride: for averages without overlap."""
    sizes = range(stride, MAX_POOL + 1) if kind == "max" else (stride,)
    found = [size for size in sizes if (n - size) % stride == 0 and size <= n]
    found = [size for size in found if (n - size) // stride + 1 <= MAX_POOL]
    return [n] * (n <= MAX_POOL) + found
