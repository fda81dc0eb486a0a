"""Axes in another order: what cancels, what weights can take along.

Frameworks with channels last turn data on the way into a file's convolutions and back before they
are flattened. The accelerator's order is fixed, so the weights of the layer that reads flattened
data are put in its order instead.
"""

from dataclasses import replace
from math import prod

import torch

from ai8x_models.describe.finish_steps import CpuStep, CpuSteps, reshaped
from ai8x_models.describe.graph import Convolution, Graph, Permute, View
from ai8x_models.describe.rewrites.editor import Editor, Rewritten
from ai8x_models.zoo.registry import Shape


def permutes_cancelled(graph: Graph) -> Rewritten:
    """Two changes of order become one; one that moves nothing but axes of length 1 is a view."""
    editor = Editor(graph)
    for index, node in enumerate(graph.nodes):
        op = node.op
        if not isinstance(op, Permute):
            editor.keep(index)
            continue
        source = editor.nodes[editor.new[node.inputs[0]]]
        order: Shape = op.order
        inputs: Shape = (editor.new[node.inputs[0]],)
        if isinstance(source.op, Permute):
            order, inputs = tuple(source.op.order[axis] for axis in order), source.inputs
            node = replace(node, cpu_steps=_steps(order, node.shape))  # noqa: PLW2901 - of both
        shape = editor.nodes[inputs[0]].shape
        if order == tuple(range(len(shape))):
            editor.new[index] = inputs[0]
            continue
        moved = [axis for axis in order if shape[axis] > 1]
        moves = moved != sorted(moved)
        new = Permute(order, op.otherwise) if moves else View()
        editor.new[index] = editor.add(node, "", new, inputs, node.shape)
    return editor.finished()


def views_merged(graph: Graph) -> Graph:
    """A view of a view is one of what that shows."""
    editor = Editor(graph)
    for index, node in enumerate(graph.nodes):
        place = editor.keep(index)
        if isinstance(node.op, View):
            before = editor.nodes[editor.nodes[place].inputs[0]]
            if isinstance(before.op, View):
                steps = (reshaped(node.shape),)
                editor.nodes[place] = replace(node, inputs=before.inputs, cpu_steps=steps)
    return editor.finished()[0]


def _steps(order: Shape, shape: Shape) -> CpuSteps:
    return (CpuStep("permute", (("dims", order),), shape),)


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
