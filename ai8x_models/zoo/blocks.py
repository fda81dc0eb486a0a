"""The layers that networks of the zoo are made of, with the options they share.

A network's own file says how many there are and how they are joined. No new operators: those are in
`layers.py`.
"""

from typing import Literal, TypeVar

from torch import nn

from ai8x_models.layers.layers import Conv1d, Conv2d, FusedLayer, Linear

AnyLayer = TypeVar("AnyLayer", bound=FusedLayer)
Pooling = Literal["max", "avg"] | None


def hidden(
    in_channels: int, out_channels: int, kernel_size: int = 3, pool: Pooling = None
) -> Conv2d:
    """Convolution, batch norm, ReLU; after 2x2 pooling if asked."""
    return Conv2d(
        in_channels, out_channels, kernel_size, pool=pool, batchnorm="Affine", activation="ReLU"
    )


def hidden_1d(
    in_channels: int, out_channels: int, kernel_size: int = 3, pool_size: int = 1
) -> Conv1d:
    """Convolution in time, batch norm, ReLU; after max pooling over `pool_size` steps."""
    return Conv1d(
        in_channels,
        out_channels,
        kernel_size,
        pool="max" if pool_size > 1 else None,
        pool_size=pool_size,
        batchnorm="Affine",
        activation="ReLU",
    )


def scores(in_features: int, n_classes: int) -> Linear:
    """Fully connected layer with 32-bit output; 1.0 is 2^14 on the chip, and stays so in QAT."""
    return Linear(in_features, n_classes, wide=True, fixed_scale=True)


def started(layer: AnyLayer) -> AnyLayer:
    """Draw weights with which a ReLU layer without batch norm keeps the size of its activations.

    PyTorch's own start shrinks them to a third, and a few such layers in a row below 1/128.
    """
    nn.init.kaiming_normal_(layer.op.weight, nonlinearity="relu")
    return layer
