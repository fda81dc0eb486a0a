"""Rules of what happens in front of a convolution: pooling, element-wise operations, flattening.

Part of the graph's rules; ids as there.
"""

from collections.abc import Iterator
from math import prod

from max78000.chip import Chip
from max78000.errors import CapacityError
from synthesis.description import INPUT, Operator
from synthesis.ir import Graph
from synthesis.place.placed import Passes
from synthesis.rules.rule import Finding, Rule

MAX_POOL = 16
MAX_FLAT_PIXELS = 256


def pool_size(graph: Graph, _chip: Chip) -> Iterator[Finding]:
    """Pooling windows and strides are 1..16."""
    for layer in graph.layers:
        sizes = (*layer.pool.window, *layer.pool.stride)
        if min(sizes) < 1 or max(sizes) > MAX_POOL:
            yield Finding(
                f"pool window {layer.pool.window}, stride {layer.pool.stride}: limit {MAX_POOL}",
                layer.where,
                "pool in two layers",
            )


def pool_stride(graph: Graph, _chip: Chip) -> Iterator[Finding]:
    """The pooling stride is the same for rows and columns, and 1 before a ConvTranspose2d."""
    for layer in graph.layers:
        rows, columns = layer.pool.stride
        if not layer.is_1d and rows != columns:
            why = f"pool_stride is {rows} for rows and {columns} for columns"
            yield Finding(why, layer.where, "use one number")
        elif layer.op is Operator.CONVTRANSPOSE2D and rows > 1:
            yield Finding(
                f"pool_stride {rows} in a ConvTranspose2d layer, whose stride register is 0",
                layer.where,
                "pool in a layer before",
            )


def pool_passes(graph: Graph, _chip: Chip) -> Iterator[Finding]:
    """A pass-through layer pools more than 64 channels only down to one pixel."""
    for layer in graph.layers:
        passes = Passes.of(layer.in_shape.channels).n
        if layer.kernel is None and layer.pool.is_used and passes > 1 and prod(layer.pooled) > 1:
            yield Finding(
                f"pools {layer.in_shape.channels} channels without convolution, 64 is the limit",
                layer.where,
                "put the pooling in front of a convolution",
            )


def eltwise_1d(graph: Graph, _chip: Chip) -> Iterator[Finding]:
    """Element-wise operations do not precede a Conv1d."""
    for layer in graph.layers:
        if layer.combine is not None and layer.op is Operator.CONV1D:
            yield Finding("element-wise with Conv1d", layer.where, "use a layer of its own before")


def pool_last(graph: Graph, _chip: Chip) -> Iterator[Finding]:
    """`pool_first: false` needs pooling and an element-wise operation of two operands."""
    for layer in graph.layers:
        if not layer.pool_first and not (layer.operands == 2 and layer.pool.has_window):
            yield Finding(
                f"pool_first: false, operands {layer.operands}, pool window {layer.pool.window}",
                layer.where,
                "remove it, or pool in a layer of its own",
            )


def eltwise_passes(graph: Graph, _chip: Chip) -> Iterator[Finding]:
    """Above two operands with two passes, element-wise layers do nothing else."""
    for layer in graph.layers:
        n, passes = layer.operands, Passes.of(layer.in_shape.channels).n
        is_emulated = n > 1 and passes > 1 and n * passes != n + passes
        if is_emulated and (layer.kernel is not None or layer.pool.is_used):
            yield Finding(
                f"{n} operands of {layer.in_shape.channels} channels with convolution or pooling",
                layer.where,
                "combine in a layer of its own",
            )


def eltwise_source(graph: Graph, _chip: Chip) -> Iterator[Finding]:
    """Operands come from as many producers: one producer would give neighbouring pixels."""
    for layer in graph.layers:
        is_input = layer.sources == (INPUT,)
        if layer.combine is not None and not is_input and len(layer.sources) != layer.operands:
            yield Finding(
                f"{layer.operands} operands, producers: {len(layer.sources)}",
                layer.where,
                "list the producers in in_sequences",
            )


def flat_pixels(graph: Graph, _chip: Chip) -> Iterator[Finding]:
    """A flattened layer has at most 256 pixels over all input passes."""
    for layer in graph.layers:
        if layer.flatten:
            n_pixels, n_passes = prod(layer.pooled), Passes.of(layer.in_shape.channels).n
            if n_pixels * n_passes > MAX_FLAT_PIXELS:
                why = f"{n_pixels} pixels, {n_passes} passes: flattens {n_pixels * n_passes} of "
                yield Finding(f"{why}{MAX_FLAT_PIXELS}", layer.where, "pool more")


def flat_convolution(graph: Graph, _chip: Chip) -> Iterator[Finding]:
    """Flattening needs weights (a linear layer) and excludes pooling in the same layer."""
    for layer in graph.layers:
        if layer.flatten and layer.kernel is None:
            yield Finding("flatten without weights", layer.where, "use op: linear")
        if layer.flatten and (layer.kernel_size != (1, 1) or any(layer.pad)):
            yield Finding("flatten with a kernel larger than 1x1", layer.where, "use op: linear")
        if layer.flatten and layer.pool.is_used:
            yield Finding("flatten with pooling", layer.where, "pool in the layer before")


def default_pool_stride(graph: Graph, _chip: Chip) -> Iterator[Finding]:
    """A pooling layer without `pool_stride` moves by one pixel, unlike PyTorch."""
    for layer in graph.layers:
        if layer.pool.has_window and max(layer.pool.stride) == 1:
            yield Finding("pooling with stride 1", layer.where, "give pool_stride if unintended")


FRONT_RULES: tuple[Rule[Graph], ...] = (
    Rule("L1", pool_size),
    Rule("L2", pool_stride),
    Rule("L4", pool_passes),
    Rule("L6", default_pool_stride, None),
    Rule("E3", eltwise_1d),
    Rule("E4", pool_last),
    Rule("E5", eltwise_passes),
    Rule("E6b", eltwise_source),
    Rule("F1", flat_pixels, CapacityError),
    Rule("F3", flat_convolution),
)
