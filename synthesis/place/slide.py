"""Layers that may write over their own input, because writing never gets ahead of reading.

A plain layer with one pass in and out reads its input once, row by row, and stores a pixel's result
after everything that the result depends on has been read (into row buffers where it is needed
again). So its output may lie on its input if it starts early enough. That is all that is assumed of
the engine; how far reading runs ahead does not matter.
"""

import numpy as np
from numpy.typing import NDArray

from max78000.facts.chip import WORD_BYTES, Chip
from max78000.facts.fixed import DATA_BITS
from synthesis.graph.ir import Layer
from synthesis.lower.hardware import Hardware, Passes, hardware_form
from synthesis.read.description import Operator


def slide_bytes(layer: Layer, chip: Chip) -> int | None:
    """How many bytes, at least, the output has to start before the input that it overwrites.

    Negative if it may even start behind. None if the layer must not write over its input at all.
    """
    if not _is_plain(layer, chip):
        return None
    hardware = hardware_form(layer, chip)
    if hardware.extra_pixels or hardware.lead_bytes:
        return None
    rows, columns = np.divmod(np.arange(layer.out_shape.n_pixels), layer.out_shape.columns)
    first_unread = _first_unread(layer, hardware, rows, columns)
    written = (np.arange(layer.out_shape.n_pixels) + 1) * (layer.output_width // DATA_BITS)
    is_reading = first_unread < layer.in_shape.n_pixels
    if not is_reading.any():
        return -WORD_BYTES * layer.in_shape.n_pixels
    return WORD_BYTES * int((written - first_unread)[is_reading].max())


def _is_plain(layer: Layer, chip: Chip) -> bool:
    is_row_by_row = layer.op is not Operator.CONVTRANSPOSE2D and not layer.flatten
    is_single = len(layer.sources) == 1 and layer.operands == 1 and not layer.constraints.write_gap
    passes = (Passes.of(shape.channels, chip).n for shape in (layer.in_shape, layer.out_shape))
    is_simple = not (layer.is_streaming or any(layer.in_crop) or layer.buffer_shift)
    return is_row_by_row and is_single and is_simple and all(n == 1 for n in passes)


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
