"""From what a network gives to the pixels of a picture, and back.

A network may answer for blocks of pixels: folded by f, its channel (f i + j) K + c says class c of
the block's pixel (i, j), as pictures are folded (`space_to_depth`). And it may answer for fewer
places than a mask has; then the nearest pixel counts.
"""

import math
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from max78000.errors import InputError

Places = TypeVar("Places", Tensor, NDArray[np.uint8])


def unfolded(scores: Tensor, n_classes: int) -> Tensor:
    """Scores (N, f * f * K, H / f, W / f) -> (N, K, H, W).

    Raises:
        InputError: the channels are not K, or K for every pixel of square blocks.
    """
    n_channels = scores.shape[1] if scores.dim() == 4 else 0
    fold = math.isqrt(n_channels // n_classes)
    if not fold or n_channels != fold * fold * n_classes:
        found = "x".join(map(str, scores.shape[1:]))
        why = f"gives {found} for {n_classes} classes a pixel"
        fix = f"let it end with {n_classes} channels, or {4 * n_classes} for blocks of 2x2 pixels"
        raise InputError(why, fix=fix)
    if fold == 1:
        return scores
    count, _, height, width = scores.shape
    blocks = scores.reshape(count, fold, fold, n_classes, height, width)
    ordered = blocks.permute(0, 3, 4, 1, 5, 2)
    return ordered.reshape(count, n_classes, height * fold, width * fold)


def at_size(masks: Places, size: tuple[int, ...]) -> Places:
    """Masks (N, H, W) with other rows and columns: those of the nearest pixels."""
    if masks.shape[1:] == size:
        return masks
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(np.int64)
        for old, new in zip(masks.shape[1:], size, strict=True)
    )
    if isinstance(masks, Tensor):
        return masks[:, torch.from_numpy(rows)][:, :, torch.from_numpy(columns)]
    return masks[:, rows][:, :, columns]
