"""Rules of what the chip can do but is rarely meant, or costs more than it has to: warnings only.

Part of the graph's rules; ids as there.
"""

from collections.abc import Iterator
from math import prod

from max78000.facts.chip import Chip
from synthesis.graph.ir import Graph, Layer
from synthesis.read.description import Operator
from synthesis.rules.rule import Finding, Rule

LANES = 4  # channels of a data word


def line_as_image(graph: Graph, _chip: Chip) -> Iterator[Finding]:
    """What a Conv1d layer made is a line; a two-dimensional kernel sees one column of it.

    `in_dim` makes an image of the line.
    """
    for layer in graph.layers:
        is_line = any(
            _is_line(graph.layers[source], layer) for source in layer.sources if source >= 0
        )
        if layer.kernel_size[1] > 1 and is_line:
            rows, columns = layer.kernel_size
            yield Finding(
                f"a {rows}x{columns} kernel reads a line of {layer.in_shape.rows} values",
                where=layer.where,
                fix="give in_dim, or use Conv1d",
            )


def _is_line(producer: Layer, reader: Layer) -> bool:
    return producer.op is Operator.CONV1D and producer.out_shape.dims == reader.in_shape.dims


def first_pooling(graph: Graph, _chip: Chip) -> Iterator[Finding]:
    """A first layer that pools is given more pixels than it needs."""
    first = graph.layers[0]
    n_read, n_pooled = first.in_shape.n_pixels, prod(first.pooled)
    if first.pool.is_used:
        yield Finding(
            f"the first layer pools {n_read} pixels to {n_pooled}",
            where=first.where,
            fix="load a smaller picture",
        )


def odd_channels(graph: Graph, _chip: Chip) -> Iterator[Finding]:
    """Hidden layers read four channels at a time: another number saves no time and no energy."""
    for layer in graph.layers[1:]:
        channels = layer.in_shape.channels
        if channels % LANES:
            full = -(-channels // LANES) * LANES
            yield Finding(
                f"reads {channels} channels in words of {LANES}",
                where=layer.where,
                fix=f"{full} channels cost the same energy",
            )


def default_pool_stride(graph: Graph, _chip: Chip) -> Iterator[Finding]:
    """A pooling layer without `pool_stride` moves by one pixel, unlike PyTorch."""
    for layer in graph.layers:
        if layer.pool.has_window and max(layer.pool.stride) == 1:
            yield Finding(
                "pooling with stride 1", where=layer.where, fix="give pool_stride if unintended"
            )


def needless_flatten(graph: Graph, _chip: Chip) -> Iterator[Finding]:
    """Flattening one pixel changes nothing."""
    for layer in graph.layers:
        if layer.flatten and prod(layer.pooled) == 1:
            yield Finding("flattens 1 pixel", where=layer.where, fix="remove flatten")


WARNING_RULES: tuple[Rule[Graph], ...] = (
    Rule("G16a", line_as_image, None),
    Rule("P15", odd_channels, None),
    Rule("L6", default_pool_stride, None),
    Rule("L8", first_pooling, None),
    Rule("F6", needless_flatten, None),
)
