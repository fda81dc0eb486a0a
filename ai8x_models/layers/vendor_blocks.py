"""Blocks that the vendor's model files take from `ai8x_blocks`, of the layers of `vendor_names`.

Here are Fire of SqueezeNet (arXiv 1602.07360) and the inverted residual of MobileNetV2 (arXiv
1801.04381) with dense convolutions. Other blocks are refused by name: a description would do, but
checkpoints would not fit a guess.

Source: [trainer] arguments of the blocks, and the names in their checkpoints. Only those are
followed.
"""

from collections.abc import Callable, Mapping
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


class ConvResidualBottleneck(nn.Module):
    """An inverted residual of two layers: 1x1 to more channels with ReLU, 3x3 to `out_channels`.

    The 3x3 layer has no activation, pools by `stride`, and has a batch norm if `depthwise_bias` is
    set, together with its bias. What went in is added where shapes allow it.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        expansion_factor: float,
        stride: int = 1,
        bias: bool = False,
        depthwise_bias: bool = False,
        **options: Any,
    ) -> None:
        super().__init__()
        n_expanded = round(in_channels * expansion_factor)
        self.conv1: nn.Module = vendor_names.Empty()
        if n_expanded != in_channels:
            expand = vendor_names.FusedConv2dBNReLU
            self.conv1 = expand(in_channels, n_expanded, 1, bias=bias, **options)
        if stride > 1:
            options |= {"pool_size": stride, "pool_stride": stride}
        project = _PROJECTIONS[stride > 1, depthwise_bias]
        self.conv2 = project(n_expanded, out_channels, 3, padding=1, bias=depthwise_bias, **options)
        is_alike = stride == 1 and in_channels == out_channels
        self.resid = vendor_names.Add() if is_alike else None

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) -> (N, out_channels, H / stride, W / stride)."""
        y: Tensor = self.conv2(self.conv1(x))
        return y if self.resid is None else self.resid(y, x)


# pools, has a batch norm -> layer
_PROJECTIONS: Mapping[tuple[bool, bool], Callable[..., nn.Module]] = {
    (False, False): vendor_names.Conv2d,
    (False, True): vendor_names.FusedConv2dBN,
    (True, False): vendor_names.FusedMaxPoolConv2d,
    (True, True): vendor_names.FusedMaxPoolConv2dBN,
}


def __getattr__(name: str) -> object:
    """Refuse the vendor's own blocks; private names are Python's."""
    if name.startswith("_"):
        raise AttributeError(name)
    why = f"{name}: this block of the vendor's is not here"
    fix = "write it in the model file, with layers of vendor_names"
    raise UnsupportedError(why, fix=fix)
