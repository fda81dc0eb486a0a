"""SmallUNet: for every pixel of a picture, what it belongs to.

Two levels down, two up again; on the way up each level sees its own picture from before beside the
one that comes from below. The picture enters folded by two and the answer leaves folded by two, so
that the largest layer works on a quarter of the pixels.
"""

import torch
from torch import Tensor, nn

from ai8x_models.layers.layers import Conv2d, ConvTranspose2d, FoldedConv2d
from ai8x_models.layers.space_to_depth import RATIO, unfold_image
from ai8x_models.zoo.blocks import hidden


def _doubled(in_channels: int, out_channels: int) -> ConvTranspose2d:
    """Transposed convolution to twice the rows and columns, batch norm, ReLU."""
    return ConvTranspose2d(in_channels, out_channels, batchnorm="Affine", activation="ReLU")


class SmallUNet(nn.Module):
    """Colour pictures of 64x64, four classes a pixel: 61,184 parameters.

    `label` answers for a block of 2x2 pixels at once: channel 4 p + c is the score of class c at
    the block's pixel p, with 32 bits.
    """

    def __init__(self, n_classes: int = 4) -> None:
        super().__init__()  # output shape
        self.down1 = FoldedConv2d(3, 16, batchnorm="Affine", activation="ReLU")  # 32x32
        self.down2 = hidden(16, 32, pool="max")  # 16x16
        self.down3 = hidden(32, 48, pool="max")  # 8x8
        self.up2 = _doubled(48, 32)  # 16x16
        self.join2 = hidden(32 + 32, 32)  # 16x16
        self.up1 = _doubled(32, 16)  # 32x32
        self.join1 = hidden(16 + 16, 16)  # 32x32
        self.label = Conv2d(16, RATIO**2 * n_classes, 1, wide=True, fixed_scale=True)  # 32x32

    def forward(self, picture: Tensor) -> Tensor:
        """Pictures (N, 3, 64, 64), or folded (N, 12, 32, 32) -> class scores (N, 4, 64, 64)."""
        fine = self.down1(picture)
        coarse = self.down2(fine)
        up = self.up2(self.down3(coarse))
        up = self.up1(self.join2(torch.cat((up, coarse), dim=1)))
        blocks: Tensor = self.label(self.join1(torch.cat((up, fine), dim=1)))
        return unfold_image(blocks)
