"""Integer tensor operations of the accelerator: pooling, kernels from bytes, convolution.

Plain functions on arrays; no registers, no memories. Rounding, clamping and combining are in
`fixed`. A convolution is one matrix product in floating point, which is exact here, since every
partial sum is an integer below 2^53 (2^24 in single precision), and far faster than integers.
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


def pool(x_chw: Ints, setup: PoolSetup) -> Ints:
    """Reduce every window to one value; windows that do not fit completely are dropped.

    Args:
        x_chw: data bytes, shape (..., rows, columns).
        setup: window, step, maximum or average.
    """
    windows = pool_windows(x_chw, setup)
    if setup.is_max or len(windows) == 1:
        return reduce(np.maximum, windows)
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


def kernels_of(setup: KernelSetup, chosen: Bytes) -> Weights:
    """Cut the weights of all steps out of kernel bytes.

    Args:
        setup: addresses and weight bits.
        chosen: the bytes at `kernel_bytes`, shape (processors, steps, taps).
    Returns:
        Signed weights, of the same shape.
    """
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
    weights = weights_oct.reshape(len(weights_oct), -1)
    bound = int(np.abs(weights, dtype=np.int32).sum(axis=1).max()) * DATA_LIMIT
    kind = np.float32 if bound < EXACT_IN_SINGLE else np.float64
    windows = _windows(_padded(x_chw, setup, kind), setup)
    products = np.matmul(weights.astype(kind), windows.reshape(weights.shape[1], -1))
    total: Sums = products.astype(np.int64)
    return total.reshape(-1, *windows.shape[-2:])


def _windows(image: NDArray[Any], setup: KernelSetup) -> NDArray[Any]:
    """What each weight meets, side by side: (channels, kernel rows, columns, rows, columns).

    A copy, as large as the kernel has taps: a matrix product of views takes far longer.
    """
    rows = image.shape[1] - setup.rows + 1
    columns = image.shape[2] - setup.columns + 1
    windows = np.empty((len(image), setup.rows, setup.columns, rows, columns), image.dtype)
    for row, column in np.ndindex(setup.rows, setup.columns):
        windows[:, row, column] = image[:, row : row + rows, column : column + columns]
    return windows


def _padded(x_chw: Ints, setup: KernelSetup, kind: type[np.floating[Any]]) -> NDArray[Any]:
    """Zeros around; in a transposed layer also after every element."""
    step = 2 if setup.is_transposed else 1
    channels, rows, columns = x_chw.shape
    top, left, bottom = setup.pad_rows, setup.pad_columns, setup.pad_rows + step * rows
    right = left + step * columns
    padded = np.zeros((channels, bottom + top, right + left), kind)
    padded[:, top:bottom:step, left:right:step] = x_chw
    return padded
