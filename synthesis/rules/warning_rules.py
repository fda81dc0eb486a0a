"""Rules of what the chip can do but is rarely meant, or costs more than it has to: warnings only.

Part of the graph's rules; ids as there.
"""

from collections.abc import Iterator
from math import prod

from max78000.facts.chip import Chip
from synthesis.graph.ir import Graph, Layer
from synthesis.graph.scales import source_scales
from synthesis.lower.unused import listed
from synthesis.read.description import Operator
from synthesis.rules.rule import Finding, Rule, graph_rule, layer_rule


@layer_rule("G16a", None)
def line_as_image(layer: Layer, graph: Graph) -> Iterator[Finding]:
    """What a Conv1d layer made is a line; a two-dimensional kernel sees one column of it.

    `in_dim` makes an image of the line.
    """
    producers = filter(None, map(graph.layer_of, layer.sources))
    if layer.kernel_size[1] > 1 and any(_is_line(producer, layer) for producer in producers):
        rows, columns = layer.kernel_size
        why = f"a {rows}x{columns} kernel reads a line of {layer.in_shape.rows} values"
        yield Finding(why, fix="give in_dim, or use Conv1d")


def _is_line(producer: Layer, reader: Layer) -> bool:
    return producer.op is Operator.CONV1D and producer.out_shape.dims == reader.in_shape.dims


@graph_rule("G27", None)
def unused_weights(graph: Graph) -> Iterator[Finding]:
    """Every entry of the checkpoint belongs to a layer. Weights are paired with layers by position,
    biases by the name of the weights.
    """
    if graph.unused:
        n, names = len(graph.unused), listed(graph.unused)
        entries = "1 entry of the checkpoint is" if n == 1 else f"{n} entries of the checkpoint are"
        why = f"{entries} used by no layer: {names}"
        fix = "take them out, or correct the description or their names"
        yield Finding(why, fix=fix)


@layer_rule("G28", None)
def one_final_scale(layer: Layer, graph: Graph) -> Iterator[Finding]:
    """The tensors that meet in an output have one final scale (QATv2): else it has none, and its
    values are delivered as they are.
    """
    scales = source_scales(layer, graph) if layer in graph.outputs else {0}
    if len(scales) > 1:
        found = ", ".join(map(str, sorted(scales)))
        why = f"passes on tensors of final scales {found}: it is unloaded without"
        yield Finding(why, fix="mark these layers `output: true` instead")


@layer_rule("L8", None)
def first_pooling(layer: Layer) -> Iterator[Finding]:
    """A first layer that pools is given more pixels than it needs."""
    if layer.index == 0 and layer.pool.is_used:
        why = f"the first layer pools {layer.in_shape.n_pixels} pixels to {prod(layer.pooled)}"
        yield Finding(why, fix="load a smaller picture")


@layer_rule("P15", None)
def odd_channels(layer: Layer, chip: Chip) -> Iterator[Finding]:
    """Hidden layers read {chip.processors_per_instance:word} channels at a time: another number
    saves no time and no energy.
    """
    n, step = layer.in_shape.channels, chip.processors_per_instance
    if layer.index > 0 and n % step:
        why = f"reads {n} channels in words of {step}"
        yield Finding(why, fix=f"{-(-n // step) * step} channels cost the same energy")


@layer_rule("L6", None)
def default_pool_stride(layer: Layer) -> Iterator[Finding]:
    """A pooling layer without `pool_stride` moves by one pixel, unlike PyTorch."""
    is_moved = prod(layer.pooled) > 1
    if layer.pool.has_window and not layer.pool.is_stride_given and is_moved:
        yield Finding("pooling with stride 1", fix="give pool_stride if unintended")


@layer_rule("F6", None)
def needless_flatten(layer: Layer) -> Iterator[Finding]:
    """Flattening one pixel changes nothing."""
    if layer.flatten and prod(layer.pooled) == 1:
        yield Finding("flattens 1 pixel", fix="remove flatten")


WARNING_RULES: tuple[Rule[Graph], ...] = (
    line_as_image,
    odd_channels,
    default_pool_stride,
    first_pooling,
    needless_flatten,
    unused_weights,
    one_final_scale,
)
