"""Poolings of more channels than one pass has, in front of no convolution: a layer that copies."""

import pytest
import torch
from torch import nn

from ai8x_models.describe.convert import convert
from ai8x_models.describe.describe import describe
from max78000.errors import ToolError

SHAPE = (2, 8, 8)
NOTE = "pooling of 72 channels in front of no convolution: an identity layer behind it"


class Branches(nn.Module):
    """Two strides that meet: each is a pooling over one pixel."""

    def __init__(self):
        super().__init__()
        self.large = nn.Conv2d(2, 72, 3, stride=2, padding=1)
        self.small = nn.Conv2d(2, 72, 1, stride=2)
        self.end = nn.Conv2d(72, 4, 1)

    def forward(self, x):
        return self.end(torch.relu(self.large(x) + self.small(x)))


def flattened():
    layers = nn.Conv2d(2, 72, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()
    return nn.Sequential(*layers, nn.Linear(72 * 16, 3))


def averaged_1d():
    layers = nn.Conv1d(2, 72, 1), nn.ReLU(), nn.AvgPool1d(2), nn.Flatten()
    return nn.Sequential(*layers, nn.Linear(72 * 4, 3))


def pooled_twice():
    layers = nn.Conv2d(2, 72, 1), nn.MaxPool2d(2), nn.ReLU(), nn.MaxPool2d(2)
    return nn.Sequential(*layers, nn.Conv2d(72, 4, 1))


def in_front_of_transposed():
    layers = nn.Conv2d(2, 72, 1), nn.ReLU(), nn.MaxPool2d(2)
    return nn.Sequential(*layers, nn.ConvTranspose2d(72, 4, 3, 2, 1, 1))


def answer():
    return nn.Sequential(nn.Conv2d(2, 72, 1), nn.ReLU(), nn.MaxPool2d(2))


@pytest.mark.parametrize(
    ("maker", "shape"),
    [
        (flattened, SHAPE),
        (averaged_1d, (2, 8)),
        (pooled_twice, SHAPE),
        (in_front_of_transposed, SHAPE),
        (answer, SHAPE),
        (Branches, SHAPE),
    ],
)
def test_a_copying_layer_takes_the_pooling(maker, shape):
    torch.manual_seed(3)
    model = maker().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(0.25)  # nothing reaches 1, where data saturate
    x = torch.rand(2, *shape)
    network = convert(model, shape).eval()
    with torch.no_grad():
        assert model(x).abs().max() > 0.01
        torch.testing.assert_close(network(x), model(x), atol=1e-6, rtol=0)
    description = describe(model, shape)
    assert any(NOTE in line for line in description.rewrites)
    alone = [one for one in description.layers if one.op == "passthrough" and one.pool]
    assert not [one for one in alone if one.in_shape[0] > 64]


def test_poolings_that_a_convolution_takes_or_that_end_in_a_pixel_stay():
    layers = nn.Conv2d(2, 72, 1), nn.MaxPool2d(2), nn.ReLU(), nn.Conv2d(72, 72, 1), nn.ReLU()
    last = nn.AvgPool2d(4), nn.Flatten(), nn.Linear(72, 3)
    assert describe(nn.Sequential(*layers, *last), SHAPE, rewrites=False).rewrites == ()


def test_refused_without_rewrites_by_its_rule():
    with pytest.raises(ToolError, match=r"pools 72 channels without convolution, 64 is the limit"):
        describe(flattened(), SHAPE, rewrites=False)
