"""Which layers the accelerator runs: a graph of our layers becomes the entries of a description.

One layer of the accelerator pools, combines tensors and convolves in a single go, so poolings and
joins in front of a convolution become part of it where the chip can do that; others pass through a
layer of their own. A tensor that is combined lies in memory interleaved with the other operands and
can be read by no one else; where a network reads it elsewhere too, a copy is made. Where tensors
lie is not decided here, nor whether the network fits.

Source of what can be in front of what: docs/rules.md, E1 to E5, F4, L7.
"""

from dataclasses import dataclass, replace
from math import prod

from ai8x_models.describe.description import INPUT, LayerEntry, Operator, PoolEntry
from ai8x_models.describe.entry_passes import (
    MAX_PASS_CHANNELS,
    with_copies,
    with_split_poolings,
    with_streaming,
)
from ai8x_models.describe.graph import Concat, Graph, Input, Node, Own, View
from ai8x_models.layers.layers import (
    Conv1d,
    Conv2d,
    ConvTranspose2d,
    ElementWise,
    FoldedConv2d,
    FusedLayer,
    Linear,
    Pool,
)
from ai8x_models.layers.rules import Pair, refusal
from ai8x_models.zoo.registry import Shape
from max78000.errors import ToolError, UnsupportedError, raise_all
from max78000.facts.fixed import Combine

MAX_OPERANDS = 16
_OPERATORS: tuple[tuple[type[FusedLayer], Operator], ...] = (
    (Conv2d, "conv2d"),
    (FoldedConv2d, "conv2d"),
    (ConvTranspose2d, "convtranspose2d"),
    (Conv1d, "conv1d"),
    (Linear, "linear"),
)


def stages_of(graph: Graph) -> tuple[LayerEntry, ...]:
    """Entries in the order of the graph.

    Raises:
        ProblemList: joins, shapes and foldings that the accelerator does not have.
    """
    layout = _Layout(graph)
    entries = layout.entries()
    raise_all(layout.problems)
    return with_streaming(with_copies(with_split_poolings(entries)))


def problems_of(graph: Graph) -> tuple[ToolError, ...]:
    """What `stages_of` refuses. Inputs in the middle stand for what has been refused before."""
    layout = _Layout(graph)
    layout.entries()
    return tuple(layout.problems)


@dataclass(frozen=True, slots=True)
class _Front:
    """What an entry does before its main operation: nodes it reads, pooling, combination."""

    inputs: tuple[int, ...]
    pool: PoolEntry | None = None
    pool_first: bool = True
    combine: Combine | None = None


class _Layout:
    """`entry_of` nodes that are entries; poolings and joins inside another are in `absorbed`."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.readers = graph.readers()
        self.absorbed: set[int] = set()
        for index in reversed(range(len(graph.nodes))):
            if self._is_absorbed(index):
                self.absorbed.add(index)
        self.owners: dict[int, str] = {}  # layer -> entry that has its weights
        self.problems: list[ToolError] = []

    def entries(self) -> list[LayerEntry]:
        """All entries that there can be; `problems` has the rest."""
        found: list[LayerEntry] = []
        for index, node in enumerate(self.graph.nodes):
            if not self._makes_entry(index):
                continue
            is_answer = index in self.graph.outputs
            try:
                found.append(replace(self._entry(index), is_output=is_answer))
            except UnsupportedError as error:
                self.problems.append(refusal(error.why, node.where, error.fix, error.rule))
        return found

    # What is part of what.

    def _makes_entry(self, index: int) -> bool:
        """Layers do; concatenations where they are needed as one tensor."""
        op = self.graph.nodes[index].op
        if isinstance(op, Own):
            return index not in self.absorbed
        is_combined = any(isinstance(self._layer(one), ElementWise) for one in self.readers[index])
        return isinstance(op, Concat) and (is_combined or index in self.graph.outputs)

    def _layer(self, index: int) -> object:
        op = self.graph.nodes[index].op
        return op.layer if isinstance(op, Own) else None

    def _is_absorbed(self, index: int) -> bool:
        if index in self.graph.outputs:
            return False
        readers = self.readers[index]
        layer = self._layer(index)
        if isinstance(layer, Pool):
            return all(self._takes_pool(reader) for reader in readers) or (
                len(readers) == 1 and self._takes_pooled_operands(readers[0])
            )
        return isinstance(layer, ElementWise) and len(readers) == 1 and self._takes_join(index)

    def _takes_pool(self, reader: int) -> bool:
        layer = self._layer(reader)
        is_convolution = isinstance(layer, FusedLayer) and not isinstance(layer, Linear)
        return is_convolution and isinstance(layer, FusedLayer) and layer.plan.pool is None

    def _takes_pooled_operands(self, reader: int) -> bool:
        """A join whose operands are all pooled alike, each for it alone."""
        if not isinstance(self._layer(reader), ElementWise):
            return False
        plans = set()
        for source in self.graph.nodes[reader].inputs:
            layer = self._layer(source)
            if not isinstance(layer, Pool) or not self.graph.is_private(source):
                return False
            plans.add(layer.plan)
        return len(plans) == 1 and self.graph.nodes[reader].shape[0] <= MAX_PASS_CHANNELS

    def _takes_join(self, index: int) -> bool:
        """True if the only reader of a join can do it on the way."""
        reader = self.readers[index][0]
        join = self.graph.nodes[index]
        is_pooled = reader in self.absorbed
        while reader in self.absorbed:  # a pooling that is itself part of its only reader
            if len(self.readers[reader]) != 1 or not isinstance(self._layer(reader), Pool):
                return False
            reader = self.readers[reader][0]
        layer, n_operands = self._layer(reader), len(join.inputs)
        if not isinstance(layer, Conv2d | ConvTranspose2d | Linear):
            return False
        is_pooled = is_pooled or layer.plan.pool is not None
        pools_operands = self._takes_pooled_operands(index)
        fits = join.shape[0] <= MAX_PASS_CHANNELS or (
            n_operands == 2 and join.shape[0] <= 2 * MAX_PASS_CHANNELS
        )
        return fits and not (is_pooled and (n_operands > 2 or pools_operands))

    # What an entry is made of.

    def _entry(self, index: int) -> LayerEntry:
        node, layer, front = self.graph.nodes[index], self._layer(index), self._front(index)
        entry = LayerEntry(
            name=node.name,
            op="passthrough",
            sources=self._sources(front),
            in_shape=self._base_shape(front.inputs[0]),
            out_shape=node.shape,
            combine=front.combine,
            pool_first=front.pool_first,
            pool=front.pool,
        )
        entry = self._with_dims(entry, self.graph.nodes[front.inputs[0]].shape)
        if isinstance(layer, FusedLayer):
            entry = self._with_kernel(entry, node, layer)
        _check_passthrough(entry)
        return entry

    def _front(self, index: int) -> _Front:
        """Collect what is absorbed into an entry: a pooling, a join, poolings of its operands."""
        node, layer = self.graph.nodes[index], self._layer(index)
        if isinstance(node.op, Concat):
            return _Front((index,))
        if isinstance(layer, ElementWise):
            return self._joined(index)
        pool, source = _pool_entry(layer), node.inputs[0]
        if source in self.absorbed and isinstance(before := self._layer(source), Pool):
            pool, source = _pool_entry(before), self.graph.nodes[source].inputs[0]
        if source not in self.absorbed:
            return _Front((source,), pool)
        join = self._joined(source)
        if pool is None:
            return join
        # Which comes first matters to windows only.
        return replace(join, pool=pool, pool_first=max(pool.size) == 1)

    def _joined(self, index: int) -> _Front:
        """A join; its operands may be pooled."""
        layer, inputs = self._layer(index), self.graph.nodes[index].inputs
        assert isinstance(layer, ElementWise)
        if len(inputs) > MAX_OPERANDS:
            why = f"combines {len(inputs)} tensors, the accelerator at most {MAX_OPERANDS}"
            raise UnsupportedError(why, fix="combine them in two steps", rule="E1")
        if inputs[0] not in self.absorbed:
            self._check_alike(inputs)
            return _Front(inputs, None, True, layer.combine)
        pool = _pool_entry(self._layer(inputs[0]))
        inputs = tuple(self.graph.nodes[one].inputs[0] for one in inputs)
        return _Front(inputs, pool, True, layer.combine)

    def _check_alike(self, inputs: tuple[int, ...]) -> None:
        """Refuse operands that lie in memory in other rows and columns than they are seen in."""
        stored = [self._base_shape(one) for one in inputs]
        if len({(shape[0], _pair(shape)) for shape in stored}) > 1:
            sizes = " and ".join("x".join(map(str, shape)) for shape in stored)
            fix = "combine them before one is flattened or reshaped"
            raise UnsupportedError(f"combines tensors of {sizes}", fix=fix, rule="G14")

    def _sources(self, front: _Front) -> tuple[str, ...]:
        if front.combine is None:
            return self._parts(front.inputs[0])
        return tuple(self._operand(one) for one in front.inputs)

    def _operand(self, index: int) -> str:
        """The one entry whose result is this node's; concatenations that are combined have one."""
        node = self.graph.nodes[index]
        if isinstance(node.op, View):
            return self._operand(node.inputs[0])
        return INPUT if isinstance(node.op, Input) else node.name

    def _parts(self, index: int) -> tuple[str, ...]:
        """Entries whose results, one after the other along the channels, are this node's."""
        node = self.graph.nodes[index]
        if isinstance(node.op, Input):
            return (INPUT,)
        if isinstance(node.op, Own):
            return (node.name,)
        return tuple(name for source in node.inputs for name in self._parts(source))

    def _base_shape(self, index: int) -> Shape:
        """Shape in memory: that of a view is its source's."""
        node = self.graph.nodes[index]
        if isinstance(node.op, View):
            return self._base_shape(node.inputs[0])
        if not isinstance(node.op, Concat):
            return node.shape
        shapes = [self._base_shape(source) for source in node.inputs]
        if len({shape[1:] for shape in shapes}) > 1:
            sizes = " and ".join("x".join(map(str, shape)) for shape in shapes)
            fix = "bring them to the same rows and columns first"
            raise UnsupportedError(f"joins tensors of {sizes}", fix=fix, rule="G14")
        return sum(shape[0] for shape in shapes), *shapes[0][1:]

    def _with_dims(self, entry: LayerEntry, seen: Shape) -> LayerEntry:
        """Say how a tensor is read that lies in memory under another shape."""
        stored = entry.in_shape
        if seen == stored or _pair(seen) == _pair(stored):
            return replace(entry, in_shape=seen if seen[0] == stored[0] else stored)
        if seen[0] == prod(seen) == prod(stored):
            return replace(entry, flatten=True)
        if seen[0] != stored[0]:
            shapes = " to ".join("x".join(map(str, shape)) for shape in (stored, seen))
            fix = "keep the channels: only rows and columns can be read in another way"
            raise UnsupportedError(f"reshapes {shapes}", fix=fix)
        return replace(entry, in_shape=seen, in_dim=_pair(seen))

    def _with_kernel(self, entry: LayerEntry, node: Node, layer: FusedLayer) -> LayerEntry:
        if isinstance(layer, FoldedConv2d):
            if entry.sources != (INPUT,) or len(self.readers[0]) > 1:
                why = "a folded layer that is not the only one to read the picture"
                fix = "make it the first layer, or use Conv2d and pool before the next one"
                raise UnsupportedError(why, fix=fix, rule="C4")
            entry = replace(entry, in_shape=_folded(entry.in_shape, layer))
        plan = layer.plan
        owner = self.owners.setdefault(id(layer), entry.name)
        # A kernel of one pixel over flattened data is a fully connected layer.
        is_linear = isinstance(layer, Linear) or (
            entry.flatten and isinstance(layer, Conv2d) and layer.op.weight.shape[2] == 1
        )
        return replace(
            entry,
            op="linear" if is_linear else dict(_OPERATORS)[type(layer)],
            kernel_size=1 if is_linear else layer.op.weight.shape[2],
            padding=0 if is_linear else plan.padding,
            dilation=plan.dilation,
            activation=plan.activation,
            is_wide=plan.wide,
            weight_source=None if owner == entry.name else owner,
        )


def _check_passthrough(entry: LayerEntry) -> None:
    """Refuse what needs a convolution that is not there."""
    if entry.flatten and entry.op != "linear":
        fix = "flatten in front of a Linear layer only"
        raise UnsupportedError("flattened data that no Linear layer reads", fix=fix, rule="F3")
    n_channels = entry.in_shape[0]
    is_alone = entry.op == "passthrough" and entry.pool is not None
    if is_alone and n_channels > MAX_PASS_CHANNELS and prod(entry.out_shape[1:]) > 1:
        why = f"pools {n_channels} channels without convolution, {MAX_PASS_CHANNELS} is the limit"
        fix = "put a 1x1 convolution behind the pooling, or pool down to one pixel"
        raise UnsupportedError(why, fix=fix, rule="L4")


def _pool_entry(layer: object) -> PoolEntry | None:
    """The pooling of a layer that has one."""
    if not isinstance(layer, FusedLayer | Pool) or layer.plan.pool is None:
        return None
    return PoolEntry(layer.plan.pool, layer.plan.pool_size, layer.plan.pool_stride)


def _pair(shape: Shape) -> Pair:
    """Rows and columns; one-dimensional data have one column, features one of each."""
    rows, columns = (*shape[1:], 1, 1)[:2]
    return rows, columns


def _folded(shape: Shape, layer: FoldedConv2d) -> Shape:
    if shape[0] == layer.folded_channels:
        return shape
    return layer.folded_channels, shape[1] // layer.ratio, shape[2] // layer.ratio
