"""Placed layer -> clock cycles, by the part's latency formula."""

from math import prod

from max78000.facts.cycles import STARTUP_CYCLES, LayerTiming, layer_cycles
from max78000.program.program import Cycles
from synthesis.generate.layer import FLATTEN_LIMIT
from synthesis.place.placed import PlacedGraph, PlacedLayer
from synthesis.read.description import Operator


def predict_cycles(graph: PlacedGraph) -> Cycles:
    """Cycles of every layer and of the start-up."""
    layers = tuple(layer_cycles(_timing(placed, graph)) for placed in graph.layers)
    return Cycles(STARTUP_CYCLES, layers, is_estimate=graph.n_streaming > 0)


def _timing(placed: PlacedLayer, graph: PlacedGraph) -> LayerTiming:
    layer, hardware = placed.layer, placed.hardware
    scale = 2 if hardware.op is Operator.CONVTRANSPOSE2D else 1
    rows, columns = (n * scale for n in hardware.pooled)
    n_flat = placed.in_passes.n * prod(hardware.pooled) if layer.flatten else placed.in_passes.n
    slot = placed.kernel_slot
    return LayerTiming(
        rows=rows,
        columns=columns,
        out_columns=columns if layer.flatten else hardware.out_dims[1],
        pad_rows=hardware.pad[0],
        pad_columns=hardware.pad[1],
        kernel_rows=hardware.kernel_size[0],
        kernel_columns=hardware.kernel_size[1],
        pool_size=prod(layer.pool.window),
        in_passes=placed.in_passes.n,
        out_passes=placed.out_passes.n,
        operands=layer.operands,
        kernels=slot.count // n_flat if slot is not None else 0,
        kernel_start=slot.first_word if slot is not None else 0,
        time_slots=graph.max_time_slots(placed),
        is_passthrough=not placed.has_convolution,
        is_pooled_first=layer.pool_first,
        is_streaming=layer.is_streaming,
        is_long_flatten=layer.flatten and n_flat > FLATTEN_LIMIT,
    )
