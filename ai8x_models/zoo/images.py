"""Networks that say what a small picture shows: DigitNet, ColorNet, StreamNet.

Each is as small as its shape allows and stands for one way of using the accelerator: plain layers
to the end, narrow weights, pictures that do not fit the data memory. Layers are named, and created,
in the order in which the accelerator runs them.
"""

from torch import Tensor, nn

from ai8x_models.layers.layers import Conv2d
from ai8x_models.zoo.blocks import hidden, scores, started


class DigitNet(nn.Module):
    """Grey pictures of 28x28, ten classes: 37,306 parameters."""

    def __init__(self, n_classes: int = 10) -> None:
        super().__init__()  # output shape
        self.conv1 = hidden(1, 32)  # 28x28
        self.conv2 = hidden(32, 32, pool="max")  # 14x14
        self.conv3 = hidden(32, 32, pool="max")  # 7x7
        self.conv4 = hidden(32, 48, pool="avg")  # 3x3
        self.classify = scores(48 * 3 * 3, n_classes)

    def forward(self, picture: Tensor) -> Tensor:
        """Pictures (N, 1, 28, 28) -> class scores (N, 10)."""
        x = self.conv4(self.conv3(self.conv2(self.conv1(picture))))
        answer: Tensor = self.classify(x.flatten(1))
        return answer


class ColorNet(nn.Module):
    """Colour pictures of 32x32, ten classes: 253,194 parameters, made for weights of 8, 4, 2 bits.

    The first layer and the last keep 8 bits, the many weights between them get by with fewer; see
    its `policy` in the registry. Passes of up to 128 channels.
    """

    def __init__(self, n_classes: int = 10) -> None:
        super().__init__()  # output shape
        self.conv1 = hidden(3, 32)  # 32x32
        self.conv2 = hidden(32, 64, pool="max")  # 16x16
        self.conv3 = hidden(64, 64)  # 16x16
        self.conv4 = hidden(64, 96, pool="max")  # 8x8
        self.conv5 = hidden(96, 96, kernel_size=1)  # 8x8
        self.conv6 = hidden(96, 128, pool="avg")  # 4x4
        self.classify = scores(128 * 4 * 4, n_classes)

    def forward(self, picture: Tensor) -> Tensor:
        """Pictures (N, 3, 32, 32) -> class scores (N, 10)."""
        x = self.conv3(self.conv2(self.conv1(picture)))
        x = self.conv6(self.conv5(self.conv4(x)))
        answer: Tensor = self.classify(x.flatten(1))
        return answer


class StreamNet(nn.Module):
    """Colour pictures of 128x128, five classes: 64,053 parameters.

    A picture of that size is 64 KiB in a data memory of 32 KiB. So it arrives through the FIFO, and
    the first two layers stream: they run at the same time, and keep a few rows each. Biases of
    streaming layers are unreliable on the chip, which is why these two have none (and therefore no
    batch norm).
    """

    def __init__(self, n_classes: int = 5) -> None:
        super().__init__()  # output shape
        self.stream1 = started(Conv2d(3, 16, bias=False, activation="ReLU"))  # 128x128
        self.stream2 = started(Conv2d(16, 32, bias=False, activation="ReLU", pool="max"))  # 64x64
        self.conv3 = hidden(32, 48, pool="max")  # 32x32
        self.conv4 = hidden(48, 48, pool="max")  # 16x16
        self.conv5 = hidden(48, 32, pool="max")  # 8x8
        self.classify = scores(32 * 8 * 8, n_classes)

    def forward(self, picture: Tensor) -> Tensor:
        """Pictures (N, 3, 128, 128) -> class scores (N, 5)."""
        x = self.stream2(self.stream1(picture))
        x = self.conv5(self.conv4(self.conv3(x)))
        answer: Tensor = self.classify(x.flatten(1))
        return answer
