"""Layer -> Hardware: the engine's own form of some convolutions.

H1 to H4 there: widening 1x1 kernels in streaming groups, stretching dilated kernels with zero taps,
running a long dilated 1D kernel on the 2D engine, padding a transposed convolution by the
complement.

Source: docs/hardware/registers.md#hardware-form.
"""

from dataclasses import dataclass, replace
from math import ceil

import numpy as np
from numpy.typing import NDArray

from max78000.facts.chip import WORD_BYTES, Chip
from synthesis.graph.ir import Layer
from synthesis.read.description import Operator, Pair

MAX_FOLDED_TAPS = 3  # rows of the kernel that a folded image is run with


@dataclass(frozen=True, slots=True)
class Passes:
    """How channels are dealt out: `n` rounds of `width` channels each (the last may be shorter)."""

    n: int
    width: int

    @staticmethod
    def of(channels: int, chip: Chip) -> "Passes":
        """Rounds for a channel count; several rounds fill whole data memory words."""
        n = ceil(channels / chip.n_processors)
        width = ceil(channels / n)
        if n > 1:
            width = ceil(width / chip.processors_per_instance) * chip.processors_per_instance
        return Passes(n, min(width, chip.n_processors))


@dataclass(frozen=True, slots=True)
class Hardware:
    """The layer as the engine executes it, where that differs from what the user wrote.

    Dilated one-dimensional convolutions run stretched, or as two-dimensional ones on a folded
    image; transposed convolutions are padded by the complement. `weights_oihw` is what gets packed.
    """

    op: Operator
    kernel_size: Pair
    pad: Pair
    in_dims: Pair
    pooled: Pair
    out_dims: Pair
    weights_oihw: NDArray[np.int64] | None
    extra_pixels: int = 0  # written after the useful ones
    lead_bytes: int = 0  # written before the useful ones

    @property
    def n_taps(self) -> int:
        """Weights of one kernel."""
        return self.kernel_size[0] * self.kernel_size[1]


def hardware_form(layer: Layer, chip: Chip) -> Hardware:
    """The layer as the engine runs it; layers without dilation or transposition are unchanged."""
    form = _as_written(layer)
    weights = form.weights_oihw
    if layer.op is Operator.CONVTRANSPOSE2D:
        # Quirk transposed-counts: the engine pads the picture with zeros between its pixels.
        (rows, columns), (above, beside) = layer.kernel_size, layer.pad
        return replace(form, pad=(rows - 1 - above, columns - 1 - beside))
    if weights is not None and _is_widened(layer):
        return _widened(form, weights)
    if layer.op is Operator.CONV1D and layer.dilation > 1 and weights is not None:
        taps = layer.kernel_size[0]
        if (taps - 1) * layer.dilation < chip.max_taps:
            return _stretched(form, weights, layer.dilation)
        if taps <= MAX_FOLDED_TAPS:  # rule C6 refuses longer kernels
            return _folded(form, weights, layer, chip)
    return form


def _as_written(layer: Layer) -> Hardware:
    """The layer with nothing changed."""
    return Hardware(
        op=layer.op,
        kernel_size=layer.kernel_size,
        pad=layer.pad,
        in_dims=layer.in_shape.dims,
        pooled=layer.pooled,
        out_dims=layer.out_shape.dims,
        weights_oihw=layer.kernel.weights_oihw if layer.kernel is not None else None,
    )


def pixels_read(layer: Layer, chip: Chip) -> int:
    """Pixels from the start of a layer's input to the last that the engine reads."""
    rows, columns = hardware_form(layer, chip).in_dims
    return rows * columns + layer.in_crop[0] * layer.in_shape.columns


def _is_widened(layer: Layer) -> bool:
    """1x1 kernels in a streaming group, and right behind it, run as 3x3."""
    # Quirk stream-1x1: nobody says why; it takes nine times the weight memory.
    is_near = layer.is_streaming or layer.follows_streaming
    return is_near and layer.op is Operator.CONV2D and layer.kernel_size == (1, 1)


def _widened(form: Hardware, weights: NDArray[np.int64]) -> Hardware:
    """The single weight in the middle of a 3x3 kernel with padding 1."""
    kernel = np.zeros((*weights.shape[:2], 3, 3), weights.dtype)
    kernel[:, :, 1, 1] = weights[:, :, 0, 0]
    return replace(form, kernel_size=(3, 3), pad=(1, 1), weights_oihw=kernel)


def _stretched(form: Hardware, weights: NDArray[np.int64], dilation: int) -> Hardware:
    """Zero taps between the taps: a plain 1D kernel of up to nine taps."""
    taps = (form.kernel_size[0] - 1) * dilation + 1
    stretched = np.zeros((*weights.shape[:2], taps, 1), weights.dtype)
    stretched[:, :, ::dilation] = weights
    return replace(form, kernel_size=(taps, 1), weights_oihw=stretched)


def _folded(form: Hardware, weights: NDArray[np.int64], layer: Layer, chip: Chip) -> Hardware:
    """A 3x3 kernel over the data seen as an image with `dilation` columns, taps in its middle
    column.
    """
    taps = layer.kernel_size[0]
    image: Pair = (ceil(layer.in_shape.rows / layer.dilation), layer.dilation)
    kernel = np.zeros((*weights.shape[:2], 3, 3), weights.dtype)
    kernel[:, :, 3 - taps :, 1] = weights[:, :, :, 0]
    out_passes = Passes.of(layer.out_shape.channels, chip)
    # With three taps the first row of the image is useless: it is written in front of the result.
    # Quirk folded-lead: the vendor counts bytes of 8-bit results, also of wider ones.
    row_words = layer.dilation * out_passes.n * layer.output_width // 8
    lead_words = row_words * ((layer.constraints.write_gap or 0) + 1) if taps == 3 else 0
    return replace(
        form,
        op=Operator.CONV2D,
        kernel_size=(3, 3),
        pad=(1, 1),
        in_dims=image,
        pooled=image,
        out_dims=image,
        weights_oihw=kernel,
        extra_pixels=image[0] * image[1] - layer.out_shape.rows,
        lead_bytes=WORD_BYTES * lead_words,
    )


def row_buffer_entries(hardware: Hardware, output_pad: int) -> int:
    """Line memory entries of one row of one input pass."""
    if hardware.op is Operator.PASSTHROUGH:
        return 1
    columns = hardware.pooled[1]
    if hardware.op is Operator.CONVTRANSPOSE2D:
        columns = (columns - 1) * 2 + 1 + output_pad
    return max(0, columns + 2 * hardware.pad[1] - hardware.kernel_size[1]) + 1
