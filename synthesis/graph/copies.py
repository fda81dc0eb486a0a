"""Copies to other processors: no pass-through layer can do them, a convolution of ones can.

A layer without weights leaves each channel in its quadrant. `move: true` in the description, and
the placement solver where tensors of a join have to be brought side by side, make it a 1x1
convolution with identity weights of 2 bits: two kernel words a processor for 64 channels.
"""

from dataclasses import replace

import numpy as np

from synthesis.graph.ir import Kernel, Layer
from synthesis.read.description import Operator

IDENTITY_BITS = 2  # the narrowest that hold 1
IDENTITY_SHIFT = 1  # 1 * 64 (2-bit weights count as 8-bit ones) * 2 = 128, which is divided out


def as_convolution(layer: Layer) -> Layer:
    """The same copy, by a convolution."""
    return replace(
        layer,
        op=Operator.CONV2D,
        kernel=identity_kernel(layer.in_shape.channels),
        copies_anywhere=True,
    )


def identity_kernel(n_channels: int) -> Kernel:
    """Weights (C, C, 1, 1) under which every channel stays what it is."""
    weights = np.eye(n_channels, dtype=np.int64)[:, :, None, None]
    weights.setflags(write=False)
    return Kernel(
        weights_oihw=weights,
        bias=None,
        bits=IDENTITY_BITS,
        output_shift=IDENTITY_SHIFT,
        source=f"identity of {n_channels}",
    )
