"""Activations that no convolution stands before: a layer that copies data is put there for them."""

from dataclasses import replace

import torch

from ai8x_models.describe.fused import is_known_clamp
from ai8x_models.describe.graph import (
    Activate,
    Clamp,
    Convolution,
    Graph,
    Node,
    Normalize,
    Pooling,
)
from ai8x_models.describe.rewrites.editor import ONE, Editor, Rewritten, cycles, pointwise
from max78000.facts.fixed import Activation


def activations_behind_layers(graph: Graph) -> Rewritten:
    """Put a layer of identity weights with a kernel of 1 before an activation without one."""
    editor = Editor(graph)
    for index, node in enumerate(graph.nodes):
        if not _needs_layer(graph, node):
            editor.keep(index)
            continue
        source = editor.new[node.inputs[0]]
        layer = pointwise(node.shape, torch.eye(node.shape[0]) * ONE)
        before = editor.add(node, "copy", layer, (source,), node.shape)
        editor.nodes.append(replace(node, inputs=(before,)))
        editor.new[index] = len(editor.nodes) - 1
        word = "a limit" if isinstance(node.op, Clamp) else "an activation"
        what = f"{word} behind no convolution: an identity layer in front of it"
        editor.note(node, what, layer.weight.numel(), cycles(layer, node.shape))
    return editor.finished()


def _needs_layer(graph: Graph, node: Node) -> bool:
    """True for activations behind anything but a convolution, its batch norm, or its pooling."""
    if not isinstance(node.op, Activate | Clamp) or not 1 <= len(node.shape) <= 3:
        return False
    if isinstance(node.op, Clamp) and not (
        node.op.is_scaled or (node.op.low == 0 and is_known_clamp(node.op))
    ):
        return False  # every layer does that anyway, or none does
    source = node.inputs[0]
    before = graph.nodes[source]
    is_relu = node.op == Activate(Activation.RELU)
    if isinstance(before.op, Pooling) and before.op.kind == "max" and is_relu:
        if not graph.is_private(source):
            return True
        source = before.inputs[0]
        before = graph.nodes[source]
    while isinstance(before.op, Normalize | Activate) and graph.is_private(source):
        if isinstance(before.op, Activate) and not isinstance(node.op, Clamp):
            return True
        source = before.inputs[0]
        before = graph.nodes[source]
    return not (isinstance(before.op, Convolution) and graph.is_private(source))
