"""Models written down by running them: what is seen, what is kept, and how scales are found."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from ai8x_models.describe.convert import convert
from ai8x_models.describe.graph import Activate, Concat, Convolution, Input, Join, Own, Pooling
from ai8x_models.describe.ranges import fit_scales, power_within
from ai8x_models.describe.record import record
from ai8x_models.layers.layers import Conv2d
from ai8x_models.layers.qat import DATA_MAX, QatModule
from max78000.facts.fixed import Activation, Combine


class Branches(nn.Module):
    """Functions, methods, operators, work in place, shapes, flags, and a dictionary of answers."""

    def __init__(self):
        super().__init__()
        self.network = nn.Conv2d(2, 4, 3, padding=1)
        self.own = Conv2d(2, 4, activation="ReLU")
        self.drop = nn.Dropout(0.9)
        self.flag = True

    def forward(self, x):
        x = x.contiguous()
        y = self.drop(self.network(x))
        if self.flag and y.shape[1] == 4:
            y.relu_()
        z = torch.cat([y, self.own(x)], 1)
        z += z
        return {"sum": F.avg_pool2d(z, 2), "shape": tuple(z.shape)}


def test_every_step_is_a_node_with_its_place():
    model = Branches()
    graph = record(model, torch.rand(2, 2, 6, 6))
    kinds = [type(node.op) for node in graph.nodes if type(node.op).__name__ != "View"]
    assert kinds == [Input, Convolution, Activate, Own, Concat, Join, Pooling]
    named = {node.name: node for node in graph.nodes}
    assert named["network"].op.weight is model.network.weight
    assert named["relu"].op == Activate(Activation.RELU)
    assert named["own"].op.layer is model.own
    assert named["add"].op == Join(Combine.ADD)
    assert len(set(named["add"].inputs)) == 1
    assert named["avg_pool2d"].shape == (8, 3, 3)
    assert named["network"].where.startswith("network test_describe_record.py:")
    assert graph.nodes[graph.outputs[0]].name == "avg_pool2d"


def test_limits_are_those_of_the_examples():
    x = torch.full((1, 2, 6, 6), -3.0)
    graph = record(nn.Sequential(nn.ReLU(), nn.Conv2d(2, 1, 1)), x)
    assert [node.limit for node in graph.nodes[:2]] == [3.0, 0.0]


def test_weights_that_are_computed_are_taken_as_they_are():
    model = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Conv2d(2, 4, 1)))
    network = convert(model, (2, 4, 4))
    layer = next(one for one in network.modules() if isinstance(one, QatModule))
    torch.testing.assert_close(layer.op.weight, model[0].weight)


def test_layers_of_ours_beside_plain_ones_are_copied():
    model = Branches()
    network = convert(model, (2, 6, 6))
    assert network.own is not model.own
    torch.testing.assert_close(network.own.op.weight, model.own.op.weight)
    assert isinstance(network.network_, Conv2d)  # `network` is an attribute of its own


@pytest.mark.parametrize(
    ("limit", "scale"),
    [(0.0, 1.0), (DATA_MAX, 1.0), (1.0, 0.5), (0.4, 2.0), (100.0, 1 / 128), (0.01, 64.0)],
)
def test_powers_of_two_bring_magnitudes_within_the_range(limit, scale):
    assert power_within(limit) == scale
    assert limit * scale <= DATA_MAX


class Scales(nn.Module):
    """Two branches that are added, one of them forty times as large."""

    def __init__(self):
        super().__init__()
        self.small = nn.Conv2d(1, 1, 1, bias=False)
        self.large = nn.Conv2d(1, 1, 1, bias=False)
        self.last = nn.Conv2d(1, 1, 1, bias=False)
        for layer, weight in ((self.small, 0.1), (self.large, 4.0), (self.last, 2.0)):
            nn.init.constant_(layer.weight, weight)

    def forward(self, x):
        return self.last((self.small(x).relu() + self.large(x)).clone()).relu()


def test_tensors_that_are_added_share_their_scale():
    graph = record(Scales(), torch.full((1, 1, 2, 2), 0.7))
    scales = dict(zip((node.name for node in graph.nodes), fit_scales(graph), strict=True))
    assert scales["input"] == 1.0
    assert scales["relu"] == scales["large"] == scales["add"] == 0.25  # 0.07 + 2.8
    assert scales["relu_2"] == 0.125  # 5.74
