"""A network for spoken words: a second of sound in, ten scores out, all in one dimension.

16,384 samples come folded: channel c of step t is sample 128 t + c. So the first layer, with
kernels of one step, is a bank of filters over raw samples, and no spectrogram has to be computed.
"""

from torch import Tensor, nn

from ai8x_models.layers.layers import Conv1d, Linear


def conv(n_in: int, n_out: int, kernel_size: int = 3, **options: object) -> Conv1d:
    """A hidden layer that keeps the number of steps, but for its pooling."""
    padding = kernel_size // 2
    return Conv1d(
        n_in, n_out, kernel_size, padding=padding, activation="ReLU", batchnorm="Affine", **options
    )


class WordNet(nn.Module):
    """128 channels of 128 steps to ten words."""

    def __init__(self) -> None:
        super().__init__()  # steps
        self.filters = conv(128, 64, 1)  # 128
        self.conv2 = conv(64, 64)  # 128
        self.conv3 = conv(64, 64, pool="max")  # 64
        self.conv4 = conv(64, 64, pool="max")  # 32
        self.conv5 = conv(64, 64, pool="max")  # 16
        self.conv6 = conv(64, 64, pool="max")  # 8
        self.classify = Linear(64 * 8, 10, wide=True)

    def forward(self, sound: Tensor) -> Tensor:
        """Sounds (N, 128, 128) -> scores (N, 10)."""
        x = self.conv3(self.conv2(self.filters(sound)))
        x = self.conv6(self.conv5(self.conv4(x)))
        return self.classify(x.flatten(1))
