"""Graph -> Graph in which every join can be placed: gaps where tensors are read in turn, copies.

A tensor written with a gap is of use to one join only, because the engine has no read gap. If
another layer reads it too, the join gets a copy that a pass-through layer makes just before it.
Descriptions that place every layer themselves are left alone.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from max78000.errors import CapacityError, ToolError, UnsupportedError, raise_all
from max78000.facts.chip import Chip
from synthesis.graph.copies import as_convolution
from synthesis.graph.ir import BUFFER, INPUT, Graph, Layer, Producer
from synthesis.lower.hardware import Passes
from synthesis.place.joins import Join, has_gap, join_of, lanes_of_parts, width_of
from synthesis.place.processors import is_explicit
from synthesis.place.tied import Tied
from synthesis.read.description import Operator

Copier = Callable[["_Rebuilt", Producer, Layer], Layer]


@dataclass(frozen=True, slots=True)
class _Use:
    """A layer reads a tensor as one of several. `position` counts in the layer's producers."""

    reader: Layer
    position: int
    gap: int


def arrange(graph: Graph, chip: Chip) -> Graph:
    """Insert the copies that joins need, and say which tensors are written with a gap.

    Raises:
        CapacityError: more layers than the chip has, copies included.
        UnsupportedError: channels that cannot be joined.
    """
    if is_explicit(graph):
        return graph
    raise_all(_part_problems(graph, chip))
    arranged = _with_copies_for_lanes(_with_copies_for_gaps(graph, chip), chip)
    n_copies = len(arranged.layers) - len(graph.layers)
    if len(arranged.layers) > chip.n_layers:
        raise CapacityError(
            f"{len(graph.layers)} layers and {n_copies} copies for joins that share their tensors "
            f"with other layers, the chip has {chip.n_layers}",
            where=graph.source,
            fix="join fewer tensors, or merge pooling into the convolution that follows",
            rule="G5",
        )
    return _with_gaps(arranged, chip)


def _part_problems(graph: Graph, chip: Chip) -> list[ToolError]:
    """Joins that cannot be: too wide side by side, or in several passes and not of equal parts."""
    n_processors, step = chip.n_processors, chip.processors_per_instance
    problems: list[ToolError] = []
    for layer in graph.layers:
        counts = [graph.shape_of(source).channels for source in layer.sources]
        n_lanes = lanes_of_parts(layer, graph, chip)[-1] + counts[-1]
        if join_of(layer, graph, chip) is Join.LANES and n_lanes > n_processors:
            why = f"joins {' + '.join(map(str, counts))} channels: {n_lanes} of {n_processors} "
            why += f"processors, as each tensor starts at a multiple of {step}"
            fix = f"make all but the last a multiple of {step} channels"
            problems.append(UnsupportedError(why, where=layer.where, fix=fix, rule="P10"))
        if join_of(layer, graph, chip) is not Join.PASSES:
            continue
        passes = Passes.of(layer.in_shape.channels, chip)
        if set(counts) != {passes.width} or passes.n != len(counts):
            why = f"joins {' + '.join(map(str, counts))} channels, more than {n_processors}, in "
            why += "unequal parts"
            fix = f"join equal parts of at most {n_processors} channels, a multiple of {step}"
            problems.append(UnsupportedError(why, where=layer.where, fix=fix, rule="P1"))
    return problems


def _uses(graph: Graph, chip: Chip) -> dict[Producer, list[_Use]]:
    """Who reads each tensor, and with which gap."""
    uses: dict[Producer, list[_Use]] = defaultdict(list)
    for layer in graph.layers:
        gap = len(layer.sources) - 1 if has_gap(join_of(layer, graph, chip)) else 0
        for position, source in enumerate(layer.sources):
            uses[source].append(_Use(layer, position, gap))
    return uses


def _needs_copies(source: Producer, uses: list[_Use], graph: Graph) -> bool:
    """True if those who want a gap cannot read the tensor itself."""
    # Quirk no-read-gap: only what reads in turn can pass over words.
    if not any(use.gap for use in uses):
        return False
    layer = graph.layer_of(source)
    if layer is None:
        return True  # what no layer writes has no gaps
    if layer.constraints.write_gap is not None:
        return False
    places = {(use.position, use.gap, use.reader.sources) for use in uses}
    return len(places) > 1


def _with_copies_for_gaps(graph: Graph, chip: Chip) -> Graph:
    """Pass-through layers for joins that want a gap where others read the tensor too."""
    uses = _uses(graph, chip)
    copied = {source for source in uses if _needs_copies(source, uses[source], graph)}
    rebuilt = _Rebuilt(graph)
    for layer in graph.layers:
        is_gapped = has_gap(join_of(layer, graph, chip))
        rebuilt.append(
            layer,
            {
                position: _passing_copy
                for position, source in enumerate(layer.sources)
                if is_gapped and source in copied
            },
        )
    return rebuilt.graph()


def _with_copies_for_lanes(graph: Graph, chip: Chip) -> Graph:
    """Copies to other processors where a tensor would have to be in two places at once.

    Tensors side by side, operands, and what a pass-through layer reads and writes lie at fixed
    distances. A tensor whose distances contradict each other is copied for the join at fault.
    """
    ties = _LaneTies(graph, chip)
    rebuilt = _Rebuilt(graph)
    for layer in graph.layers:
        copied = ties.join(layer)
        if layer.kernel is None:
            ties.pass_on(layer)
        rebuilt.append(layer, dict.fromkeys(copied, _convolving_copy))
    return rebuilt.graph()


@dataclass(frozen=True, slots=True)
class _Copy:
    """A copy, still to be made, of what a layer reads at a position among its producers."""

    reader: int  # index
    position: int


Node = Producer | _Copy


class _LaneTies:
    """Distances between the lanes of tensors, as far as the layers looked at fix them."""

    def __init__(self, graph: Graph, chip: Chip) -> None:
        self.graph = graph
        self.chip = chip
        self.tied = Tied[Node](graph.producers)
        self.widths: dict[Node, int] = {
            source: width_of(graph, source, chip) for source in graph.producers
        }
        self.inputs: dict[int, Node] = {}  # layer -> its first tensor, or the copy of it

    def join(self, layer: Layer) -> tuple[int, ...]:
        """Tie what a layer reads; returns the positions of the tensors that need a copy for that.

        First those that contradict what is tied, and if the copies have no room beside the others,
        all of them.
        """
        for is_copied in (False, True):
            trial = self.tied.copy()
            nodes = self._try(layer, trial, is_copied=is_copied)
            if nodes:
                break
        else:
            nodes = [*layer.sources]  # the rules will say what is wrong
        self.tied = trial
        self.inputs[layer.index] = nodes[0]
        pairs = enumerate(zip(nodes, layer.sources, strict=True))
        return tuple(position for position, (node, source) in pairs if node != source)

    def pass_on(self, layer: Layer) -> None:
        """A layer without weights leaves its channels where they are."""
        self.tied.tie(self.inputs[layer.index], layer.as_producer, 0)

    def _try(self, layer: Layer, trial: Tied[Node], *, is_copied: bool) -> list[Node]:
        """The tensors, or copies in their place, tied as the layer reads them; empty: no room."""
        nodes: list[Node] = []
        lanes = lanes_of_parts(layer, self.graph, self.chip)
        for position, (source, lane) in enumerate(zip(layer.sources, lanes, strict=True)):
            node: Node = source
            if is_copied or (nodes and not self._tie(trial, nodes[0], source, lane)):
                node = _Copy(layer.index, position)
                self.widths[node] = self.widths[source]
                trial.add(node)
                if nodes and not self._tie(trial, nodes[0], node, lane):
                    return []
            nodes.append(node)
        return nodes

    def _tie(self, tied: Tied[Node], first: Node, second: Node, by: int) -> bool:
        """Tie two tensors if that contradicts nothing and all still fit side by side."""
        group = tied.joined(first, second, by)
        span = max(lane + self.widths[node] for node, lane in group.items())
        return span <= self.chip.n_processors and tied.tie(first, second, by)


class _Rebuilt:
    """A graph in the making: layers one by one, with copies in front of those that need them."""

    def __init__(self, graph: Graph) -> None:
        self.before = graph
        self.names = {layer.name.lower() for layer in graph.layers}
        self.producers = {source: source for source in (BUFFER, INPUT)}  # old -> new
        self.layers: list[Layer] = []

    def append(self, layer: Layer, copies: Mapping[int, Copier]) -> None:
        """The next layer; `copies` says, by position, who copies one of its producers."""
        sources = tuple(
            self._append(copies[position](self, source, layer))
            if position in copies
            else self.producers[source]
            for position, source in enumerate(layer.sources)
        )
        self.producers[layer.as_producer] = self._append(replace(layer, sources=sources))

    def graph(self) -> Graph:
        """The new graph."""
        return replace(self.before, layers=tuple(self.layers))

    def new_name(self, source: Producer) -> str:
        """A name for a copy."""
        layer = self.before.layer_of(source)
        stem = "input" if layer is None else layer.name
        name, n = f"{stem}_copy", 1
        while name.lower() in self.names:
            n += 1
            name = f"{stem}_copy{n}"
        self.names.add(name.lower())
        return name

    def _append(self, layer: Layer) -> Producer:
        after_stream = bool(self.layers) and self.layers[-1].is_streaming
        layer = replace(layer, index=len(self.layers), follows_streaming=after_stream)
        self.layers.append(layer)
        return layer.as_producer


def _passing_copy(rebuilt: _Rebuilt, source: Producer, reader: Layer) -> Layer:
    """A pass-through layer that writes a tensor once more, for one reader."""
    shape = rebuilt.before.shape_of(source)
    return Layer(
        index=0,
        name=rebuilt.new_name(source),
        where=reader.where,
        op=Operator.PASSTHROUGH,
        sources=(rebuilt.producers[source],),
        in_shape=shape,
        out_shape=shape,
    )


def _convolving_copy(rebuilt: _Rebuilt, source: Producer, reader: Layer) -> Layer:
    """The same by a convolution, which may write to any processors."""
    return as_convolution(_passing_copy(rebuilt, source, reader))


def _with_gaps(graph: Graph, chip: Chip) -> Graph:
    gaps = {source: max(use.gap for use in uses) for source, uses in _uses(graph, chip).items()}
    layers = tuple(
        replace(
            layer, constraints=replace(layer.constraints, write_gap=gaps.get(layer.as_producer, 0))
        )
        if layer.constraints.write_gap is None
        else layer
        for layer in graph.layers
    )
    return replace(graph, layers=layers)
