"""SignalNet: two seconds of an inertial sensor in, one of six movements out.

Dilated kernels see far with few weights. Up to a span of nine steps the accelerator runs them as
they are, with zeros between the taps; the last one, with a span of 33, runs as a two-dimensional
convolution, which is why it has neither padding nor pooling.
"""

from torch import Tensor, nn

from ai8x_models.layers.layers import Conv1d
from ai8x_models.zoo.blocks import hidden_1d, scores


def _dilated(channels: int, dilation: int, padding: int) -> Conv1d:
    """Three taps, `dilation` steps apart; batch norm, ReLU."""
    return Conv1d(
        channels,
        channels,
        3,
        dilation=dilation,
        padding=padding,
        batchnorm="Affine",
        activation="ReLU",
    )


class SignalNet(nn.Module):
    """Three axes of acceleration and three of rotation, 128 steps, six classes: 23,430
    parameters.
    """

    def __init__(self, n_classes: int = 6) -> None:
        super().__init__()  # output steps
        self.conv1 = hidden_1d(6, 32)  # 128
        self.near = _dilated(32, dilation=2, padding=2)  # 128
        self.middle = _dilated(32, dilation=4, padding=2)  # 124
        self.far = _dilated(32, dilation=16, padding=0)  # 92
        self.conv5 = hidden_1d(32, 48, pool_size=4)  # 23
        self.conv6 = hidden_1d(48, 48, pool_size=4)  # 5
        self.classify = scores(48 * 5, n_classes)

    def forward(self, signal: Tensor) -> Tensor:
        """Signals (N, 6, 128) -> class scores (N, 6)."""
        x = self.far(self.middle(self.near(self.conv1(signal))))
        x = self.conv6(self.conv5(x))
        answer: Tensor = self.classify(x.flatten(1))
        return answer
