"""Rules of what happens in front of a convolution: pooling, element-wise operations, flattening.

Part of the graph's rules; ids as there.
"""

from collections.abc import Iterator
from math import prod

from max78000.errors import CapacityError
from max78000.facts.chip import Chip
from synthesis.graph.ir import Graph, Layer
from synthesis.lower.hardware import Passes
from synthesis.read.description import INPUT, Operator
from synthesis.rules.rule import Finding, Rule

MAX_POOL = 16
MAX_FLAT_PIXELS = 256
POOL_MORE = "pool more in the layer before"


def pool_size(graph: Graph, _chip: Chip) -> Iterator[Finding]:
    """Pooling windows and strides are 1..16."""
    for layer in graph.layers:
        sizes = (*layer.pool.window, *layer.pool.stride)
        if min(sizes) < 1 or max(sizes) > MAX_POOL:
            yield Finding(
                f"pool window {layer.pool.window}, stride {layer.pool.stride}: limit {MAX_POOL}",
                where=layer.where,
                fix="pool in two layers",
            )


def pool_stride(graph: Graph, _chip: Chip) -> Iterator[Finding]:
    """The pooling stride is the same for rows and columns, and 1 before a ConvTranspose2d."""
    for layer in graph.layers:
        rows, columns = layer.pool.stride
        if not layer.is_1d and rows != columns:
            why = f"pool_stride is {rows} for rows and {columns} for columns"
            yield Finding(why, where=layer.where, fix="use one number")
        elif layer.op is Operator.CONVTRANSPOSE2D and rows > 1:
            yield Finding(
                f"pool_stride {rows} in a ConvTranspose2d layer, whose stride register is 0",
                where=layer.where,
                fix="pool in a layer before",
            )


def pool_passes(graph: Graph, _chip: Chip) -> Iterator[Finding]:
    """A pass-through layer pools more than 64 channels only down to one pixel."""
    for layer in graph.layers:
        passes = Passes.of(layer.in_shape.channels).n
        if layer.kernel is None and layer.pool.is_used and passes > 1 and prod(layer.pooled) > 1:
            yield Finding(
                f"pools {layer.in_shape.channels} channels without convolution, 64 is the limit",
                where=layer.where,
                fix="put the pooling in front of a convolution",
            )


def eltwise_1d(graph: Graph, _chip: Chip) -> Iterator[Finding]:
    """Element-wise operations do not precede a Conv1d."""
    for layer in graph.layers:
        if layer.combine is not None and layer.op is Operator.CONV1D:
            yield Finding(
                "element-wise with Conv1d", where=layer.where, fix="use a layer of its own before"
            )


def pool_last(graph: Graph, _chip: Chip) -> Iterator[Finding]:
    """`pool_first: false` needs pooling and an element-wise operation of two operands."""
    for layer in graph.layers:
        if not layer.pool_first and not (layer.operands == 2 and layer.pool.has_window):
            yield Finding(
                f"pool_first: false, operands {layer.operands}, pool window {layer.pool.window}",
                where=layer.where,
                fix="remove it, or pool in a layer of its own",
            )


def eltwise_passes(graph: Graph, _chip: Chip) -> Iterator[Finding]:
    """Above two operands with two passes, element-wise layers do nothing else."""
    for layer in graph.layers:
        n, passes = layer.operands, Passes.of(layer.in_shape.channels).n
        is_emulated = n > 1 and passes > 1 and n * passes != n + passes
        if is_emulated and (layer.kernel is not None or layer.pool.is_used):
            yield Finding(
                f"{n} operands of {layer.in_shape.channels} channels with convolution or pooling",
                where=layer.where,
                fix="combine in a layer of its own",
            )


def eltwise_source(graph: Graph, _chip: Chip) -> Iterator[Finding]:
    """Operands come from as many producers: one producer would give neighbouring pixels."""
    for layer in graph.layers:
        is_input = layer.sources == (INPUT,)
        if layer.combine is not None and not is_input and len(layer.sources) != layer.operands:
            yield Finding(
                f"{layer.operands} operands, producers: {len(layer.sources)}",
                where=layer.where,
                fix="list the producers in in_sequences",
            )


def flat_pixels(graph: Graph, _chip: Chip) -> Iterator[Finding]:
    """A flattened layer has at most 256 pixels."""
    for layer in graph.layers:
        n_pixels = prod(layer.pooled)
        if layer.flatten and n_pixels > MAX_FLAT_PIXELS:
            yield Finding(
                f"flattens {n_pixels} pixels of {MAX_FLAT_PIXELS}", where=layer.where, fix=POOL_MORE
            )


def flat_passes(graph: Graph, _chip: Chip) -> Iterator[Finding]:
    """Pixels times input passes of a flattened layer are at most 256: 16,384 inputs.

    The counter's field ends there; the vendor's generator writes larger values into the next field.
    """
    for layer in graph.layers:
        n_pixels, n_passes = prod(layer.pooled), Passes.of(layer.in_shape.channels).n
        if layer.flatten and n_pixels <= MAX_FLAT_PIXELS < n_pixels * n_passes:
            why = f"flattens {n_pixels} pixels in {n_passes} passes: {n_pixels * n_passes} of "
            yield Finding(
                f"{why}{MAX_FLAT_PIXELS}", where=layer.where, fix=f"{POOL_MORE}, or use 64 channels"
            )


def flat_kernel(graph: Graph, _chip: Chip) -> Iterator[Finding]:
    """Flattening needs weights, one for every input and output: a linear layer, or a 1x1 Conv2d."""
    for layer in graph.layers:
        if layer.flatten and layer.kernel is None:
            yield Finding("flatten without weights", where=layer.where, fix="use op: linear")
        elif layer.flatten and not _is_product(layer):
            rows, columns = layer.kernel_size
            why = f"flatten with {layer.op.value}, kernel {rows}x{columns}, pad {layer.pad[0]}"
            yield Finding(why, where=layer.where, fix="use op: linear")


def _is_product(layer: Layer) -> bool:
    is_2d = layer.op in (Operator.CONV2D, Operator.LINEAR)
    return is_2d and layer.kernel_size == (1, 1) and not any(layer.pad)


def flat_pooling(graph: Graph, _chip: Chip) -> Iterator[Finding]:
    """A layer pools or flattens: both use the same counters."""
    for layer in graph.layers:
        if layer.flatten and layer.pool.is_used:
            why = f"flatten with a pool window {layer.pool.window}, stride {layer.pool.stride}"
            yield Finding(why, where=layer.where, fix="pool in the layer before")


def flat_streaming(graph: Graph, _chip: Chip) -> Iterator[Finding]:
    """A flattened layer needs its whole input, a streaming layer starts with a part of it."""
    for layer in graph.layers:
        if layer.flatten and layer.is_streaming:
            why = f"flattens {prod(layer.pooled)} pixels in a stream"
            yield Finding(why, where=layer.where, fix="remove streaming from this layer")


FRONT_RULES: tuple[Rule[Graph], ...] = (
    Rule("L1", pool_size),
    Rule("L2", pool_stride),
    Rule("L4", pool_passes),
    Rule("E3", eltwise_1d),
    Rule("E4", pool_last),
    Rule("E5", eltwise_passes),
    Rule("E6b", eltwise_source),
    Rule("F1", flat_pixels, CapacityError),
    Rule("F2", flat_passes, CapacityError),
    Rule("F3", flat_kernel),
    Rule("F4", flat_pooling),
    Rule("F5", flat_streaming),
)
