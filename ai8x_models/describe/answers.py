"""What the application does with a network's answers: cut off the graph, and named.

At its end a network may rearrange, join, or normalize what the last layers give; that is left to
the processor. In the middle the same steps are refused, by `convert`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from ai8x_models.describe.finish import Tail
from ai8x_models.describe.graph import (
    Activate,
    Affine,
    Clamp,
    Concat,
    Foreign,
    Graph,
    Join,
    Node,
    Op,
    Permute,
    Slice,
    View,
)

_FOLLOWERS = (Concat, Join, Affine, Activate, Clamp, Slice, Foreign)  # done where their data are


def without_tail(graph: Graph) -> tuple[Graph, Tail]:
    """Cut off what the application can do with the answers, and what leads to no answer."""
    readers = graph.readers()
    behind = _behind_cpu(graph)
    tail: set[int] = set()
    for index in reversed(range(len(graph.nodes))):
        op = graph.nodes[index].op
        is_rest = isinstance(op, View) or _is_on_cpu(op)
        is_rest = is_rest or (isinstance(op, _FOLLOWERS) and index in behind)
        if is_rest and all(reader in tail for reader in readers[index]):
            tail.add(index)
    ends = [end for index in graph.outputs for end in _ends(graph, index, tail)]
    for index in ends:  # what a layer gave, seen in another shape, is no end
        while isinstance(graph.nodes[index].op, View) and index not in tail:
            tail.add(index)
            (index,) = graph.nodes[index].inputs  # noqa: PLW2901 - the node before
    ends = [end for index in graph.outputs for end in _ends(graph, index, tail)]
    distinct = tuple(dict.fromkeys(ends))
    return restricted(graph, distinct), Tail(graph, frozenset(tail), distinct)


def words_of(graph: Graph, nodes: Iterable[int]) -> tuple[str, ...]:
    """What is done by some nodes, each word once."""
    words = (_words(graph.nodes[index].op) for index in sorted(nodes))
    return tuple(dict.fromkeys(word for word in words if word))


def _is_on_cpu(op: Op) -> bool:
    refusal = op if isinstance(op, Foreign) else getattr(op, "otherwise", None)
    is_layer_like = isinstance(op, Affine)  # weights take it along
    return refusal is not None and refusal.on_cpu and not is_layer_like


def _behind_cpu(graph: Graph) -> set[int]:
    """Nodes that read what no layer could give: data rearranged, or steps of the processor's."""
    found: set[int] = set()
    for index, node in enumerate(graph.nodes):
        for source in node.inputs:
            before = graph.nodes[source]
            is_reshaped = isinstance(before.op, View) and (
                before.shape[:1] != graph.nodes[before.inputs[0]].shape[:1]
            )
            is_follower = isinstance(before.op, (*_FOLLOWERS, View))
            if _is_on_cpu(before.op) or is_reshaped or (is_follower and source in found):
                found.add(index)
    return found


def _words(op: Op) -> str:
    match op:
        case Foreign(why) | Permute(otherwise=Foreign(why)) | Slice(otherwise=Foreign(why)):
            return why
        case Affine(otherwise=Foreign(why)):
            return why
        case Concat():
            return "tensors joined"
        case Join() | Activate() | Clamp():
            return "element-wise steps"
        case _:
            return ""


def _ends(graph: Graph, index: int, tail: set[int]) -> Iterator[int]:
    """Where the network ends on the way to this node."""
    if index not in tail:
        yield index
        return
    for source in graph.nodes[index].inputs:
        yield from _ends(graph, source, tail)


def restricted(graph: Graph, outputs: tuple[int, ...]) -> Graph:
    """Only what these outputs need, without views that change nothing."""
    needed = {0, *outputs}
    for index in reversed(range(len(graph.nodes))):
        if index in needed:
            needed.update(graph.nodes[index].inputs)
    new: dict[int, int] = {}
    nodes: list[Node] = []
    for index, node in enumerate(graph.nodes):
        if index not in needed:
            continue
        source = node.inputs[0] if node.inputs else 0
        is_idle = isinstance(node.op, View) and node.shape == graph.nodes[source].shape
        if is_idle:
            new[index] = new[source]
            continue
        new[index] = len(nodes)
        nodes.append(replace(node, inputs=tuple(new[one] for one in node.inputs)))
    return Graph(tuple(nodes), tuple(dict.fromkeys(new[index] for index in outputs)))
