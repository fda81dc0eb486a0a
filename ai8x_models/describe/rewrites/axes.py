"""Layers of two axes on data of one, to which an axis of length 1 was added for them.

Exporters write one-dimensional layers so: unsqueeze, a layer whose kernel is 1 along that axis,
squeeze. Read as the layers of one axis that they are, before anything else looks at the graph.
"""

from dataclasses import dataclass, replace

from ai8x_models.describe.graph import (
    Activate,
    Affine,
    Clamp,
    Convolution,
    Graph,
    Normalize,
    Op,
    Pad,
    PaddedPooling,
    Pooling,
    View,
)
from ai8x_models.describe.rewrites.editor import Editor
from ai8x_models.zoo.registry import Shape


def axes_dropped(graph: Graph) -> Graph:
    """The same graph without axes that come and go."""
    thin: dict[int, Op] = {}  # what nodes are without the axis
    shapes: dict[int, Shape | None] = {}
    for index in range(len(graph.nodes)):
        chain = _chain(graph, index)
        if chain is not None:
            axis, nodes = chain
            for one in nodes:
                thin[one] = _without(graph.nodes[one].op, axis) or View()
                shapes[one] = _less(graph.nodes[one].shape, axis)
    if not thin:
        return graph
    editor = Editor(graph)
    for index in range(len(graph.nodes)):
        if index not in thin:
            editor.keep(index)
        elif isinstance(thin[index], View):
            editor.drop(index)
        else:
            place = editor.keep(index, thin[index], shapes[index])
            editor.nodes[place] = replace(editor.nodes[place], cpu_steps=())
    return editor.finished()[0]


def _chain(graph: Graph, index: int) -> tuple[int, list[int]] | None:
    """An axis that a view adds, and all nodes up to the view that takes it away."""
    node = graph.nodes[index]
    if not isinstance(node.op, View) or len(node.shape) != 3:
        return None
    before = graph.nodes[node.inputs[0]].shape
    axes = [axis for axis in (1, 2) if _less(node.shape, axis) == before]
    return next(filter(None, (_end(graph, index, axis) for axis in axes)), None)


def _end(graph: Graph, index: int, axis: int) -> tuple[int, list[int]] | None:
    readers, found, has_layer = graph.readers(), [index], False
    while graph.is_private(found[-1]):
        following = readers[found[-1]][0]
        node, before = graph.nodes[following], graph.nodes[found[-1]]
        found.append(following)
        if isinstance(node.op, View) and node.shape == _less(before.shape, axis):
            return (axis, found) if has_layer else None
        if _without(node.op, axis) is None or len(node.shape) != 3 or node.shape[axis] != 1:
            return None
        has_layer = has_layer or isinstance(node.op, Convolution | Pooling | PaddedPooling)
    return None


def _less(shape: Shape, axis: int) -> Shape | None:
    """A shape without an axis of length 1."""
    return (*shape[:axis], *shape[axis + 1 :]) if shape[axis] == 1 else None


def _without(op: Op, axis: int) -> Op | None:
    """The operation on the other axis; None if it does something along this one."""
    other = _Other(axis)
    found: Op | None = None
    match op:
        case Activate() | Clamp() | Normalize() | Affine():
            found = op
        case Convolution(kind="Conv2d"):
            found = _convolution(op, axis)
        case Pooling(kind, size, stride) if other.is_idle(size, 1):
            found = Pooling(kind, other.of(size), other.of(stride))
        case Pad(before, after, otherwise) if other.is_idle((*before, *after), 0):
            found = Pad(other.of(before), other.of(after), otherwise)
        case PaddedPooling(pooling, pad):
            match _without(pooling, axis), _without(pad, axis):
                case (Pooling() as thin, Pad() as thin_pad):
                    found = PaddedPooling(thin, thin_pad)
    return found


def _convolution(op: Convolution, axis: int) -> Convolution | None:
    other = _Other(axis)
    padding, end = op.each(op.padding), op.padding_end
    is_idle = op.weight.shape[1 + axis] == 1 and other.is_idle(padding, 0)
    if not is_idle or (end is not None and not other.is_idle(op.each(end), 0)):
        return None
    return replace(
        op,
        kind="Conv1d",
        weight=op.weight.squeeze(1 + axis),
        stride=other.of(op.each(op.stride)),
        padding=other.of(padding),
        dilation=other.of(op.each(op.dilation)),
        padding_end=None if end is None else other.of(op.each(end)),
    )


@dataclass(frozen=True, slots=True)
class _Other:
    """Sizes of rows and columns, of which those along `axis` (1 or 2) mean nothing."""

    axis: int

    def of(self, sizes: Shape) -> Shape:
        """The other size."""
        return (sizes[2 - self.axis],)

    def is_idle(self, sizes: Shape, nothing: int) -> bool:
        """True if sizes along the axis, of every two, do nothing."""
        return all(size == nothing for size in sizes[self.axis - 1 :: 2])
