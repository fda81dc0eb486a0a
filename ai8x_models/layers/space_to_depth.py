"""Space-to-depth folding by two, and the stride-2 kernel that it turns into a stride-1 one.

The accelerator convolves with stride 1 only. A 3x3 stride-2 convolution of a picture equals,
exactly, a 3x3 stride-1 convolution of the folded picture, whose four times as many channels are the
pixels of every 2x2 block. Pure functions on numpy arrays and torch tensors alike; the layer that
trains the one form and deploys the other is `layers.FoldedConv2d`. No other ratio is offered.
"""

from collections.abc import Mapping
from typing import Literal, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from max78000.errors import InputError

RATIO = 2
Array = TypeVar("Array", Tensor, NDArray[np.generic])
Padding = Literal["one", "same"]

# Row (or column) a of the stride-2 kernel -> (phase, tap): which row of the 2x2 block it reads, and
# which tap of the folded kernel holds it. "one": zeros on both sides of the picture, so that output
# row u reads picture row 2u + a - 1 = 2 (u + tap - 1) + phase; "same": zeros after the picture only
# (TensorFlow), picture row 2u + a.
_TAPS: Mapping[Padding, tuple[tuple[int, int], ...]] = {
    "one": ((1, 0), (0, 1), (1, 1)),
    "same": ((0, 1), (1, 1), (0, 2)),
}


def fold_image(image: Array) -> Array:
    """Fold a picture by two: channel (2 i + j) * C + c of the result is image[c, i::2, j::2].

    Args:
        image: shape (..., C, H, W), H and W even.

    Returns:
        Shape (..., 4 C, H/2, W/2), same type.

    Source: [trainer] sub-image (i, j) in block 2 i + j.
    """
    height, width = image.shape[-2:]
    if height % RATIO or width % RATIO:
        why = f"a picture of {height}x{width} cannot be folded by {RATIO}"
        raise InputError(why, fix="crop or pad it to an even number of rows and columns")
    parts = [image[..., i::RATIO, j::RATIO] for i in range(RATIO) for j in range(RATIO)]
    if isinstance(image, Tensor):
        return torch.cat(parts, dim=-3)
    return np.concatenate(parts, axis=-3)


def unfold_image(folded: Array) -> Array:
    """Undo `fold_image`: shape (..., 4 C, H, W) to (..., C, 2 H, 2 W)."""
    channels, height, width = folded.shape[-3:]
    shape = (*folded.shape[:-3], channels // RATIO**2, height * RATIO, width * RATIO)
    image = folded.new_empty(shape) if isinstance(folded, Tensor) else np.empty(shape, folded.dtype)
    size = channels // RATIO**2
    for block in range(RATIO**2):
        i, j = divmod(block, RATIO)
        image[..., i::RATIO, j::RATIO] = folded[..., block * size : (block + 1) * size, :, :]
    return image


def fold_kernel(kernel: Array, padding: Padding = "one") -> Array:
    """Turn a 3x3 stride-2 kernel into the 3x3 stride-1 kernel for the folded picture (padding 1).

    Args:
        kernel: shape (O, C, 3, 3); floats or integers, gradients pass.
        padding: of the stride-2 convolution: "one" row on each side, or "same" (0 before, 1 after).

    Returns:
        Shape (O, 4 C, 3, 3), same type: the 9 C taps in new places, zeros elsewhere.
    """
    n_out, n_in, height, width = kernel.shape
    if (height, width) != (3, 3):
        why = f"only 3x3 kernels can be folded, this one is {height}x{width}"
        raise InputError(why, fix="use a 3x3 stride-2 convolution")
    shape = (n_out, RATIO**2 * n_in, 3, 3)
    folded = (
        kernel.new_zeros(shape) if isinstance(kernel, Tensor) else np.zeros(shape, kernel.dtype)
    )
    for a, (i, tap_a) in enumerate(_TAPS[padding]):
        for b, (j, tap_b) in enumerate(_TAPS[padding]):
            block = (RATIO * i + j) * n_in
            folded[:, block : block + n_in, tap_a, tap_b] = kernel[:, :, a, b]
    return folded
