"""QAT with measured ranges (QATv2): what begins it, and that the integers are what QAT computes."""

import math
from copy import deepcopy

import pytest
import torch
from torch import nn

from ai8x_models.layers.layers import Conv2d, ElementWise, Linear, Pool
from ai8x_models.layers.policy import QatPolicy, Ranges
from ai8x_models.layers.qat import (
    DATA_GRID,
    V2_MARK,
    Layer,
    Mode,
    has_measured_ranges,
    set_generation,
    set_mode,
    start_qat,
    weight_grid,
)
from ai8x_models.quantize.options import QuantizeOptions
from ai8x_models.quantize.quantize import quantize_state
from ai8x_models.training.measured_qat import find_topology, start_measured_qat
from max78000.errors import InputError, UnsupportedError
from max78000.facts.fixed import Combine

MEASURED = QatPolicy(0, ranges=Ranges.MEASURED)
BN = {"batchnorm": "Affine", "activation": "ReLU"}


class Branches(nn.Module):
    """Additions, joins, shared readers, poolings; an 8-bit answer and two of 32 bits."""

    def __init__(self):
        super().__init__()
        self.conv1 = Conv2d(2, 8, **BN)
        self.conv2 = Conv2d(8, 8, **BN)
        self.add = ElementWise(Combine.ADD)
        self.late = Conv2d(16, 4, 1)  # declared before what it reads
        self.conv3 = Conv2d(8, 8, activation="Abs", pool="avg")
        self.pool = Pool(pool="max")
        self.wide = Conv2d(4, 3, 1, wide=True)
        self.scores = Linear(4 * 4 * 4, 5, wide=True, fixed_scale=True)

    def forward(self, x):
        x = self.conv1(x)
        x = self.add(x, self.conv2(x))
        x = self.late(torch.cat((self.conv3(x), self.pool(x)), dim=1))
        return self.wide(x), self.scores(x.flatten(1))


class Plain(nn.Module):
    """A chain with an 8-bit answer."""

    def __init__(self):
        super().__init__()
        self.one = Conv2d(2, 4, activation="ReLU")
        self.two = Conv2d(4, 4)

    def forward(self, x):
        return self.two(self.one(x))


def made(kind, gain=3.0):
    """A network in float of the second generation, whose results are large."""
    torch.manual_seed(3)
    model = kind()
    set_generation(model, is_v2=True)
    with torch.no_grad():
        for layer in model.modules():
            if isinstance(layer, Conv2d):
                layer.op.weight.mul_(gain)
            if isinstance(layer, nn.BatchNorm2d):
                layer.running_mean.uniform_(-0.5, 0.5)
                layer.weight.uniform_(0.5, gain)
    return model.eval()


def data(count=64):
    return torch.randint(-128, 128, (count, 2, 8, 8)) / DATA_GRID.one


def results(model, x):
    """What every layer gives."""
    found = {}
    handles = [
        layer.register_forward_hook(lambda _m, _x, y, name=name: found.update({name: y}))
        for name, layer in model.named_modules()
        if isinstance(layer, Layer)
    ]
    with torch.no_grad():
        model.eval()(x)
    for handle in handles:
        handle.remove()
    return found


def integers_of(model):
    integers = deepcopy(model)
    state, _ = quantize_state(model.state_dict(), QuantizeOptions())
    integers.load_state_dict(state)
    set_mode(integers, Mode.INTEGER)
    return integers


def started(kind, policy=MEASURED, x=None):
    model = made(kind)
    start_measured_qat(model, policy, (data() if x is None else x).split(16))
    return model


@pytest.mark.parametrize("kind", [Branches, Plain])
@pytest.mark.parametrize("bits", [8, 4])
def test_integers_of_every_layer_are_what_qat_computes_with(kind, bits):
    model = started(kind, QatPolicy(0, bits, ranges=Ranges.MEASURED))
    x = data(8)
    in_qat, in_integers = results(model, x), results(integers_of(model), x * DATA_GRID.one)
    for name, layer in model.named_modules():
        if name in in_qat:
            is_wide = getattr(getattr(layer, "plan", None), "wide", False)
            one = DATA_GRID.one * weight_grid(bits).one if is_wide else DATA_GRID.one
            gain = getattr(layer, "final_gain", 1)
            assert torch.equal(in_qat[name].double() * one, in_integers[name].double() * gain), name


@pytest.mark.parametrize("kind", [Branches, Plain])
def test_answers_keep_their_size(kind):
    """Fixed ranges would cut most of these; a 32-bit answer is smaller by its output shift."""
    x, model = data(), made(kind)
    real = results(model, x)
    start_measured_qat(model, MEASURED, x.split(16))
    found = results(model, x)
    for name in ("wide", "scores", "two"):
        if name in real:
            layer = getattr(model, name)
            gain = 2.0 ** layer.output_shift.item() if layer.plan.wide else 1.0
            error = (found[name] * gain - real[name]).square().mean()
            assert error < 0.01 * real[name].square().mean(), name
            assert real[name].abs().max() > 2, name


def test_what_the_layers_store():
    model = started(Branches)
    assert has_measured_ranges(model)
    states = {
        name: layer.get_buffer(V2_MARK).item()
        for name, layer in model.named_modules()
        if isinstance(layer, Layer)
    }
    assert all(float(value).is_integer() for value in states.values())
    # What is added, joined and read together has one range; so all of them are one distance apart.
    assert states["conv2"] == states["conv3"] == 0
    assert states["conv1"] > 0
    assert states["wide"] == states["scores"] == 0
    finals = {name: getattr(model, name).final_gain for name in ("conv1", "conv2", "conv3", "late")}
    assert set(finals.values()) == {1.0}
    range_of_late = states["conv1"] + states["late"]
    assert model.wide.final_gain == model.scores.final_gain == 2.0**range_of_late
    assert all(layer.mode is Mode.QAT for layer in model.modules() if isinstance(layer, Layer))
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in model.modules())


def test_biases_of_a_fixed_scale_fit():
    """Small features would have a small range, by which a bias of 0.9 would not fit."""
    torch.manual_seed(0)
    model = nn.Sequential(Conv2d(2, 4), Conv2d(4, 3, 1, wide=True, fixed_scale=True))
    with torch.no_grad():
        model[0].op.weight.mul_(0.01)
        model[0].op.bias.zero_()
        model[1].op.bias.fill_(0.9)
    start_measured_qat(model, MEASURED, [data()])
    assert model[1].op.bias.abs().max() < 1
    with torch.no_grad():
        assert torch.allclose(model(data()), torch.tensor(0.9), atol=0.05)


def test_a_network_that_is_measured_with_clamps_keeps_them():
    """One that was trained with fixed ranges computes, before QAT, within -1 to 127/128."""
    torch.manual_seed(0)
    model = nn.Sequential(Conv2d(2, 4, activation="ReLU"), Conv2d(4, 3))
    with torch.no_grad():
        model[0].op.weight.mul_(20)
    start_qat(model, QatPolicy(0))
    start_measured_qat(model, MEASURED, [data()])
    assert [layer.get_buffer(V2_MARK).item() for layer in model] == [0, 0]


def test_a_dead_layer_has_range_one():
    model = made(Plain)
    with torch.no_grad():
        model.one.op.weight.zero_()
        model.one.op.bias.fill_(-1)
    start_measured_qat(model, MEASURED, [data()])
    assert model.one.get_buffer(V2_MARK).item() == 0
    assert all(math.isfinite(value) for value in model.two.op.bias.tolist())


def test_outliers_count_by_the_z_score():
    x = data()
    x[0, :, 0, 0] = 1.0 - 1 / DATA_GRID.one
    model = made(Plain)
    with torch.no_grad():
        model.one.op.weight.zero_()
        model.one.op.weight[:, 0, 1, 1] = 1
        model.one.op.bias.zero_()
    x[:, 0] *= 0.1
    x[0, 0, 0, 0] = 0.99
    loose = deepcopy(model)
    tight = QatPolicy(0, outlier_removal_z_score=2.0)
    start_measured_qat(model, tight, [x])
    start_measured_qat(loose, QatPolicy(0, outlier_removal_z_score=1e6), [x])
    first, second = (one.one.get_buffer(V2_MARK).item() for one in (model, loose))
    assert first < second


def test_every_example_is_measured_once_and_told():
    counts, model = [], made(Plain)
    was_training = model.train().training
    start_measured_qat(model, MEASURED, data(40).split(16), counts.append)
    assert counts == [16, 32, 40]
    assert model.training == was_training


# -- topology -------------------------------------------------------------------------------------


def test_what_meets():
    topology = find_topology(made(Branches), data(1))
    assert topology.order == ("conv1", "conv2", "late", "conv3", "wide", "scores")
    assert topology.producers["late"] == ("conv1", "conv2", "conv3")
    assert topology.producers["conv1"] == ("",)
    assert topology.adds == {"conv1": "add", "conv2": "add"}
    assert topology.joins.keys() == {"conv1", "conv2", "conv3"}
    assert topology.answers == {"wide", "scores"}
    assert not topology.unscaled


class Ends(nn.Module):
    """Ends in an addition to the input, and in a layer that another one reads."""

    def __init__(self):
        super().__init__()
        self.one = Conv2d(2, 2)
        self.two = Conv2d(2, 2)
        self.add = ElementWise(Combine.ADD)

    def forward(self, x):
        y = self.one(x)
        return y, self.add(x, self.two(y))


def test_answers_without_a_scale_of_their_own_have_range_one():
    topology = find_topology(made(Ends), data(1))
    assert not topology.answers
    assert topology.unscaled == {"one", "two"}
    model = started(Ends)
    assert [getattr(model, name).get_buffer(V2_MARK).item() for name in ("one", "two")] == [0, 0]


# -- refusals -------------------------------------------------------------------------------------


class Undecided(Plain):
    def forward(self, x):
        x = self.one(x)
        return self.two(x) if x.mean() > 0 else x


class Foreign(Plain):
    def __init__(self):
        super().__init__()
        self.one = nn.Conv2d(2, 4, 3, padding=1)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (Undecided, r"Undecided test_measured_qat.py:\d+: branches on the data"),
        (Foreign, r"one test_measured_qat.py:\d+: is no layer of the accel"),
    ],
)
def test_networks_that_cannot_be_followed(kind, message):
    with pytest.raises(UnsupportedError, match=message):
        started(kind)


def test_what_cannot_be_measured():
    model = started(Plain)
    with pytest.raises(InputError, match="measured already"):
        start_measured_qat(model, MEASURED, [data()])
    with pytest.raises(InputError, match="integer weights"):
        start_measured_qat(integers_of(model), MEASURED, [data()])
    with pytest.raises(InputError, match="no data to measure"):
        start_measured_qat(made(Plain), MEASURED, [])
    with pytest.raises(InputError, match=r"ranges: ranges are measured on data"):
        start_qat(made(Plain), MEASURED)
    start_qat(model, MEASURED)  # goes on with the ranges it has
