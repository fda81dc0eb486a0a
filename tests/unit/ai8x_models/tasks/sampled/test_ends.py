"""Integers become real numbers where a network ends, each end with a scale of its own."""

import numpy as np
import torch
from torch import nn

from ai8x_models.layers.layers import Conv2d
from ai8x_models.layers.policy import QatPolicy
from ai8x_models.layers.qat import Mode, start_qat
from ai8x_models.tasks.sampled.network import TrainedNetwork
from ai8x_models.training.data.form import InputForm


class TwoEnds(nn.Module):
    """Two answers, cut and joined; one layer is read inside, too."""

    def __init__(self, joins=True):
        super().__init__()
        self.first = Conv2d(1, 4, activation="ReLU")
        self.left = Conv2d(4, 2)
        self.right = Conv2d(4, 3, wide=True)
        self.joins = joins

    def forward(self, x):
        x = self.first(x)
        if not self.joins:
            return x, self.left(x)
        return torch.cat(
            [one.flatten(2).permute(0, 2, 1) for one in (self.left(x), self.right(x))], 2
        )


def in_integers(model):
    """The network with integer weights, and final scales of the second generation."""
    for layer in (model.first, model.left, model.right):
        layer.set_generation(True)
    start_qat(model, QatPolicy(0))
    for layer in (model.first, model.left, model.right):
        gain = 2.0 ** -layer.output_shift.item()
        with torch.no_grad():
            layer.op.weight.copy_((layer.op.weight * gain * 128).round().clamp(-128, 127))
            layer.op.bias.copy_((layer.op.bias * gain * 128).round().clamp(-128, 127) * 128)
        layer.adjust_output_shift.fill_(0)
        layer.mode = Mode.INTEGER
    return model


def trained(model):
    return TrainedNetwork(model, InputForm((1, 6, 6), 0, 255, "HW"), None)


def inputs():
    return np.random.default_rng(0).integers(-128, 128, (3, 1, 6, 6)).astype(np.int8)


def test_every_end_is_scaled_by_its_own_layer():
    torch.manual_seed(0)
    network = trained(in_integers(TwoEnds()))
    assert list(network.ends.layers) == ["left", "right"]
    (plain,) = network.outputs(inputs())
    network.model.left.final_scale.fill_(2)
    network.model.right.final_scale.fill_(-1)
    (scaled,) = network.outputs(inputs())
    assert scaled.dtype == np.float64
    np.testing.assert_array_equal(scaled[..., :2], plain[..., :2] * 4)
    np.testing.assert_allclose(scaled[..., 2:], plain[..., 2:] / 2, atol=2**-14)
    results = network.end_results(inputs())
    assert {name: one.dtype for name, one in results.items()} == {
        "left": torch.float32,
        "right": torch.int32,
    }
    np.testing.assert_array_equal(results["left"].flatten(2).transpose(1, 2) / 128, plain[..., :2])


def test_an_end_that_is_read_inside_goes_on_in_integers():
    torch.manual_seed(0)
    model = TwoEnds(joins=False)
    del model.right
    model.right = model.left
    network = trained(in_integers(model))
    first, left = network.outputs(inputs())
    raw = network.raw(inputs())
    np.testing.assert_array_equal(first, raw[0] / 128)
    np.testing.assert_array_equal(left, raw[1] / 128)
    assert network.ends.private == {"left"}
