"""What 8 bits cost, layer by layer: the network in real numbers against the integer answer.

The real networks have the same integer weights and biases, but nothing is rounded or truncated on
the way. One has no limits either; the other clips where bytes do, as networks are trained, so that
it shows rounding alone. Both carry errors of earlier layers on; a third comparison takes each layer
by itself, on the bytes it really gets. This is a second reading of the graph, in float64, but for
the sums of products: where nothing is lost it has to give the interpreter's values. What was lost
when weights became integers is not known here: `ai8x quantize` tells that.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from math import log10

import numpy as np
from numpy.typing import NDArray

from max78000.facts import fixed
from max78000.facts.fixed import Activation, Combine
from synthesis.graph.convolve import convolve
from synthesis.graph.ir import BUFFER, INPUT, Graph, Layer, PoolKind
from synthesis.read.source import Tensor

Reals = NDArray[np.float64]  # channels, rows, columns
Mean = Callable[[Sequence[Reals]], Reals]  # of the values of each pooling window
LOWEST, HIGHEST = -fixed.DATA_ONE, fixed.DATA_ONE - 1


@dataclass(frozen=True, slots=True)
class Deviation:
    """How far integers are from real numbers: root mean squares, 1.0 = full scale."""

    signal_rms: float  # of the real numbers
    error_rms: float

    @property
    def qsnr_db(self) -> float | None:
        """Power of the real numbers over that of the error; None if either is zero."""
        if not self.signal_rms or not self.error_rms:
            return None
        return 20 * log10(self.signal_rms / self.error_rms)


@dataclass(frozen=True, slots=True)
class LayerAccuracy:
    """One layer for one sample.

    Attributes:
        n_clipped: values that would have been other ones if bytes had no limits.
        n_clippable: values that the layer fits into bytes: sums of operands, scaled results.
        network: against the whole network in real numbers.
        rounding: against the whole network in real numbers, clipped where bytes are.
        alone: against this layer in real numbers, not clipped, on the integers that it gets.
    """

    n_clipped: int
    n_clippable: int
    network: Deviation
    rounding: Deviation
    alone: Deviation


def measure(
    graph: Graph, image: Tensor, results: Sequence[Tensor], *, round_average: bool = False
) -> tuple[LayerAccuracy, ...]:
    """Compare every layer's result for a sample with real numbers.

    Args:
        graph: what was computed.
        image: int64 (C, H, W), as `interpret` takes it.
        results: what `interpret` gave.
        round_average: average pooling rounds instead of truncating toward zero.
    """
    free, limited, integers = (_Values(graph, image) for _ in range(3))
    found = []
    for layer, result in zip(graph.layers, results, strict=True):
        real = _activate(_real(layer, free.sources(layer)), layer)
        clipped = _clip(_real(layer, limited.sources(layer), clips=True), layer)
        alone = _alone(layer, integers.sources(layer), round_average=round_average)
        found.append(_compare(layer, result, (real, clipped), alone))
        free.add(layer, real)
        limited.add(layer, clipped)
        integers.add(layer, result.astype(np.float64))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Alone:
    """One layer on integers: its result in real numbers, and what it has to fit into bytes."""

    real: Reals
    fitted: tuple[Reals, ...]


def _alone(layer: Layer, sources: Sequence[Reals], *, round_average: bool) -> _Alone:
    byte_mean = partial(_byte_mean, rounds=round_average)
    joined, data = _front(layer, sources, byte_mean, clips=True)
    real_data = _front(layer, sources, _mean)[1]
    real = _scaled(layer, real_data)
    fitted = [joined] if layer.combine is not None else []
    if _is_scaled(layer):
        scaled = real if np.array_equal(data, real_data) else _scaled(layer, data)
        fitted.append(_activate(np.floor(scaled + 0.5), layer))
    return _Alone(_activate(real, layer), tuple(fitted))


def _compare(
    layer: Layer, result: Tensor, reals: tuple[Reals, Reals], alone: _Alone
) -> LayerAccuracy:
    """`reals` are the answers of the two real networks, without limits and with them."""
    exact, clipped, itself = (
        _deviation(real, result, _full_scale(layer)) for real in (*reals, alone.real)
    )
    return LayerAccuracy(
        n_clipped=sum(map(_count_outside, alone.fitted)),
        n_clippable=sum(values.size for values in alone.fitted),
        network=exact,
        rounding=clipped,
        alone=itself,
    )


def _deviation(exact: Reals, result: Tensor, one: float) -> Deviation:
    error = exact - result
    signal_rms, error_rms = (
        float(np.sqrt(np.vdot(values, values) / values.size)) / one for values in (exact, error)
    )
    return Deviation(signal_rms, error_rms)


def _full_scale(layer: Layer) -> float:
    """The integer that stands for 1.0 in a layer's result."""
    if layer.kernel is None or layer.output_width == 8:
        return fixed.DATA_ONE
    return fixed.DATA_ONE * 2.0 ** (layer.kernel.bits - 1)


def _is_scaled(layer: Layer) -> bool:
    """True if results are sums of products made bytes: scaled, rounded, clipped, activated."""
    return layer.kernel is not None and layer.output_width == 8


def _count_outside(values: Reals) -> int:
    """Values that no byte holds."""
    return int(np.count_nonzero((values < LOWEST) | (values > HIGHEST)))


class _Values:
    """Results so far, the image and the rolling buffer, as float64."""

    def __init__(self, graph: Graph, image: Tensor) -> None:
        self._kept = {INPUT: image.astype(np.float64)}
        if graph.buffer is not None:
            shape = graph.buffer.shape
            self._kept[BUFFER] = np.zeros((shape.channels, *shape.dims))

    def sources(self, layer: Layer) -> list[Reals]:
        return [self._kept[source] for source in layer.sources]

    def add(self, layer: Layer, result: Reals) -> None:
        self._kept[layer.as_producer] = result
        if layer.buffer_shift or layer.buffer_insert:
            self._write_buffer(layer, result)

    def _write_buffer(self, layer: Layer, result: Reals) -> None:
        """Oldest pixels first: a shift writes at the start, an insertion at the end."""
        buffer = self._kept[BUFFER].copy()
        pixels, made = buffer.reshape(len(buffer), -1), result.reshape(len(result), -1)
        first = pixels.shape[1] - layer.buffer_insert if layer.buffer_insert else 0
        pixels[:, first : first + made.shape[1]] = made
        self._kept[BUFFER] = buffer


# -- one layer in real numbers -------------------------------------------------------------------


def _real(layer: Layer, sources: Sequence[Reals], *, clips: bool = False) -> Reals:
    """The result before activation, in units of the integer result; `clips`: sums of operands."""
    return _scaled(layer, _front(layer, sources, _mean, clips=clips)[1])


def _front(
    layer: Layer, sources: Sequence[Reals], mean: Mean, *, clips: bool = False
) -> tuple[Reals, Reals]:
    """Pooled and combined operands: the sums as they are, and what follows them.

    Args:
        mean: how average pooling averages.
        clips: sums are clipped to bytes.
    """
    operands = _operands(layer, sources)
    if layer.pool_first or layer.combine is None:
        operands = [_pool(layer, operand, mean) for operand in operands]
    joined = operands[0] if layer.combine is None else _combine(operands, layer.combine)
    data = np.clip(joined, LOWEST, HIGHEST) if clips and layer.combine is not None else joined
    if layer.combine is not None and not layer.pool_first:
        data = _pool(layer, data, mean)
    return joined, data


def _operands(layer: Layer, sources: Sequence[Reals]) -> list[Reals]:
    """Several producers one by one, or joined along channels or pixels and dealt out again."""
    flat = [source.reshape(len(source), -1) for source in sources]
    n_pixels, columns = layer.in_shape.n_pixels, layer.in_shape.columns
    if layer.combine is None or len(flat) == 1:
        whole = n_pixels + sum(layer.in_crop) * columns + layer.buffer_shift
        axis = 0 if all(part.shape[1] == whole for part in flat) else 1
        flat = np.split(np.concatenate(flat, axis), layer.operands)
    first = layer.buffer_shift + layer.in_crop[0] * columns
    return [part[:, first : first + n_pixels].reshape(-1, *layer.in_shape.dims) for part in flat]


def _pool(layer: Layer, data: Reals, mean: Mean) -> Reals:
    pool, (rows, columns) = layer.pool, layer.pooled
    if not pool.is_used:
        return data
    windows = np.lib.stride_tricks.sliding_window_view(data, pool.window, (1, 2))
    windows = windows[:, :: pool.stride[0], :: pool.stride[1]][:, :rows, :columns]
    values = [windows[..., i, j] for i, j in np.ndindex(*pool.window)]
    return reduce(np.maximum, values) if pool.kind is PoolKind.MAX else mean(values)


def _mean(values: Sequence[Reals]) -> Reals:
    return reduce(np.add, values) / len(values)


def _byte_mean(values: Sequence[Reals], *, rounds: bool) -> Reals:
    """Bytes from bytes, by the chip's rule."""
    total = reduce(np.add, values).astype(np.int64)
    if rounds:
        return fixed.saturate(fixed.average_round(total, len(values))).astype(np.float64)
    return fixed.average_trunc(total, len(values)).astype(np.float64)


def _combine(operands: Sequence[Reals], op: Combine) -> Reals:
    """Sums without limits; Or and Xor are defined on bytes only, so their operands become such."""
    if op is Combine.ADD:
        return reduce(np.add, operands)
    if op is Combine.SUB:
        return reduce(np.subtract, operands)
    integers = [
        np.floor(np.clip(part, LOWEST, HIGHEST) + 0.5).astype(np.int64) for part in operands
    ]
    return fixed.combine(integers, op).astype(np.float64)


def _scaled(layer: Layer, data: Reals) -> Reals:
    """Convolution, bias and output shift, neither rounded nor clipped."""
    kernel = layer.kernel
    if kernel is None:
        return data
    total = convolve(layer, kernel, data.reshape(-1, 1, 1) if layer.flatten else data)
    if kernel.bias is not None:
        total += fixed.BIAS_ONE * kernel.bias.reshape(-1, 1, 1)
    if layer.output_width == 8:
        total *= 2.0**kernel.shift / fixed.DATA_ONE
    return total


def _activate(values: Reals, layer: Layer) -> Reals:
    """Activation; a 32-bit result and a layer without weights have none."""
    if not _is_scaled(layer) or layer.activation is Activation.NONE:
        return values
    return np.maximum(values, 0) if layer.activation is Activation.RELU else np.abs(values)


def _clip(values: Reals, layer: Layer) -> Reals:
    """Limits of a byte, then activation; Abs of -128 is 127."""
    if not _is_scaled(layer):
        return values
    return np.minimum(_activate(np.clip(values, LOWEST, HIGHEST), layer), HIGHEST)
