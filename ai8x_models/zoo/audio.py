"""KeywordNet: a second of sound in, 21 words out, all in one dimension.

Sound is folded like a picture: 128 neighbouring samples become the 128 channels of one step in
time. The first layer, with kernels of one step, is thereby a bank of 64 filters over raw samples,
and there is no spectrogram to compute outside the accelerator. More than 64 channels are read in
two passes.
"""

from torch import Tensor, nn

from ai8x_models.zoo.blocks import hidden_1d, scores


class KeywordNet(nn.Module):
    """16,384 samples as 128 channels of 128 steps, 21 classes: 121,685 parameters."""

    def __init__(self, n_classes: int = 21) -> None:
        super().__init__()  # output steps
        self.filters = hidden_1d(128, 64, kernel_size=1)  # 128
        self.conv2 = hidden_1d(64, 64)  # 128
        self.conv3 = hidden_1d(64, 96, pool_size=2)  # 64
        self.conv4 = hidden_1d(96, 96, pool_size=2)  # 32
        self.conv5 = hidden_1d(96, 64, kernel_size=5, pool_size=2)  # 16
        self.conv6 = hidden_1d(64, 64, pool_size=2)  # 8
        self.classify = scores(64 * 8, n_classes)

    def forward(self, sound: Tensor) -> Tensor:
        """Sounds (N, 128, 128), channel c of step t being sample 128 t + c -> scores (N, 21)."""
        x = self.conv3(self.conv2(self.filters(sound)))
        x = self.conv6(self.conv5(self.conv4(x)))
        answer: Tensor = self.classify(x.flatten(1))
        return answer
