"""How many clock cycles a layer takes: one formula, no registers, no network.

The compiler predicts with it, the simulated accelerator reports with it. It reproduces the vendor's
published latency estimate; with 6.7 microseconds added it meets four published board timings to
within 0.3 microseconds (MNIST, keyword spotting, CIFAR-10, CIFAR-100).

Source: docs/hardware/arithmetic.md#cycles; [timings].
"""

from dataclasses import dataclass

STARTUP_CYCLES = 1


@dataclass(frozen=True, slots=True)
class LayerTiming:
    """What the time of a layer depends on: counts and sizes as the hardware sees them.

    Args:
        rows: data rows after pooling, doubled by a transposed convolution; the rows that a flatten
            layer flattens. `columns` likewise.
        out_columns: columns of the convolution's result; `columns` again for flatten.
        pad_rows: zero rows above (and below) the image; `pad_columns` likewise.
        kernels: kernel steps per output pixel and input pass (per flattened element for flatten),
            unused slots included.
        kernel_start: first kernel word; matters only if `is_pooled_first` is false.
        is_pooled_first: each operand is pooled before the operands are combined.
        time_slots: pass-through only: words written per quadrant, pixel and pass.
        is_long_flatten: flattens more than 16 elements per processor, all passes counted.
    """

    rows: int
    columns: int
    out_columns: int
    pad_rows: int = 0
    pad_columns: int = 0
    kernel_rows: int = 1
    kernel_columns: int = 1
    pool_size: int = 1
    in_passes: int = 1
    out_passes: int = 1
    operands: int = 1
    kernels: int = 0
    kernel_start: int = 0
    time_slots: int = 1
    is_passthrough: bool = False
    is_pooled_first: bool = True
    is_streaming: bool = False
    is_long_flatten: bool = False


def layer_cycles(layer: LayerTiming) -> int:
    """Clock cycles of one layer; for a streaming layer the vendor's rough estimate."""
    cycles = _passthrough_cycles(layer) if layer.is_passthrough else _convolution_cycles(layer)
    # Quirk stream-cycles: half as long again is the vendor's guess; no board time is published.
    return (15 * cycles + 9) // 10 if layer.is_streaming else cycles


def _passthrough_cycles(layer: LayerTiming) -> int:
    _, data = _step_cycles(layer)
    return layer.rows * layer.columns * (data + _passes(layer) * layer.time_slots)


def _convolution_cycles(layer: LayerTiming) -> int:
    """Add up padding rows, data rows that only fill the row buffers, and rows that give output."""
    pad_step, data_step = _step_cycles(layer)
    pad, columns = layer.pad_columns, layer.columns
    passes = _passes(layer)
    repeats = 1 if layer.is_pooled_first else passes

    borders = 2 * pad * (pad_step + 1)
    pad_row = borders + repeats * columns * (pad_step + 1)
    fill_row = borders + repeats * columns * (data_step + 1)
    out_row = passes * layer.out_columns * layer.kernels
    if layer.kernels == 1 and passes == 1:
        out_row += 1

    n_fill_rows = layer.kernel_rows - 1 - layer.pad_rows
    return (
        int(layer.is_long_flatten)
        + _kernel_preload_cycles(layer)
        + layer.pad_rows * pad_row
        + n_fill_rows * fill_row
        + (layer.rows - n_fill_rows) * (_reading_row(layer, data_step) + out_row)
        + layer.pad_rows * (_reading_row(layer, pad_step) + out_row)
    )


def _reading_row(layer: LayerTiming, step: int) -> int:
    """One row that is read and gives output; `step` cycles per column inside the image."""
    pad_step, _ = _step_cycles(layer)
    repeats = 1 if layer.is_pooled_first else _passes(layer)
    pad = layer.pad_columns
    n_fill_columns = layer.kernel_columns - 1 - pad
    inside = n_fill_columns * (step + 1) + (layer.out_columns - pad) * step
    return pad * (pad_step + 1) + repeats * inside + pad_step * pad


def _step_cycles(layer: LayerTiming) -> tuple[int, int]:
    """Cycles of one column of padding and of one column of data."""
    passes = _passes(layer)
    if layer.is_pooled_first:
        return 2 * passes * layer.operands, passes * layer.operands * (layer.pool_size + 1)
    return 2 * passes, passes * (layer.operands * layer.pool_size + 1)


def _passes(layer: LayerTiming) -> int:
    """Input passes; a pooling pass-through over several passes takes nearly twice as many."""
    # Quirk pooled-passes: 2P - 1, as the vendor counts.
    if layer.is_passthrough and layer.out_passes > 1 and layer.pool_size > 1:
        return 2 * layer.in_passes - 1
    return layer.in_passes


def _kernel_preload_cycles(layer: LayerTiming) -> int:
    """Only where operands are combined before pooling."""
    if layer.is_pooled_first or (_passes(layer) == 1 and layer.operands == 1):
        return 0
    pad_rows, pad_columns = layer.pad_rows, layer.pad_columns
    down = (layer.rows + 2 * pad_rows - layer.kernel_columns + 1) * pad_columns
    across = (layer.columns + 2 * pad_columns - layer.kernel_rows + 1) * pad_rows
    return (down + across - pad_rows * pad_columns) * layer.kernel_start
