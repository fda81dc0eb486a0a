"""A network of our layers as one of PyTorch's own, whose channels a pruner can follow.

Our layers hand their weights to functions; a pruner watches modules. The copy made here computes
without the clamps and without the division behind batch norm: neither has to do with channels.
"""

from copy import deepcopy
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from ai8x_models.layers.layers import ConvTranspose2d, FoldedConv2d, FusedLayer
from ai8x_models.layers.space_to_depth import fold_image
from max78000.facts.fixed import Activation


@dataclass(frozen=True, slots=True)
class _Folding:
    """Channels of a folded picture, and the ratio by which it is folded."""

    channels: int
    ratio: int


class PlainLayer(nn.Module):
    """Pooling, operator, batch norm and activation of one of our layers, as modules of PyTorch.

    Args:
        layer: lends its operator and its batch norm; it is no part of this module.
    """

    def __init__(self, layer: FusedLayer) -> None:
        super().__init__()
        self._pooled, self._plan = layer.pooled, layer.plan
        self._doubles = isinstance(layer, ConvTranspose2d)
        self._folding = _folding(layer)
        self.op, self.bn = layer.op, layer.bn

    def forward(self, x: Tensor) -> Tensor:
        """As the layer's, but for what is said above."""
        x = self._pooled(x)
        if self._folding is not None and x.shape[1] != self._folding.channels:
            x = fold_image(x, self._folding.ratio)
        if self._doubles:
            x = self.op(x, output_size=[2 * size for size in x.shape[2:]])
        else:
            x = self.op(x)
        x = x if self.bn is None else self.bn(x)
        match self._plan.activation:
            case Activation.RELU:
                return F.relu(x)
            case Activation.ABS:
                return x.abs()
            case _:
                return x


def plain_copy(model: nn.Module) -> nn.Module:
    """A copy of a network, in evaluation mode, with a `PlainLayer` for each layer with weights."""
    copy = deepcopy(model)
    layers = [(name, one) for name, one in copy.named_modules() if isinstance(one, FusedLayer)]
    for name, layer in layers:
        copy.set_submodule(name, PlainLayer(layer))
    return copy.eval()


def _folding(layer: FusedLayer) -> _Folding | None:
    """How a layer folds pictures itself; None if its operator reads them as they are."""
    if isinstance(layer, FoldedConv2d) and layer.op.weight.shape[1] == layer.folded_channels:
        return _Folding(layer.folded_channels, layer.ratio)
    return None
