"""Rules of what happens in front of a convolution: pooling, element-wise operations, flattening.

Part of the graph's rules; ids as there.
"""

from collections.abc import Iterator
from math import prod

from max78000.errors import CapacityError
from max78000.facts.chip import Chip
from synthesis.graph.ir import INPUT, Graph, Layer
from synthesis.lower.hardware import Passes
from synthesis.read.description import Operator
from synthesis.rules.rule import Finding, Rule, layer_rule

POOL_MORE = "pool more in the layer before"


@layer_rule("L1")
def pool_size(layer: Layer, chip: Chip) -> Iterator[Finding]:
    """Pooling windows and strides are 1..{chip.max_pool}."""
    pool = layer.pool
    sizes = (*pool.window, *pool.stride)
    if min(sizes) < 1 or max(sizes) > chip.max_pool:
        why = f"pool window {pool.window}, stride {pool.stride}: limit {chip.max_pool}"
        yield Finding(why, fix="pool in two layers")


@layer_rule("L2")
def pool_stride(layer: Layer) -> Iterator[Finding]:
    """The pooling stride is the same for rows and columns, and 1 before a ConvTranspose2d."""
    rows, columns = layer.pool.stride
    if not layer.is_1d and rows != columns:
        why = f"pool_stride is {rows} for rows and {columns} for columns"
        yield Finding(why, fix="use one number")
    elif layer.op is Operator.CONVTRANSPOSE2D and rows > 1:
        why = f"pool_stride {rows} in a ConvTranspose2d layer, whose stride register is 0"
        yield Finding(why, fix="pool in a layer before")


@layer_rule("L4")
def pool_passes(layer: Layer, chip: Chip) -> Iterator[Finding]:
    """A pass-through layer pools more than {chip.n_processors} channels only down to one pixel."""
    passes = Passes.of(layer.in_shape.channels, chip).n
    if layer.kernel is None and layer.pool.is_used and passes > 1 and prod(layer.pooled) > 1:
        yield Finding(
            f"pools {layer.in_shape.channels} channels without convolution, {chip.n_processors} "
            "is the limit",
            fix="put the pooling in front of a convolution",
        )


@layer_rule("E3")
def eltwise_1d(layer: Layer) -> Iterator[Finding]:
    """Element-wise operations do not precede a Conv1d."""
    if layer.combine is not None and layer.op is Operator.CONV1D:
        yield Finding("element-wise with Conv1d", fix="use a layer of its own before")


@layer_rule("E4")
def pool_last(layer: Layer) -> Iterator[Finding]:
    """`pool_first: false` needs pooling and an element-wise operation of two operands."""
    if not layer.pool_first and not (layer.operands == 2 and layer.pool.has_window):
        why = f"pool_first: false, operands {layer.operands}, pool window {layer.pool.window}"
        yield Finding(why, fix="remove it, or pool in a layer of its own")


@layer_rule("E5")
def eltwise_passes(layer: Layer, chip: Chip) -> Iterator[Finding]:
    """Above two operands with two passes, element-wise layers do nothing else."""
    n, passes = layer.operands, Passes.of(layer.in_shape.channels, chip).n
    is_emulated = n > 1 and passes > 1 and n * passes != n + passes
    if is_emulated and (layer.kernel is not None or layer.pool.is_used):
        why = f"{n} operands of {layer.in_shape.channels} channels with convolution or pooling"
        yield Finding(why, fix="combine in a layer of its own")


@layer_rule("E6b")
def eltwise_source(layer: Layer) -> Iterator[Finding]:
    """Operands come from as many producers: one producer would give neighbouring pixels."""
    # Quirk one-producer: the vendor's known answer combines blocks of channels instead.
    is_input = layer.sources == (INPUT,)
    if layer.combine is not None and not is_input and len(layer.sources) != layer.operands:
        why = f"{layer.operands} operands, producers: {len(layer.sources)}"
        yield Finding(why, fix="list the producers in in_sequences")


@layer_rule("F1", CapacityError)
def flat_pixels(layer: Layer, chip: Chip) -> Iterator[Finding]:
    """A flattened layer has at most {chip.max_flat} pixels."""
    n_pixels = prod(layer.pooled)
    if layer.flatten and n_pixels > chip.max_flat:
        yield Finding(f"flattens {n_pixels} pixels of {chip.max_flat}", fix=_fewer_pixels(layer))


@layer_rule("F2", CapacityError)
def flat_passes(layer: Layer, chip: Chip) -> Iterator[Finding]:
    """Pixels times input passes of a flattened layer are at most {chip.max_flat}:
    {chip.max_flat_inputs:,} inputs.

    The counter's field ends there; the vendor's generator writes larger values into the next field.
    """
    # Quirk flatten-counter: larger counts would spill into the weight width.
    n_pixels, n_passes = prod(layer.pooled), Passes.of(layer.in_shape.channels, chip).n
    n_rounds = n_pixels * n_passes
    if layer.flatten and n_pixels <= chip.max_flat < n_rounds:
        why = f"flattens {n_pixels} pixels in {n_passes} passes: {n_rounds} of {chip.max_flat}"
        yield Finding(why, fix=f"{_fewer_pixels(layer)}, or use {chip.n_processors} channels")


def _fewer_pixels(layer: Layer) -> str:
    return "fold or pool the picture" if layer.sources == (INPUT,) else POOL_MORE


@layer_rule("F3")
def flat_kernel(layer: Layer) -> Iterator[Finding]:
    """Flattening needs weights, one for every input and output: a linear layer, or a 1x1 Conv2d."""
    if layer.flatten and layer.kernel is None:
        yield Finding("flatten without weights", fix="use op: linear")
    elif layer.flatten and not _is_product(layer):
        rows, columns = layer.kernel_size
        why = f"flatten with {layer.op.value}, kernel {rows}x{columns}, pad {layer.pad[0]}"
        yield Finding(why, fix="use op: linear")


def _is_product(layer: Layer) -> bool:
    is_2d = layer.op in (Operator.CONV2D, Operator.LINEAR)
    return is_2d and layer.kernel_size == (1, 1) and not any(layer.pad)


@layer_rule("F4")
def flat_pooling(layer: Layer) -> Iterator[Finding]:
    """A layer pools or flattens: both use the same counters."""
    if layer.flatten and layer.pool.is_used:
        why = f"flatten with a pool window {layer.pool.window}, stride {layer.pool.stride}"
        yield Finding(why, fix="pool in the layer before")


@layer_rule("F5")
def flat_streaming(layer: Layer) -> Iterator[Finding]:
    """A flattened layer needs its whole input, a streaming layer starts with a part of it."""
    if layer.flatten and layer.is_streaming:
        why = f"flattens {prod(layer.pooled)} pixels in a stream"
        yield Finding(why, fix="remove streaming from this layer")


FRONT_RULES: tuple[Rule[Graph], ...] = (
    pool_size,
    pool_stride,
    pool_passes,
    eltwise_1d,
    pool_last,
    eltwise_passes,
    eltwise_source,
    flat_pixels,
    flat_passes,
    flat_kernel,
    flat_pooling,
    flat_streaming,
)
