"""Transforms of samples that the vendor's data set modules take from `ai8x`.

`normalize(args)` and `fold(ratio)` are called with a sample after it became numbers from 0 to 1.
Source: [trainer] their documentation. Only the interface is followed.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ai8x_models.layers.qat import DATA_GRID

Transform = Callable[[Tensor], Tensor]


def normalize(args: Any) -> Transform:
    """From 0..1 to -1..127/128 in steps of 1/128; to -128..127 if `args.act_mode_8bit`."""

    def transform(sample: Tensor) -> Tensor:
        whole = torch.as_tensor(sample).mul(2 * DATA_GRID.one).sub(DATA_GRID.one).round()
        whole = whole.clamp(DATA_GRID.low, DATA_GRID.high)
        return whole if args.act_mode_8bit else whole / DATA_GRID.one

    return transform


def fold(fold_ratio: int) -> Transform:
    """(C, H, W) -> (ratio^2 C, H / ratio, W / ratio): sub-picture (i, j) is block ratio i + j."""

    def transform(sample: Tensor) -> Tensor:
        steps = range(fold_ratio)
        blocks = [sample[..., i::fold_ratio, j::fold_ratio] for i in steps for j in steps]
        return torch.cat(blocks, dim=-3)

    return transform
