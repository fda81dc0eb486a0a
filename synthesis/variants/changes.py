"""Changes with which a network gets quicker or smaller, each with the way its user comes by it.

The input folded further, pooling in an earlier layer, fewer channels, narrower weights. Whether
one fits, and what it brings, is `gains`' work. Weights of another shape are made up: they have the
right size, and have to be trained.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from max78000.errors import ToolError
from max78000.facts.chip import Chip
from synthesis.graph.ir import BUFFER, INPUT, Graph, Layer, Producer, Shape
from synthesis.lower.lower import lower
from synthesis.lower.stand_in import made_up_weights
from synthesis.read.checkpoint import Checkpoint, LayerWeights
from synthesis.read.description import LayerSpec, NetworkSpec, Pair
from synthesis.read.source import Source
from synthesis.variants.edits import (
    entry_of,
    narrow,
    positions_of,
    with_bits,
    with_layers,
)

FOLD = 2  # where no pooling says by how much
NARROW_BITS = 4


@dataclass(frozen=True, slots=True)
class Change:
    """A changed network.

    Attributes:
        title: what is changed: "pooling in conv2, not in conv4".
        how: where the user changes it: in the model, the recipe, the description.
        source: of the changed network; weights of new shapes are made up.
    """

    title: str
    how: str
    source: Source


@dataclass(frozen=True, slots=True)
class _Start:
    """What is changed: a source whose description repeats no sizes, and the graph that it means."""

    source: Source
    graph: Graph
    chip: Chip

    @property
    def network(self) -> NetworkSpec:
        return self.source.network

    def changed(self, network: NetworkSpec, image: Shape | None = None) -> Source | None:
        """The source of a changed description and input; None if its layers contradict it."""
        shape = image or self.graph.input_shape
        try:
            made_up = made_up_weights(network, shape, self.chip)
        except ToolError:
            return None
        if made_up is None:
            return None
        pixels = np.broadcast_to(np.int64(0), (shape.channels, *shape.dims))
        checkpoint = _with_shapes(self.source.checkpoint, made_up, network.out_channels)
        return replace(self.source, network=network, checkpoint=checkpoint, image=pixels)


def changes(source: Source, chip: Chip) -> Iterator[Change]:
    """All that is worth a try, whether it fits or not.

    Raises:
        ToolError: as `lower`.
    """
    start = _start(source, chip)
    yield from _folded(start)
    yield from _pooled_earlier(start)
    yield from _fewer_channels(start)
    yield from _narrower(start)


def _start(source: Source, chip: Chip) -> _Start:
    """Write shapes and widths of the weights into the description, and no other sizes."""
    graph = lower(source, chip)
    owners = [
        (position, layer)
        for layer in graph.layers
        for position in positions_of(source.network, [layer])
        if layer.kernel is not None and source.network.layers[position].weight_source is None
    ]
    bits = {position: layer.kernel.bits for position, layer in owners if layer.kernel is not None}
    network = replace(
        source.network,
        out_channels=tuple(layer.out_shape.channels for _, layer in owners),
        layers=tuple(
            replace(spec, quantization=bits.get(position, spec.quantization))
            for position, spec in enumerate(source.network.layers)
        ),
    )
    free = replace(
        with_layers(network, range(len(network.layers)), _without_sizes), input_shape=None
    )
    try:
        means_the_same = _shapes(lower(replace(source, network=free), chip)) == _shapes(graph)
    except ToolError:
        means_the_same = False
    return _Start(replace(source, network=free if means_the_same else network), graph, chip)


def _without_sizes(spec: LayerSpec) -> LayerSpec:
    return replace(spec, in_channels=None, in_dim=None, out_channels=None)


def _shapes(graph: Graph) -> list[tuple[Shape, Shape]]:
    return [(layer.in_shape, layer.out_shape) for layer in graph.layers]


def _with_shapes(stored: Checkpoint, made_up: Checkpoint, n_outputs: Sequence[int]) -> Checkpoint:
    """The stored weights where they have the right shape, else those that are made up.

    Stored entries beyond the layers are unused, as by `lower`.
    """

    def fitting(entry: LayerWeights, other: LayerWeights, n: int) -> LayerWeights:
        if entry.weight.shape[:2] == other.weight.shape[:2]:
            return entry
        bias = None if entry.bias is None or not entry.bias.any() else np.ones(n, np.int64)
        return replace(entry, weight=other.weight, bias=bias, is_raw=False)

    used = stored.layers[: len(made_up.layers)]
    triples = zip(used, made_up.layers, n_outputs, strict=True)
    return replace(stored, layers=tuple(fitting(*triple) for triple in triples))


# -- the input -------------------------------------------------------------------------------------


def _folded(start: _Start) -> Iterator[Change]:
    """More channels of fewer pixels, and no pooling where one made as many of them less."""
    yield from _folded_by(start, FOLD, None)
    for layer in start.graph.layers:
        ratio = layer.pool.stride[0]
        is_even = layer.pool.stride == (ratio, 1 if layer.is_1d else ratio)
        if ratio > 1 and is_even:
            yield from _folded_by(start, ratio, layer)


def _folded_by(start: _Start, ratio: int, pooled: Layer | None) -> Iterator[Change]:
    shape = start.graph.input_shape
    folds = [ratio if n > 1 else 1 for n in shape.dims]
    if any(n % fold for n, fold in zip(shape.dims, folds, strict=True)):
        return
    rows, columns = (n // fold for n, fold in zip(shape.dims, folds, strict=True))
    folded = Shape(shape.channels * prod(folds), rows, columns)
    network = start.network
    if pooled is not None:
        network = with_layers(network, positions_of(network, [pooled]), _without_pool)
    source = start.changed(network, folded)
    if source is not None:
        left_out = f", no pooling in {pooled.name}" if pooled is not None else ""
        yield Change(
            f"input folded by {ratio} to {folded}{left_out}",
            f"model: input folded by {ratio} more{left_out}; description: input_shape: "
            f"[{', '.join(map(str, (folded.channels, *folded.dims)))}]",
            source,
        )


# -- pooling ---------------------------------------------------------------------------------------


def _pooled_earlier(start: _Start) -> Iterator[Change]:
    """The pooling of a layer already in one before it."""
    for layer in start.graph.layers:
        if layer.pool.is_used:
            for earlier in _straight_before(layer, start.graph):
                yield from _moved_pool(start, layer, earlier)


def _straight_before(layer: Layer, graph: Graph) -> Iterator[Layer]:
    """The layers before one, nearest first, as far as there is one way and none of them pools, and
    nobody else gets what they make.
    """
    while len(layer.sources) == 1:
        before = graph.layer_of(layer.sources[0])
        if before is None or before.pool.is_used or _is_read_elsewhere(before, graph):
            return
        if before.kernel is not None:
            yield before
        layer = before


def _is_read_elsewhere(layer: Layer, graph: Graph) -> bool:
    """By a second layer, or by whoever takes the answers."""
    return len(graph.consumers(layer.as_producer)) > 1 or layer in graph.outputs


def _moved_pool(start: _Start, layer: Layer, earlier: Layer) -> Iterator[Change]:
    (here,) = positions_of(start.network, [layer])
    spec = start.network.layers[here]
    network = with_layers(start.network, [here], _without_pool)
    network = with_layers(
        network,
        positions_of(network, [earlier]),
        lambda other: replace(
            other, max_pool=spec.max_pool, avg_pool=spec.avg_pool, pool_stride=spec.pool_stride
        ),
    )
    source = start.changed(network)
    if source is not None:
        yield Change(
            f"pooling in {earlier.name}, not in {layer.name}",
            f"model and description: {_pool_words(spec)} in {earlier.name}, none in {layer.name}",
            source,
        )


def _without_pool(spec: LayerSpec) -> LayerSpec:
    return replace(spec, max_pool=None, avg_pool=None, pool_stride=None)


def _pool_words(spec: LayerSpec) -> str:
    """The pooling as the description says it."""
    given = {"max_pool": spec.max_pool, "avg_pool": spec.avg_pool, "pool_stride": spec.pool_stride}
    return ", ".join(f"{key}: {_size(size)}" for key, size in given.items() if size is not None)


def _size(size: Pair | int) -> str:
    return str(size) if isinstance(size, int) else "x".join(map(str, size))


# -- channels --------------------------------------------------------------------------------------


def _fewer_channels(start: _Start) -> Iterator[Change]:
    """Fewer channels in a layer, or in those whose results are combined; none in outputs."""
    graph = start.graph
    kept = {INPUT, BUFFER}
    for layer in graph.outputs:
        kept |= _makers(layer.as_producer, graph)
    for group in _equal_channels(graph):
        if group & kept:
            continue
        layers = [graph.layers[one.step] for one in sorted(group, key=lambda one: one.step)]
        present = layers[0].out_shape.channels
        for n_channels in _steps_down(present, start.chip):
            yield from _with_channels(start, layers, n_channels)


def _steps_down(present: int, chip: Chip) -> Iterable[int]:
    """Where something is saved: the multiple of all processors below, and one channel for each;
    where each has one already, or none, the multiple of a quadrant's processors below.
    """
    if present > chip.n_processors:
        below = (present - 1) // chip.n_processors * chip.n_processors
        return sorted({below, chip.n_processors}, reverse=True)
    below = (present - 1) // chip.processors_per_quadrant * chip.processors_per_quadrant
    return (below,) if below else ()


def _with_channels(start: _Start, layers: Sequence[Layer], n_channels: int) -> Iterator[Change]:
    present = layers[0].out_shape.channels
    owners = [layer for layer in start.graph.layers if _owns_weights(start.network, layer)]
    counts = [n_channels if layer in layers else layer.out_shape.channels for layer in owners]
    source = start.changed(replace(start.network, out_channels=tuple(counts)))
    if source is not None:
        names = ", ".join(layer.name for layer in layers)
        yield Change(
            f"{n_channels} channels in {names}, not {present}",
            f"model: {n_channels} output channels in {names}",
            source,
        )


def _owns_weights(network: NetworkSpec, layer: Layer) -> bool:
    (position,) = positions_of(network, [layer])
    return layer.kernel is not None and network.layers[position].weight_source is None


def _equal_channels(graph: Graph) -> list[set[Producer]]:
    """Layers with weights, together with those that must have as many output channels."""
    groups = [{layer.as_producer} for layer in graph.layers if layer.kernel is not None]
    for layer in graph.layers:
        if layer.combine is not None:
            tied = set().union(*(_makers(source, graph) for source in layer.sources))
            met = [group for group in groups if group & tied]
            groups = [group for group in groups if not group & tied]
            groups.append(tied.union(*met))
    return groups


def _makers(producer: Producer, graph: Graph) -> set[Producer]:
    """Where the channels of a tensor come from: layers with weights, or what is there before."""
    layer = graph.layer_of(producer)
    if layer is None or layer.kernel is not None:
        return {producer}
    return set().union(*(_makers(source, graph) for source in layer.sources))


# -- weights ---------------------------------------------------------------------------------------


def _narrower(start: _Start) -> Iterator[Change]:
    """Weights of 4 bits in one layer."""
    for layer in start.graph.layers:
        if not _owns_weights(start.network, layer) or _bits(layer) <= NARROW_BITS:
            continue
        name = entry_of(layer)
        source = replace(
            start.source,
            network=with_bits(start.network, [layer], NARROW_BITS),
            checkpoint=narrow(start.source.checkpoint, [name], NARROW_BITS),
        )
        yield Change(
            f"{NARROW_BITS}-bit weights in {layer.name}",
            f"recipe: qat.overrides {{{name}: {NARROW_BITS}}}; description: quantization: "
            f"{NARROW_BITS} in {layer.name}",
            source,
        )


def _bits(layer: Layer) -> int:
    return layer.kernel.bits if layer.kernel is not None else 0
