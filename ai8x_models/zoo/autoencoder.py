"""AutoEncoder: the signals of four sensors through 32 numbers and back.

Trained on a machine that runs well, it cannot say what it has not seen: a large difference between
input and output tells of a fault, and no example of one is needed. All layers are fully connected.

Every number of the input is a channel. As four channels of 64 steps they would be the same to the
first layer, but on the chip all its weights would belong to four processors, which have room for
three quarters of them.
"""

from torch import Tensor, nn

from ai8x_models.layers.layers import Linear
from ai8x_models.zoo.blocks import started


def _dense(in_features: int, out_features: int) -> Linear:
    """Fully connected layer with ReLU."""
    return started(Linear(in_features, out_features, activation="ReLU"))


class AutoEncoder(nn.Module):
    """64 steps of four sensors, 32 numbers between: 86,688 parameters.

    The answer has 8 bits, like the signal.
    """

    def __init__(self, n_features: int = 256, n_code: int = 32) -> None:
        super().__init__()  # output features
        self.encode1 = _dense(n_features, 128)  # 128
        self.encode2 = _dense(128, 64)  # 64
        self.code = _dense(64, n_code)  # 32
        self.decode1 = _dense(n_code, 64)  # 64
        self.decode2 = _dense(64, 128)  # 128
        self.restore = started(Linear(128, n_features))  # 256

    def forward(self, signal: Tensor) -> Tensor:
        """Signals (N, 256, 1) -> the same, as far as the code can say."""
        code = self.code(self.encode2(self.encode1(signal.flatten(1))))
        answer: Tensor = self.restore(self.decode2(self.decode1(code)))
        return answer.reshape(signal.shape)
