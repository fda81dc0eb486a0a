"""Random networks in QAT with measured ranges: every layer computes what its integers compute."""

from copy import deepcopy

import numpy as np
import pytest
import torch
from plain_networks import PLAIN, make_plain
from torch import nn

from ai8x_models.describe.convert import convert
from ai8x_models.layers.layers import Conv2d, ElementWise, FusedLayer
from ai8x_models.layers.policy import QatPolicy, Ranges
from ai8x_models.layers.qat import DATA_GRID, Layer, Mode, set_generation, set_mode, weight_grid
from ai8x_models.quantize.options import QuantizeOptions
from ai8x_models.quantize.quantize import quantize_state
from ai8x_models.training.measured_qat import start_measured_qat
from max78000.facts.fixed import Combine

CHANNELS = 4
ACTIVATIONS = (None, "ReLU", "Abs")


class Drawn(nn.Module):
    """Tensors (N, 4, 6, 6), each made of earlier ones, the input among them."""

    def __init__(self, rng):
        super().__init__()
        self.steps, self.layers = [], nn.ModuleList()
        for index in range(1, rng.integers(3, 9)):
            kind = rng.choice(["convolve", "convolve", "join", "add"])
            sources = rng.integers(0, index, 1 if kind == "convolve" else 2).tolist()
            self.steps.append((kind, sources))
            self.layers.append(self._layer(kind, rng))
        self.n_answers = int(rng.integers(1, 3))
        self.heads = nn.ModuleList(
            Conv2d(CHANNELS, 3, 1, wide=bool(rng.integers(2))) for _ in range(rng.integers(0, 3))
        )

    def _layer(self, kind, rng):
        if kind == "add":
            return ElementWise(Combine.ADD if rng.integers(2) else Combine.SUB)
        options = {"activation": ACTIVATIONS[rng.integers(3)]}
        if rng.integers(2):
            options["batchnorm"] = "Affine"
        layer = Conv2d(CHANNELS * (2 if kind == "join" else 1), CHANNELS, **options)
        with torch.no_grad():
            layer.op.weight.mul_(2.0 ** rng.uniform(-3, 4))
        return layer

    def forward(self, x):
        tensors = [x]
        for (kind, sources), layer in zip(self.steps, self.layers, strict=True):
            operands = [tensors[source] for source in sources]
            tensors.append(layer(*operands) if kind != "join" else layer(torch.cat(operands, 1)))
        return *tensors[-self.n_answers :], *(head(tensors[-1]) for head in self.heads)


def results(model, x):
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


def check(model, x, bits=8):
    start_measured_qat(model, QatPolicy(0, bits, ranges=Ranges.MEASURED), x.split(8))
    integers = deepcopy(model)
    state, _ = quantize_state(model.state_dict(), QuantizeOptions(has_chip_limits=True))
    integers.load_state_dict(state)
    set_mode(integers, Mode.INTEGER)
    in_qat, in_integers = results(model, x[:4]), results(integers, x[:4] * DATA_GRID.one)
    assert in_qat
    for name, found in in_qat.items():
        layer, one, gain = model.get_submodule(name), DATA_GRID.one, 1.0
        if isinstance(layer, FusedLayer):
            one *= weight_grid(bits).one if layer.plan.wide else 1
            gain = layer.final_gain
        assert torch.equal(found.double() * one, in_integers[name].double() * gain), name


@pytest.mark.parametrize("seed", range(40))
def test_drawn_networks(seed):
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    model = Drawn(rng)
    set_generation(model, is_v2=True)
    x = torch.randint(-128, 128, (16, CHANNELS, 6, 6)) / DATA_GRID.one
    model.train()(x)
    check(model, x, bits=int(rng.choice([8, 8, 4])))


@pytest.mark.parametrize(("kind", "shape"), PLAIN, ids=[kind.__name__ for kind, _ in PLAIN])
def test_converted_networks(kind, shape):
    torch.manual_seed(0)
    x = torch.randint(-128, 128, (16, *shape)) / DATA_GRID.one
    check(convert(make_plain(kind), shape, x), x)
