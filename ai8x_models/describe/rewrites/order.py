"""Axes in another order: what cancels, what weights can take along.

Frameworks with channels last turn data on the way into a file's convolutions and back before they
are flattened. The accelerator's order is fixed, so the weights of the layer that reads flattened
data are put in its order instead.
"""

from math import prod

import torch

from ai8x_models.describe.graph import Convolution, Graph, Permute, View
from ai8x_models.describe.rewrites.editor import Editor, Rewritten
from ai8x_models.zoo.registry import Shape


def permutes_cancelled(graph: Graph) -> Rewritten:
    """Two changes of order become one; one that moves nothing but axes of length 1 is a view."""
    editor = Editor(graph)
    for index, node in enumerate(graph.nodes):
        if not isinstance(node.op, Permute):
            editor.keep(index)
            continue
        source = editor.nodes[editor.new[node.inputs[0]]]
        order: Shape = node.op.order
        inputs: Shape = (editor.new[node.inputs[0]],)
        if isinstance(source.op, Permute):
            order, inputs = tuple(source.op.order[axis] for axis in order), source.inputs
        shape = editor.nodes[inputs[0]].shape
        if order == tuple(range(len(shape))):
            editor.new[index] = inputs[0]
            continue
        moved = [axis for axis in order if shape[axis] > 1]
        op = View() if moved == sorted(moved) else Permute(order, node.op.otherwise)
        editor.new[index] = editor.add(node, "", op, inputs, node.shape)
    return editor.finished()


def permutes_in_weights(graph: Graph) -> Rewritten:
    """Data turned and flattened for a fully connected layer: its weights are turned instead."""
    editor = Editor(graph)
    turned: dict[int, tuple[Shape, Permute]] = {}
    for index, node in enumerate(graph.nodes):
        op = node.op
        if isinstance(op, Permute) and _is_flattened_for_linear(graph, index):
            turned[index] = graph.nodes[node.inputs[0]].shape, op
            editor.drop(index)
        elif node.inputs and node.inputs[0] in turned and isinstance(op, View):
            turned[index] = turned[node.inputs[0]]
            editor.keep(index)
        elif isinstance(op, Convolution) and node.inputs[0] in turned:
            shape, permute = turned[node.inputs[0]]
            places = torch.arange(prod(shape)).reshape(shape).permute(permute.order).reshape(-1)
            weight = torch.empty_like(op.weight)
            weight[:, places] = op.weight.detach()
            editor.keep(index, Convolution("Linear", weight, op.bias))
        else:
            editor.keep(index)
    return editor.finished()


def _is_flattened_for_linear(graph: Graph, index: int) -> bool:
    """True if all that reads this, perhaps through views, are fully connected layers."""
    readers = graph.readers()
    found = [index]
    n_linear = 0
    while found:
        one = found.pop()
        for reader in readers[one]:
            op, shape = graph.nodes[reader].op, graph.nodes[one].shape
            if isinstance(op, View):
                found.append(reader)
            elif isinstance(op, Convolution) and op.kind == "Linear" and len(shape) == 1:
                n_linear += 1
            else:
                return False
        if one in graph.outputs:
            return False
    return n_linear > 0
