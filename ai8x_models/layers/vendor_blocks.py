"""Blocks that the vendor's model files take from `ai8x_blocks`, of the layers of `vendor_names`.

Only what the literature defines is here: Fire of SqueezeNet (arXiv 1602.07360). Blocks of the
vendor's own are refused by name: a description would do, but checkpoints would not fit a guess.
"""

from typing import Any

import torch
from torch import Tensor, nn

from ai8x_models.layers import vendor_names
from max78000.errors import UnsupportedError


class Fire(nn.Module):
    """A 1x1 layer that squeezes channels, and two that expand them again, joined."""

    def __init__(
        self,
        in_planes: int,
        squeeze_planes: int,
        expand1x1_planes: int,
        expand3x3_planes: int,
        **options: Any,
    ) -> None:
        super().__init__()
        relu = vendor_names.FusedConv2dReLU
        self.squeeze_layer = relu(in_planes, squeeze_planes, 1, **options)
        self.expand1x1_layer = relu(squeeze_planes, expand1x1_planes, 1, **options)
        self.expand3x3_layer = relu(squeeze_planes, expand3x3_planes, 3, padding=1, **options)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, expand1x1_planes + expand3x3_planes, H, W)."""
        x = self.squeeze_layer(x)
        return torch.cat((self.expand1x1_layer(x), self.expand3x3_layer(x)), dim=1)


def __getattr__(name: str) -> object:
    """Refuse the vendor's own blocks; private names are Python's."""
    if name.startswith("_"):
        raise AttributeError(name)
    why = f"{name}: this block of the vendor's is not here"
    fix = "write it in the model file, with layers of vendor_names"
    raise UnsupportedError(why, fix=fix)
