"""Kernels and paddings that the accelerator lacks, as larger kernels with zeros in them."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ai8x_models.describe.graph import Convolution, Graph, Node, Op, Pad, Pooling
from ai8x_models.describe.rewrites.editor import Editor, Rewritten, cycles, layer_of
from ai8x_models.layers.rules import MAX_PADDING, MAX_TAPS
from ai8x_models.zoo.registry import Shape


def pads_joined(graph: Graph) -> Rewritten:
    """Zeros around data that have zeros around them already are put there at once."""
    editor = Editor(graph)
    readers = graph.readers()
    joined: dict[int, Pad] = {}
    for index, node in enumerate(graph.nodes):
        op = node.op
        if isinstance(op, Pad) and node.inputs[0] in joined:
            first = joined[node.inputs[0]]
            before, after = sums(first.before, op.before), sums(first.after, op.after)
            op = replace(op, before=before, after=after)
        is_read_by_pads = index not in graph.outputs and all(
            isinstance(graph.nodes[one].op, Pad) for one in readers[index]
        )
        # Zeros do not bring back what was cut off.
        if isinstance(op, Pad) and min((*op.before, *op.after)) >= 0 and is_read_by_pads:
            joined[index] = op
            editor.drop(index)
        else:
            editor.keep(index, op)
    return editor.finished()


def pads_absorbed(graph: Graph) -> Rewritten:
    """Zeros put around the data become the padding of the convolutions that read them.

    Others that read them keep them.
    """
    editor = Editor(graph)
    readers = graph.readers()
    for index, node in enumerate(graph.nodes):
        op = node.op
        takers = [_takes(graph.nodes[one].op, op) for one in readers[index]]
        if index not in graph.outputs and takers and all(takers):
            editor.drop(index)
            continue
        place = editor.keep(index)
        before = graph.nodes[node.inputs[0]] if node.inputs else node
        if isinstance(op, Convolution) and isinstance(before.op, Pad) and _takes(op, before.op):
            source = editor.new[before.inputs[0]]
            editor.nodes[place] = replace(node, op=_padded(op, before.op), inputs=(source,))
    return editor.finished()


def _takes(op: Op, pad: Op) -> bool:
    """True for a convolution that can have this padding."""
    is_convolution = isinstance(op, Convolution) and op.kind in ("Conv1d", "Conv2d")
    return is_convolution and isinstance(pad, Pad) and min((*pad.before, *pad.after)) >= 0


def sides_of(one: Convolution) -> tuple[tuple[int, int], ...]:
    """Padding before and behind the data, for each axis."""
    before, after = one.each(one.padding), one.each(one.padding_end or one.padding)
    return tuple(zip(before, after, strict=True))


def spans_of(one: Convolution) -> Shape:
    """Positions from the first tap to the last, for each axis."""
    sizes = zip(one.weight.shape[2:], one.each(one.dilation), strict=True)
    return tuple((size - 1) * step + 1 for size, step in sizes)


def _padded(one: Convolution, pad: Pad) -> Convolution:
    before = sums(one.each(one.padding), pad.before)
    after = sums(one.each(one.padding_end or one.padding), pad.after)
    return replace(one, padding=before, padding_end=None if before == after else after)


def sums(some: Shape, others: Shape) -> Shape:
    """Sizes added, one an axis."""
    return tuple(one + other for one, other in zip(some, others, strict=True))


def groups_dense(graph: Graph) -> Rewritten:
    """Grouped and depthwise convolutions become full ones, with zeros between the groups."""
    editor = Editor(graph)
    for index, node in enumerate(graph.nodes):
        if not isinstance(node.op, Convolution) or node.op.groups == 1:
            editor.keep(index)
            continue
        weight = _dense(node.op)
        layer = replace(node.op, weight=weight, groups=1)
        editor.keep(index, layer)
        more_cycles = cycles(layer, node.shape) - cycles(node.op, node.shape)
        more_weights = weight.numel() - node.op.weight.numel()
        what = f"{node.op.groups} groups as one, with zeros"
        editor.note(node, what, more_weights, more_cycles)
    return editor.finished()


def _dense(one: Convolution) -> Tensor:
    """Each group's block on the diagonal; in either order of axes the first has the groups."""
    given = one.weight.detach()
    blocks = given.chunk(one.groups, 0)
    rows, columns = blocks[0].shape[:2]
    full = torch.zeros(given.shape[0], columns * one.groups, *given.shape[2:])
    for place, block in enumerate(blocks):
        full[rows * place : rows * (place + 1), columns * place : columns * (place + 1)] = block
    return full


@dataclass(frozen=True, slots=True)
class _Fit:
    """How the taps of one axis lie in a larger kernel."""

    size: int
    padding: int
    first: int  # of the taps
    rest: int  # positions at the end of the result that are too many


def kernels_padded(graph: Graph) -> Rewritten:
    """Narrow kernels, even ones and padding on one side become square kernels with zeros.

    Positions that are too many at the end are allowed where a pooling or a stride behind leaves
    them out.
    """
    editor = Editor(graph)
    shapes: dict[int, Shape] = {}
    for index, node in enumerate(graph.nodes):
        op = node.op
        is_odd = isinstance(op, Convolution) and not is_plain(op)
        found = _fitted(graph, index, op) if is_odd and isinstance(op, Convolution) else None
        if found is None or not isinstance(op, Convolution):
            editor.keep(index, shape=shapes.get(index))
            continue
        layer, rest = found
        shape = node.shape[0], *sums(node.shape[1:], rest)
        shapes |= dict.fromkeys(layer_of(graph, index), shape)
        editor.keep(index, layer, shape)
        more = layer.weight.numel() - op.weight.numel()
        sizes = ["x".join(map(str, one.weight.shape[2:])) for one in (op, layer)]
        what = f"a kernel of {sizes[0]}, with its padding, as one of {sizes[1]} with zeros"
        more_cycles = cycles(layer, shape) - cycles(layer, node.shape)
        editor.note(node, what, more, more_cycles)
    return editor.finished()


def is_plain(one: Convolution) -> bool:
    """True for what a layer has, or what this cannot help."""
    if one.kind not in ("Conv1d", "Conv2d") or one.groups > 1:
        return True
    sizes = one.weight.shape[2:]
    is_square = len(set(sizes)) == 1 and len(set(one.each(one.padding))) == 1
    least = min(sizes) - 1
    return (
        one.padding_end is None
        and is_square
        and (_has_taps_1d(one) if one.kind == "Conv1d" else _has_taps_2d(one))
        and max(one.padding) <= min(MAX_PADDING, least)
    )


def _has_taps_1d(one: Convolution) -> bool:
    (n_taps,), (span,) = one.weight.shape[2:], spans_of(one)
    is_spread = span - 1 >= MAX_TAPS and max(one.dilation) > 1
    return n_taps <= MAX_TAPS and not (is_spread and (n_taps > 3 or any(one.padding)))


def _has_taps_2d(one: Convolution) -> bool:
    n_taps = max(one.weight.shape[2:])
    return n_taps == 1 or (n_taps == 3 and set(one.dilation) == {1})


def _fitted(graph: Graph, index: int, one: Convolution) -> tuple[Convolution, Shape] | None:
    """The larger kernel, and the rows and columns of its result that are too many."""
    sizes = (3,) if one.kind == "Conv2d" else tuple(range(1, MAX_TAPS + 1))
    for rest in (0, 1, 2):
        for size in sizes:
            for padding in range(min(MAX_PADDING, size - 1) + 1):
                fits = [
                    _fit(span, sides, size, padding)
                    for span, sides in zip(spans_of(one), sides_of(one), strict=True)
                ]
                known = [fit for fit in fits if fit is not None and fit.rest <= rest]
                if len(known) < len(fits):
                    continue
                extra = tuple(fit.rest for fit in known)
                if not any(extra) or rest_is_left_out(graph, index, one, extra):
                    return _embedded(one, known), kept(one, extra)
    return None


def _fit(span: int, sides: tuple[int, int], size: int, padding: int) -> _Fit | None:
    first = padding - sides[0]
    rest = 2 * padding - size + span - sum(sides)
    return (
        _Fit(size, padding, first, rest)
        if first >= 0 <= rest <= 2 and first + span <= size
        else None
    )


def _embedded(one: Convolution, fits: list[_Fit]) -> Convolution:
    given = one.weight.detach()
    weight = torch.zeros(*given.shape[:2], *(fit.size for fit in fits))
    places = [
        slice(fit.first, fit.first + (size - 1) * step + 1, step)
        for fit, size, step in zip(fits, given.shape[2:], one.each(one.dilation), strict=True)
    ]
    weight[(slice(None), slice(None), *places)] = given
    padding = tuple(fit.padding for fit in fits)
    return replace(one, weight=weight, padding=padding, padding_end=None, dilation=(1,))


def kept(one: Convolution, rest: Shape) -> Shape:
    """How much longer the result is: not at all where the stride leaves the rest out."""
    return rest if set(one.stride) == {1} else (0,) * len(rest)


def rest_is_left_out(graph: Graph, index: int, one: Convolution, rest: Shape) -> bool:
    """True if the stride, or the poolings that read the result, never reach its longer end."""
    shape = graph.nodes[index].shape[1:]
    if set(one.stride) != {1}:
        source = graph.nodes[graph.nodes[index].inputs[0]].shape[1:]
        longer = [
            (n + sum(sides) + extra - span) // stride + 1
            for n, sides, extra, span, stride in zip(
                source, sides_of(one), rest, spans_of(one), one.each(one.stride), strict=True
            )
        ]
        return tuple(longer) == tuple(shape)
    index = layer_of(graph, index)[-1]
    readers = [graph.nodes[reader] for reader in graph.readers()[index]]
    return (
        index not in graph.outputs
        and bool(readers)
        and all(
            isinstance(reader.op, Pooling) and _ignores(reader, sums(shape, rest))
            for reader in readers
        )
    )


def _ignores(node: Node, shape: Shape) -> bool:
    assert isinstance(node.op, Pooling)
    sizes = zip(shape, node.op.size, node.op.stride, strict=True)
    return tuple((n - size) // stride + 1 for n, size, stride in sizes) == node.shape[1:]
