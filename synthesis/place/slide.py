"""Layers that may write over their own input, because writing never gets ahead of reading.

A plain layer reads its input once, row by row, and stores a pixel's result after everything that
the result depends on has been read (into row buffers where it is needed again). So its output may
lie on its input if it starts early enough. That is all that is assumed of the engine; how far
reading runs ahead does not matter. Where a pixel takes several passes, even less is assumed: all
that it depends on may be read again until its last word is stored.
"""

import numpy as np
from numpy.typing import NDArray

from max78000.facts.chip import WORD_BYTES, Chip
from max78000.facts.fixed import DATA_BITS
from synthesis.graph.ir import INPUT, Layer
from synthesis.lower.hardware import Hardware, Passes, hardware_form
from synthesis.read.description import DataFormat, Operator


def slide_bytes(layer: Layer, chip: Chip) -> int | None:
    """How many bytes, at least, the output has to start before the input that it overwrites.

    Negative if it may even start behind. None if the layer must not write over its input at all.
    """
    if not _is_plain(layer):
        return None
    hardware = hardware_form(layer, chip)
    if hardware.extra_pixels or hardware.lead_bytes:
        return None
    in_passes, out_passes = (
        Passes.of(shape.channels, chip).n for shape in (layer.in_shape, layer.out_shape)
    )
    pixels = np.arange(layer.out_shape.n_pixels)
    rows, columns = np.divmod(pixels, layer.out_shape.columns)
    look = _first_unread if in_passes == out_passes == 1 else _first_needed
    first = in_passes * look(layer, hardware, rows, columns)
    step = (layer.constraints.write_gap or 0) + 1
    written = ((pixels + 1) * out_passes - 1) * step + 1
    is_reading = first < in_passes * layer.in_shape.n_pixels
    if not is_reading.any():
        return -WORD_BYTES * in_passes * layer.in_shape.n_pixels
    lead = written * (layer.output_width // DATA_BITS) - first
    return WORD_BYTES * int(lead[is_reading].max())


def _is_plain(layer: Layer) -> bool:
    is_row_by_row = layer.op is not Operator.CONVTRANSPOSE2D and not layer.flatten
    is_single = len(layer.sources) == 1 and layer.operands == 1
    # Pixels of a CHW image come four to a word; a buffer has words that nothing may touch.
    is_chw = layer.sources == (INPUT,) and layer.constraints.data_format is DataFormat.CHW
    is_simple = not (layer.is_streaming or any(layer.in_crop) or layer.buffer_shift or is_chw)
    return is_row_by_row and is_single and is_simple


def _first_unread(
    layer: Layer, hardware: Hardware, rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The first input pixel that is still to be read when an output pixel is stored."""
    pooled_rows, pooled_columns = layer.pooled
    row = rows + hardware.kernel_size[0] - 1 - hardware.pad[0]
    column = columns + hardware.kernel_size[1] - hardware.pad[1]
    is_next_row = column >= pooled_columns
    row, column = row + is_next_row, np.where(is_next_row, 0, column)
    stride = layer.pool.stride
    unread = row * stride[0] * layer.in_shape.columns + column * stride[1]
    first: NDArray[np.int64] = np.where(row >= pooled_rows, layer.in_shape.n_pixels, unread)
    return first


def _first_needed(
    layer: Layer, hardware: Hardware, rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The first input pixel that an output pixel, or a later one, depends on."""
    row = np.maximum(rows - hardware.pad[0], 0)
    column = np.maximum(columns - hardware.pad[1], 0)
    stride = layer.pool.stride
    needed = row * stride[0] * layer.in_shape.columns + column * stride[1]
    first: NDArray[np.int64] = np.minimum.accumulate(needed[::-1])[::-1]
    return first
