"""What stands behind the accelerator's last layers, as the section `finish` of a description.

First the tail that `answers` cuts off becomes steps on the ends of the network; when the network is
converted, and its ends have names, shapes and scales, the steps become entries. What no step says,
and what reads it, is left to the application. Changes of shape alone make no section.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ai8x_models.describe.finish_steps import CpuStep, Value, reshaped
from ai8x_models.describe.graph import Graph, View
from ai8x_models.zoo.registry import Shape

# Words that neither C nor YAML take for a name.
_NO_NAMES = frozenset(
    (
        *("auto", "break", "case", "char", "const", "continue", "default", "do", "double", "else"),
        *("enum", "extern", "float", "for", "goto", "if", "inline", "int", "long", "register"),
        *("restrict", "return", "short", "signed", "sizeof", "static", "struct", "switch"),
        *("typedef", "union", "unsigned", "void", "volatile", "while"),
    )
)


@dataclass(frozen=True, slots=True)
class Tail:
    """What the processor does with the network's ends.

    Args:
        graph: as recorded.
        nodes: of it, those behind the ends.
        ends: nodes whose results the accelerator gives, in the order of its outputs.
    """

    graph: Graph
    nodes: frozenset[int]
    ends: tuple[int, ...]

    @property
    def said(self) -> frozenset[int]:
        """Nodes that steps say, with all that they read."""
        found, indices = set(self.ends), set[int]()
        for index, node in enumerate(self.graph.nodes):
            reads_index = any(one in indices for one in node.inputs)
            is_said = bool(node.cpu_steps) and (not reads_index or isinstance(node.op, View))
            if index in self.nodes and is_said and all(one in found for one in node.inputs):
                found.add(index)
                if reads_index or any(step.op == "argmax" for step in node.cpu_steps):
                    indices.add(index)
        return frozenset(found - set(self.ends))

    @property
    def left(self) -> tuple[int, ...]:
        """Nodes that are left to the application."""
        return tuple(sorted(self.nodes - self.said))

    @property
    def results(self) -> tuple[int, ...]:
        """Nodes whose results the steps shall give: the model's answers, and what is read next."""
        said = self.said
        read = {one for index in self.left for one in self.graph.nodes[index].inputs if one in said}
        answers = [one for one in self.graph.outputs if one in said or one in self.ends]
        return tuple(dict.fromkeys((*answers, *sorted(read))))


@dataclass(frozen=True, slots=True)
class End:
    """An output of the accelerator: the layer's name, its shape as steps see it, and the factor by
    which it is larger than the model's.
    """

    name: str
    shape: Shape
    scale: float


@dataclass(frozen=True, slots=True)
class StepEntry:
    """One entry of the section."""

    name: str
    inputs: tuple[str, ...]
    step: CpuStep
    is_result: bool = False

    def to_text(self) -> str:
        """The entry on one line."""
        listed = ", ".join(self.inputs)
        keys: dict[str, object] = {
            "name": self.name,
            "op": self.step.op,
            "input": f"[{listed}]" if len(self.inputs) > 1 else listed,
            **{key: _value_text(value) for key, value in self.step.keys},
        }
        if self.is_result:
            keys["result"] = "true"
        return "{" + ", ".join(f"{key}: {value}" for key, value in keys.items()) + "}"


def _value_text(value: Value) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_value_text, value))}]"
    return str(value) if isinstance(value, int) else f"{value:.9g}"


@dataclass(frozen=True, slots=True)
class _Seen:
    """A tensor: the entry or layer that has its numbers, their shape there, and the one here."""

    source: str
    has: Shape
    shape: Shape
    is_index: bool = False


def finish_entries(tail: Tail, ends: Sequence[End], taken: Sequence[str]) -> tuple[StepEntry, ...]:
    """The section; empty if nothing is done but to change shapes.

    Args:
        tail: what is done.
        ends: outputs of the accelerator, as `tail.ends`.
        taken: names of layers.
    """
    writer = _Writer(tail, ends, taken)
    for node in tail.results:
        writer.add_result(node)
    is_trivial = all(entry.step.op == "reshape" for entry in writer.entries)
    return () if is_trivial else tuple(writer.entries)


class _Writer:
    """Entries so far; what a node needs comes before it."""

    def __init__(self, tail: Tail, ends: Sequence[End], taken: Sequence[str]) -> None:
        self.tail = tail
        self.ends: Mapping[int, End] = dict(zip(tail.ends, ends, strict=True))
        self.names = {name.lower() for name in taken}
        self.entries: list[StepEntry] = []
        self.seen: dict[int, _Seen] = {}

    def add_result(self, node: int) -> None:
        """Let the last entry be this node's result."""
        is_new = node not in self.seen
        seen = self._see(node)
        name = self.tail.graph.nodes[node].name
        last = self.entries[-1] if self.entries else None
        is_last = last is not None and last.name == seen.source and not last.is_result
        if seen.has != seen.shape and not seen.is_index:
            self._add(name, (seen.source,), reshaped(seen.shape))
        elif not (is_new and is_last):
            self._add(f"{name}_answer", (seen.source,), reshaped(seen.has))
        self.entries[-1] = replace(self.entries[-1], is_result=True)

    def _see(self, node: int) -> _Seen:
        if node not in self.seen:
            self.seen[node] = self._end(node) if node in self.ends else self._done(node)
        return self.seen[node]

    def _end(self, node: int) -> _Seen:
        end, shape = self.ends[node], self.tail.graph.nodes[node].shape
        if end.scale == 1:
            return _Seen(end.name, end.shape, shape)
        step = CpuStep("scale", (("factor", 1 / end.scale),), end.shape)
        return _Seen(self._add(f"{end.name}_real", (end.name,), step), end.shape, shape)

    def _done(self, node: int) -> _Seen:
        """A node's steps, one after the other."""
        inputs = [self._see(one) for one in self.tail.graph.nodes[node].inputs]
        name = self.tail.graph.nodes[node].name
        for step in self.tail.graph.nodes[node].cpu_steps:
            if step.op == "reshape":
                inputs = [replace(inputs[0], shape=step.shape)]
                continue
            sources = tuple(self._in_shape(one) for one in inputs)
            source = self._known(sources, step) or self._add(name, sources, step)
            inputs = [_Seen(source, step.shape, step.shape, step.op == "argmax")]
        return inputs[0]

    def _known(self, inputs: tuple[str, ...], step: CpuStep) -> str:
        """The entry that does the same already; empty if there is none."""
        alike = (one.name for one in self.entries if (one.inputs, one.step) == (inputs, step))
        return next(alike, "")

    def _in_shape(self, seen: _Seen) -> str:
        """The entry that has a tensor's numbers in its shape."""
        if seen.has == seen.shape:
            return seen.source
        return self._add(f"{seen.source}_view", (seen.source,), reshaped(seen.shape))

    def _add(self, word: str, inputs: tuple[str, ...], step: CpuStep) -> str:
        name = f"{word}_" if word.lower() in _NO_NAMES else word
        count = 1
        while name.lower() in self.names:
            count += 1
            name = f"{word}_{count}"
        self.names.add(name.lower())
        self.entries.append(StepEntry(name, inputs, step))
        return name


def seen_shape(shape: Shape) -> Shape:
    """A result's shape as steps see it: what is 1 at the end is no axis."""
    while len(shape) > 1 and shape[-1] == 1:
        shape = shape[:-1]
    return shape
