"""The sums of products of a layer: what its kernels make of an image, before bias and scale.

One matrix product for a layer, in single precision where that is exact and else in double: single
takes half the time. Of whole numbers the sums are exact: every partial sum is one below 2^53.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthesis.graph.ir import Kernel, Layer
from synthesis.read.description import Operator

Numbers = NDArray[np.int64] | NDArray[np.float64]

EXACT_IN_SINGLE = 1 << 24  # single precision holds every whole number up to this


def convolve(layer: Layer, kernel: Kernel, data: Numbers) -> NDArray[np.float64]:
    """Correlate an image with all kernels of a layer.

    Args:
        layer: padding, dilation, stride of what is transposed.
        kernel: its weights.
        data: whole numbers or real ones, (C, H, W), pooled and combined.
    Returns:
        Sums, (K, rows, columns).
    """
    weights = kernel.weights_oihw.reshape(len(kernel.weights_oihw), -1)
    kind: Any = np.float32 if _is_exact_in_single(weights, data) else np.float64
    windows = _windows(layer, _padded(layer, data, kind))
    total: NDArray[Any] = np.matmul(weights.astype(kind), windows)
    return total.astype(np.float64).reshape(-1, *layer.out_shape.dims)


def _is_exact_in_single(weights: NDArray[np.int64], data: Numbers) -> bool:
    """Whole numbers of which no sum of products leaves what single precision holds."""
    bound = float(np.abs(data).max()) * float(np.abs(weights).sum(axis=1).max())
    is_whole = data.dtype == np.int64 or np.array_equal(data, np.rint(data))
    return is_whole and bound < EXACT_IN_SINGLE


def _windows(layer: Layer, padded: NDArray[Any]) -> NDArray[Any]:
    """What every weight meets, side by side: (C x kernel rows x columns, rows x columns).

    A copy, as large as the kernel has weights: a matrix product of views takes far longer.
    """
    rows, columns = layer.out_shape.dims
    windows = np.empty((len(padded), *layer.kernel_size, rows, columns), padded.dtype)
    for i, j in np.ndindex(*layer.kernel_size):
        top = i * layer.dilation
        windows[:, i, j] = padded[:, top : top + rows, j : j + columns]
    return windows.reshape(-1, rows * columns)


def _padded(layer: Layer, data: Numbers, kind: Any) -> NDArray[Any]:
    """The image a stride-1 correlation runs over: zeros around, for a transposed layer also
    between.
    """
    (top, left), step, more = layer.pad, 1, 0
    if layer.op is Operator.CONVTRANSPOSE2D:
        top, left = layer.kernel_size[0] - 1 - top, layer.kernel_size[1] - 1 - left
        step, more = 2, layer.output_pad
    channels, rows, columns = data.shape
    bottom, right = top + step * (rows - 1) + 1, left + step * (columns - 1) + 1
    padded = np.zeros((channels, bottom + top + more, right + left + more), kind)
    padded[:, top:bottom:step, left:right:step] = data
    return padded
