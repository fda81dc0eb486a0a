"""ResidualNet: blocks whose result is added to what they were given.

Element-wise addition is something the accelerator does while it reads: two tensors lie word by word
in turn in the data memory, each written with a gap for the other. Both ways of using it are here:
as a layer of its own (`add1`), and in front of a convolution, even before its pooling (`add2`).
"""

from torch import Tensor, nn

from ai8x_models.layers.layers import Conv2d, ElementWise
from ai8x_models.zoo.blocks import hidden, scores
from max78000.facts.fixed import Combine


def _summand(in_channels: int, out_channels: int, kernel_size: int, pool: bool = False) -> Conv2d:
    """Convolution and batch norm without activation, so that it can take away as well."""
    return Conv2d(
        in_channels, out_channels, kernel_size, pool="max" if pool else None, batchnorm="Affine"
    )


class ResidualNet(nn.Module):
    """Colour pictures of 32x32, ten classes: 67,098 parameters."""

    def __init__(self, n_classes: int = 10) -> None:
        super().__init__()  # output shape
        self.stem = hidden(3, 16)  # 32x32
        self.shrink = hidden(16, 32, pool="max")  # 16x16
        # The first block adds to its input.
        self.block1a = hidden(32, 32)  # 16x16
        self.block1b = _summand(32, 32, kernel_size=3)  # 16x16
        self.add1 = ElementWise(Combine.ADD)  # 16x16
        # The second changes size, so a convolution brings its input to the new one.
        self.project2 = _summand(32, 48, kernel_size=1, pool=True)  # 8x8
        self.block2a = hidden(32, 48, pool="max")  # 8x8
        self.block2b = _summand(48, 48, kernel_size=3)  # 8x8
        self.add2 = ElementWise(Combine.ADD)  # 8x8
        self.merge = hidden(48, 32, kernel_size=1, pool="max")  # 4x4
        self.classify = scores(32 * 4 * 4, n_classes)

    def forward(self, picture: Tensor) -> Tensor:
        """Pictures (N, 3, 32, 32) -> class scores (N, 10)."""
        x = self.shrink(self.stem(picture))
        x = self.add1(x, self.block1b(self.block1a(x)))
        shortcut = self.project2(x)
        x = self.add2(shortcut, self.block2b(self.block2a(x)))
        answer: Tensor = self.classify(self.merge(x).flatten(1))
        return answer
