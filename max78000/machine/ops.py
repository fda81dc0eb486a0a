"""Integer tensor operations of the accelerator: pooling, kernels from bytes, convolution.

Plain functions on arrays; no registers, no memories. Rounding, clamping and combining are in
`fixed`. Convolutions are sums of matrix products in floating point, which is exact here, since
every partial sum is an integer below 2^53 (2^24 in single precision), and far faster than integers.
"""

from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from max78000.facts.fixed import average_round, average_trunc
from max78000.machine.memory import Bytes, Ints
from max78000.machine.setup import KernelSetup, PoolSetup

Weights = NDArray[np.int8]
Sums = NDArray[np.int64]

EXACT_IN_SINGLE = 1 << 24
DATA_LIMIT = 128  # largest magnitude of a data byte


def pool(x_chw: Ints, setup: PoolSetup) -> Sums:
    """Reduce every window to one value; windows that do not fit completely are dropped.

    Args:
        x_chw: data bytes, shape (..., rows, columns).
        setup: window, step, maximum or average.
    """
    windows = pool_windows(x_chw, setup)
    if setup.is_max:
        return reduce(np.maximum, windows).astype(np.int64)
    total = np.zeros(windows[0].shape, np.int64)
    for window in windows:
        total += window
    average = average_round if setup.is_rounding else average_trunc
    return average(total, len(windows))


def pool_windows(x_chw: NDArray[Any], setup: PoolSetup) -> list[NDArray[Any]]:
    """Every window position as one strided view of shape (..., pooled rows, pooled columns)."""
    n_rows = (x_chw.shape[-2] - setup.rows) // setup.step + 1
    n_columns = (x_chw.shape[-1] - setup.columns) // setup.step + 1
    row_span, column_span = (n_rows - 1) * setup.step + 1, (n_columns - 1) * setup.step + 1
    return [
        x_chw[..., row : row + row_span : setup.step, column : column + column_span : setup.step]
        for row in range(setup.rows)
        for column in range(setup.columns)
    ]


def kernel_bytes(setup: KernelSetup) -> NDArray[np.int64]:
    """Byte of the processor's kernel stream that holds each weight: shape (steps, taps)."""
    addresses = _mask_addresses(setup)
    last_byte = (addresses >> 3) * setup.taps + setup.byte_offset + setup.taps - 1
    return last_byte[:, None] - np.arange(setup.taps)


def kernels_of(setup: KernelSetup, stream: Bytes) -> Weights:
    """Cut the weights of all steps out of kernel bytes.

    Args:
        setup: addresses and weight bits.
        stream: kernel bytes in the order of `kernel_bytes`, shape (processors, bytes).
    Returns:
        Signed weights, shape (processors, steps, taps).
    """
    chosen = stream[:, kernel_bytes(setup)]
    unused_bits = np.uint8(8 - setup.weight_bits)
    lowest_bit = (_mask_addresses(setup) & 7).astype(np.uint8)[None, :, None]
    # the wanted bits move to the top and come back with their sign
    return (chosen << (unused_bits - lowest_bit)).view(np.int8) >> unused_bits.astype(np.int8)


def _mask_addresses(setup: KernelSetup) -> NDArray[np.int64]:
    return setup.first_address + setup.weight_bits * np.arange(setup.n_steps)


def convolve(x_chw: Ints, weights_oct: Ints, setup: KernelSetup) -> Sums:
    """Correlate with zero padding; a transposed layer first puts a zero after every element.

    Args:
        x_chw: shape (channels, rows, columns), magnitudes up to 128.
        weights_oct: shape (outputs, channels, taps), taps row-major.
        setup: kernel size, padding, transposition.
    Returns:
        Exact sums, shape (outputs, rows, columns).
    """
    bound = int(np.abs(weights_oct.astype(np.int64)).sum(axis=(1, 2)).max()) * DATA_LIMIT
    kind = np.float32 if bound < EXACT_IN_SINGLE else np.float64
    image = _padded(x_chw.astype(kind), setup)
    weights = weights_oct.astype(kind)
    n_rows = image.shape[1] - setup.rows + 1
    n_columns = image.shape[2] - setup.columns + 1
    total = np.zeros((weights.shape[0], n_rows * n_columns), kind)
    for tap in range(setup.taps):
        row, column = divmod(tap, setup.columns)
        shifted = image[:, row : row + n_rows, column : column + n_columns]
        total += weights[:, :, tap] @ shifted.reshape(len(image), -1)
    return total.astype(np.int64).reshape(-1, n_rows, n_columns)


def _padded(x_chw: NDArray[Any], setup: KernelSetup) -> NDArray[Any]:
    if setup.is_transposed:
        channels, rows, columns = x_chw.shape
        spread = np.zeros((channels, 2 * rows, 2 * columns), x_chw.dtype)
        spread[:, ::2, ::2] = x_chw
        x_chw = spread
    rows, columns = (setup.pad_rows,) * 2, (setup.pad_columns,) * 2
    return np.pad(x_chw, ((0, 0), rows, columns))
