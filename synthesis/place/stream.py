"""Streaming layers: when each may start, and how many words of its input are kept.

A streaming layer starts once its producer has written `start` words and goes on whenever `delta1`
more (inside a row) or `delta2` more (at the end of a row) are there; its input memory is a ring of
`ring_words`.

Source: docs/hardware/registers.md#stream-and-fmax.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from max78000.facts.chip import WORD_BYTES
from synthesis.graph.ir import Producer
from synthesis.lower.hardware import row_buffer_entries
from synthesis.place.placed import PlacedGraph, PlacedLayer
from synthesis.read.description import DataFormat

# Quirk stream-slack: two words more than the window needs.
EXTRA_START = 2  # words of slack that the vendor generator adds
# Quirk chw-ring: whatever the picture.
CHW_RING_WORDS = 12


@dataclass(frozen=True, slots=True)
class Stream:
    """Counts of one layer; all 0 for a layer that neither streams nor reads a FIFO."""

    start: int = 0
    delta1: int = 0
    delta2: int = 0
    earlier_passes: int = 0
    ring_words: int = 0
    row_buffer_start: int = 0


def stream_of(placed: PlacedLayer, graph: PlacedGraph) -> Stream:
    """The counts of a layer."""
    if placed.layer.index == 0:
        return _first(placed) if graph.input_path.is_fifo else Stream()
    return _later(placed, graph) if placed.layer.is_streaming else Stream()


def ring_bytes(graph: PlacedGraph) -> Mapping[Producer, int]:
    """Bytes of the rings that tensors of a streaming group lie in, by their producers.

    Offsets do not matter here.
    """
    # Quirk ring-apart: one word more, since the vendor's generator wants one between rings.
    streaming = graph.layers[: graph.n_streaming]
    sizes = (WORD_BYTES * (stream_of(placed, graph).ring_words + 1) for placed in streaming)
    return {Producer.before(i): size for i, size in enumerate(sizes)}


def frame_words(placed: PlacedLayer) -> int:
    """Words that each FIFO delivers for one picture."""
    n_pixels = placed.hardware.in_dims[0] * placed.hardware.in_dims[1]
    return n_pixels if placed.data_format is DataFormat.HWC else -(-n_pixels // WORD_BYTES)


def _first(placed: PlacedLayer) -> Stream:
    layer = placed.layer
    rows, columns = layer.pool.window
    # Quirk whole-frame: a first layer that does not stream waits for the whole picture.
    if not layer.is_streaming:
        return Stream(start=rows * frame_words(placed))
    width = placed.hardware.in_dims[1]
    start = rows * ((rows - 1) * width + columns)
    return Stream(
        start=start,
        delta1=(layer.pool.stride[1] - 1) * layer.operands,
        delta2=(rows - 1) * width * layer.operands,
        ring_words=_ring_words(placed, start),
    )


def _later(placed: PlacedLayer, graph: PlacedGraph) -> Stream:
    layer = placed.layer
    before = graph.layers[layer.index - 1].hardware
    rows, columns = layer.pool.window
    written_row = before.pooled[1] + 2 * before.pad[1]
    start = written_row * (before.kernel_size[0] - 1 + rows - 1)
    start += before.kernel_size[1] - 1 + columns + EXTRA_START
    stride = layer.pool.stride
    earlier = graph.layers[: layer.index]
    return Stream(
        start=start,
        delta1=stride[1] * layer.operands,
        delta2=(stride[0] - 1) * written_row + columns * layer.operands,
        earlier_passes=sum(other.in_passes.n for other in earlier),
        ring_words=_ring_words(placed, start) if graph.input_path.is_fifo else 0,
        row_buffer_start=sum(_row_buffer(other) for other in earlier),
    )


def _row_buffer(placed: PlacedLayer) -> int:
    return row_buffer_entries(placed.hardware, placed.layer.output_pad) * placed.in_passes.n


def _ring_words(placed: PlacedLayer, start: int) -> int:
    passes = placed.in_passes.n
    if placed.data_format is DataFormat.CHW:
        words = CHW_RING_WORDS
    else:
        rows, columns = placed.layer.pool.window
        words = start + (rows - 1) * placed.hardware.in_dims[1]
        words += max(1, placed.layer.pool.stride[1], columns)
    return -(-words // passes) * passes
