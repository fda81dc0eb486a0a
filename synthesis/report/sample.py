"""The known answer in figures: what goes in for the sample, what comes out. No pictures here."""

from dataclasses import dataclass, replace

import numpy as np

from synthesis.graph.ir import INPUT, Graph
from synthesis.graph.scales import final_scale
from synthesis.read.source import Tensor

MOST_VALUES = 64  # tensors of so many values are listed whole


@dataclass(frozen=True, slots=True)
class SampleRun:
    """A sample and what the network makes of it: int64 (C, H, W), one result a layer."""

    image: Tensor
    results: tuple[Tensor, ...]
    round_average: bool = False  # average pooling rounded


@dataclass(frozen=True, slots=True)
class TensorFigures:
    """A tensor in a few numbers.

    Attributes:
        layer: that makes it; -1 is the network input.
        final_scale: what the tensor means is its values times two to the power of this.
        highest_at: channel, row and column of the first largest value.
        values: all of them, channel by channel; None for tensors of many.
    """

    name: str
    layer: int
    shape: tuple[int, int, int]
    width_bits: int
    final_scale: int
    lowest: int
    highest: int
    mean: float
    highest_at: tuple[int, int, int]
    values: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class SampleReport:
    """The input and every result that is unloaded."""

    input: TensorFigures
    outputs: tuple[TensorFigures, ...]


def make_sample(graph: Graph, run: SampleRun) -> SampleReport:
    """Figures of the sample."""
    outputs = (
        replace(
            _figures(layer.name, layer.index, run.results[layer.index], layer.output_width),
            final_scale=final_scale(layer, graph),
        )
        for layer in graph.unloaded
    )
    return SampleReport(_figures("input", INPUT.step, run.image, 8), tuple(outputs))


def _figures(name: str, layer: int, tensor: Tensor, width_bits: int) -> TensorFigures:
    channels, rows, columns = tensor.shape
    channel, row, column = np.unravel_index(int(tensor.argmax()), tensor.shape)
    is_short = tensor.size <= MOST_VALUES
    return TensorFigures(
        name=name,
        layer=layer,
        shape=(channels, rows, columns),
        width_bits=width_bits,
        final_scale=0,
        lowest=int(tensor.min()),
        highest=int(tensor.max()),
        mean=round(float(tensor.mean()), 6),
        highest_at=(int(channel), int(row), int(column)),
        values=tuple(int(value) for value in tensor.flat) if is_short else None,
    )
