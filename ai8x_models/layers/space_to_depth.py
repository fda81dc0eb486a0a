"""Space-to-depth folding, and the strided kernel that it turns into a stride-1 one.

The accelerator convolves with stride 1 only. A convolution with stride r, kernel 3r x 3r and
padding r equals, exactly, a 3x3 stride-1 convolution of the picture folded by r, whose r^2 times as
many channels are the pixels of every r x r block; `fold_image` of such a kernel is the kernel of
the folded picture. Smaller kernels are such with zeros around them, the usual 3x3 stride-2 one
among them. Pure functions on numpy arrays and torch tensors alike; the layer that trains the one
form and deploys the other is `layers.FoldedConv2d`.
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


def fold_image(image: Array, ratio: int = RATIO) -> Array:
    """Fold a picture by r: channel (r i + j) * C + c of the result is image[c, i::r, j::r].

    Args:
        image: shape (..., C, H, W), H and W multiples of r.
        ratio: r.

    Returns:
        Shape (..., r^2 C, H/r, W/r), same type.

    Source: [trainer] sub-image (i, j) in block r i + j.
    """
    height, width = image.shape[-2:]
    if height % ratio or width % ratio:
        why = f"a picture of {height}x{width} cannot be folded by {ratio}"
        raise InputError(why, fix=f"crop or pad its rows and columns to multiples of {ratio}")
    parts = [image[..., i::ratio, j::ratio] for i in range(ratio) for j in range(ratio)]
    if isinstance(image, Tensor):
        return torch.cat(parts, dim=-3)
    return np.concatenate(parts, axis=-3)


def unfold_image(folded: Array, ratio: int = RATIO) -> Array:
    """Undo `fold_image`: shape (..., r^2 C, H, W) to (..., C, r H, r W)."""
    channels, height, width = folded.shape[-3:]
    shape = (*folded.shape[:-3], channels // ratio**2, height * ratio, width * ratio)
    image = folded.new_empty(shape) if isinstance(folded, Tensor) else np.empty(shape, folded.dtype)
    size = channels // ratio**2
    for block in range(ratio**2):
        i, j = divmod(block, ratio)
        image[..., i::ratio, j::ratio] = folded[..., block * size : (block + 1) * size, :, :]
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
