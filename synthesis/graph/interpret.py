"""The graph on integers: the oracle that the simulated accelerator and the emitted C have to match.

Knows layers and exact arithmetic; knows no processors, no memories and no registers.
"""

from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from max78000.errors import InternalError
from max78000.facts import fixed
from synthesis.graph.convolve import convolve
from synthesis.graph.ir import BUFFER, INPUT, Graph, Kernel, Layer, Pool, PoolKind
from synthesis.read.description import Pair
from synthesis.read.source import Tensor

if TYPE_CHECKING:  # few networks have one, and it takes a moment to import
    from synthesis.finish.compute import Array


def interpret(graph: Graph, image: Tensor, *, round_average: bool = False) -> tuple[Tensor, ...]:
    """Run the network.

    Args:
        graph: what to compute.
        image: int, (C, H, W), values -128..127; operands of a first element-wise layer one after
        the
            other along the channels.
        round_average: average pooling rounds instead of truncating toward zero.
    Returns:
        The output tensor of every layer, in order: int64 (C, H, W), bytes or 32-bit accumulators.
    """
    tensors = {INPUT: image}
    if graph.buffer is not None:
        shape = graph.buffer.shape
        tensors[BUFFER] = np.zeros((shape.channels, *shape.dims), np.int64)
    for layer in graph.layers:
        sources = [tensors[source] for source in layer.sources]
        result = run_layer(layer, sources, round_average=round_average)
        tensors[layer.as_producer] = result
        if layer.buffer_shift or layer.buffer_insert:
            tensors[BUFFER] = _rolled(tensors[BUFFER], layer, result)
    return tuple(tensors[layer.as_producer] for layer in graph.layers)


def answers(graph: Graph, results: Sequence[Tensor], *, scales: bool = True) -> "dict[str, Array]":
    """What the processor makes of the results of all layers, by name; see `finish_answers`."""
    if graph.finish is None:
        return {}
    from synthesis.finish.finish import finish_answers  # noqa: PLC0415 - few networks have one

    outputs = {layer.name: result for layer, result in zip(graph.layers, results, strict=True)}
    return finish_answers(graph.finish, outputs, scales=scales)


def _rolled(buffer: Tensor, layer: Layer, result: Tensor) -> Tensor:
    """The rolling buffer after a layer that moves it or adds to it.

    A shift leaves the newest pixels in their place too, until something is inserted there.
    """
    pixels = buffer.reshape(len(buffer), -1).copy()
    n_pixels = pixels.shape[1]
    first = n_pixels - layer.buffer_insert if layer.buffer_insert else 0
    made = result.reshape(len(result), -1)
    pixels[:, first : first + made.shape[1]] = made
    return pixels.reshape(buffer.shape)


def run_layer(layer: Layer, sources: Sequence[Tensor], *, round_average: bool = False) -> Tensor:
    """One layer on its producers' tensors."""
    operands = [_shape(layer, operand) for operand in _gather(layer, sources)]
    if layer.pool_first or layer.combine is None:
        operands = [_pool(operand, layer, round_average=round_average) for operand in operands]
    data = operands[0]
    if layer.combine is not None:
        data = fixed.combine(operands, layer.combine)
        if not layer.pool_first:
            data = _pool(data, layer, round_average=round_average)
    if layer.kernel is None:
        return data
    if layer.flatten:
        data = data.reshape(-1, 1, 1)
    return _finish(layer, layer.kernel, convolve(layer, layer.kernel, data).astype(np.int64))


def _gather(layer: Layer, sources: Sequence[Tensor]) -> list[Tensor]:
    """Operands of a layer: its producers, blocks of one producer, or several producers joined."""
    if layer.combine is not None and len(sources) > 1:
        return list(sources)
    n_pixels = layer.in_shape.n_pixels + sum(layer.in_crop) * layer.in_shape.columns
    n_pixels += layer.buffer_shift
    if all(source.shape[1] * source.shape[2] == n_pixels for source in sources):
        joined = np.concatenate([source.reshape(len(source), -1) for source in sources])
    else:
        joined = np.concatenate([source.reshape(len(source), -1) for source in sources], axis=1)
    blocks: list[Tensor] = np.split(joined, layer.operands)
    return blocks


def _shape(layer: Layer, operand: Tensor) -> Tensor:
    """Crop leading and trailing rows, then give the layer's own rows and columns."""
    flat = operand.reshape(len(operand), -1)[:, layer.buffer_shift :]
    before, after = (n * layer.in_shape.columns for n in layer.in_crop)
    return flat[:, before : flat.shape[1] - after].reshape(-1, *layer.in_shape.dims)


def _pool(data: Tensor, layer: Layer, *, round_average: bool) -> Tensor:
    pool = layer.pool
    if not pool.is_used:
        return data
    windows = _windows(data, pool, layer.pooled)
    if pool.kind is PoolKind.MAX:
        largest: Tensor = windows.max(axis=(-2, -1))
        return largest
    total, n = windows.sum(axis=(-2, -1)), prod(pool.window)
    if round_average:
        return fixed.saturate(fixed.average_round(total, n))
    return fixed.average_trunc(total, n)


def _windows(data: Tensor, pool: Pool, pooled: Pair) -> Tensor:
    view = np.lib.stride_tricks.sliding_window_view(data, pool.window, (1, 2))
    return view[:, :: pool.stride[0], :: pool.stride[1]][:, : pooled[0], : pooled[1]]


def _finish(layer: Layer, kernel: Kernel, total: Tensor) -> Tensor:
    if kernel.bias is not None:
        total = total + fixed.BIAS_ONE * kernel.bias.reshape(-1, 1, 1)
    if layer.output_width == 32:
        return total
    return fixed.requantize(total, kernel.shift, layer.activation)


def compare(graph: Graph, first: Mapping[int, Tensor], second: Mapping[int, Tensor]) -> str | None:
    """The first difference between two answers, in words; None if they are equal.

    Args:
        first, second: layer index -> tensor (C, H, W); layers missing in either are not compared.
    """
    for layer in graph.layers:
        if layer.index not in first or layer.index not in second:
            continue
        one, other = first[layer.index], second[layer.index]
        if one.shape != other.shape:
            raise InternalError(f"{layer.name}: shapes {one.shape} and {other.shape}")
        different = np.argwhere(one != other)
        if len(different):
            channel, row, column = (int(n) for n in different[0])
            values = f"{one[channel, row, column]} and {other[channel, row, column]}"
            return f"layer {layer.name} channel {channel} row {row} column {column}: {values}"
    return None
