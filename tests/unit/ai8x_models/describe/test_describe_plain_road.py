"""Plain networks on the whole road: described, converted, trained a step, quantized, interpreted.

At its end PyTorch's integers and the compiler's interpreter agree in every layer of the graph that
the description and the checkpoint make together, and the simulated accelerator finds the known
answer of the program that the compiler makes of them.
"""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from plain_networks import PLAIN, SharedWeights, make_plain
from torch import nn

from ai8x_models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from ai8x_models.describe.convert import Converted, convert
from ai8x_models.describe.describe import describe
from ai8x_models.describe.description import NetworkDescription
from ai8x_models.layers.policy import QatPolicy
from ai8x_models.layers.qat import Mode, set_mode, start_qat
from ai8x_models.layers.space_to_depth import fold_image
from ai8x_models.quantize.quantize import integer_activations, quantize_checkpoint
from max78000.facts.chip import MAX78000
from max78000.machine.machine import Machine
from synthesis.compile import Compiled, compile_source
from synthesis.generate.options import ProgramOptions
from synthesis.read.checkpoint import read_checkpoint
from synthesis.read.source import Source
from synthesis.read.yaml_reader import read_network

pytestmark = pytest.mark.long  # seconds each

N_EXAMPLES = 4
ON_CPU = {
    "log softmax": lambda y: torch.log_softmax(y, 1),
    "sigmoid": torch.sigmoid,
}


@dataclass(frozen=True, slots=True)
class Road:
    description: NetworkDescription
    network: Converted  # in integer mode
    data: np.ndarray  # (1, C, H, W) as the model takes it, -128..127
    compiled: Compiled

    @property
    def graph(self):
        return self.compiled.graph

    @property
    def results(self):
        return self.compiled.results


def examples_of(shape, count=N_EXAMPLES):
    generator = torch.Generator().manual_seed(7)
    return torch.randint(-128, 128, (count, *shape), generator=generator) / 128


def answers(found):
    return found if isinstance(found, tuple) else (found,)


def road_of(kind, shape, folder):
    model = make_plain(kind)
    description = describe(model, shape)
    x = examples_of(shape)
    network = convert(model, shape, x)
    start_qat(network, QatPolicy(0))
    optimizer = torch.optim.SGD(network.parameters(), 0.01)
    sum(one.square().mean() for one in answers(network.train()(x))).backward()
    optimizer.step()
    state = dict(network.eval().state_dict())
    save_checkpoint(folder / "qat.pth.tar", Checkpoint(description.arch, 1, state))
    quantize_checkpoint(folder / "qat.pth.tar", folder / "q.pth.tar")
    network.load_state_dict(load_checkpoint(folder / "q.pth.tar").state_dict)
    set_mode(network, Mode.INTEGER)
    data = (x[:1] * 128).to(torch.int64).numpy()
    image = fold_image(data[0]) if description.fold > 1 else data[0]
    image = image.reshape((*image.shape, 1)[:3])
    spec = read_network(description.to_text(), "net.yaml")
    sources = Source(spec, read_checkpoint(folder / "q.pth.tar"), image)
    compiled = compile_source(sources, ProgramOptions(description.arch.lower()), MAX78000)
    return Road(description, network, data, compiled)


@pytest.fixture(scope="module", params=PLAIN, ids=lambda one: one[0].__name__)
def road(request, tmp_path_factory):
    return road_of(*request.param, tmp_path_factory.mktemp("road"))


@pytest.mark.parametrize(("kind", "shape"), PLAIN)
def test_converted_networks_compute_the_same(kind, shape):
    model, x = make_plain(kind), examples_of(shape)
    network = convert(model, shape, x).eval()
    scales = network.network.output_scales
    on_cpu = [ON_CPU[word] for word in network.network.on_cpu] + [lambda y: y] * len(scales)
    with torch.no_grad():
        wanted, found = answers(model(x)), answers(network(x * network.network.input_scale))
    for one, other, scale, rest in zip(wanted, found, scales, on_cpu, strict=False):
        torch.testing.assert_close(rest(other / scale).reshape(one.shape), one, atol=1e-4, rtol=0)


@pytest.mark.parametrize(("kind", "shape"), PLAIN)
def test_without_examples_small_data_give_the_same(kind, shape):
    """Nothing is scaled then, so only data that stay within -1..127/128 all the way are equal."""
    model, x = make_plain(kind), examples_of(shape)
    for parameter in model.parameters():
        parameter.data *= 0.3
    network = convert(model, shape).eval()
    assert network.network.output_scales == (1.0,) * len(network.network.output_scales)
    on_cpu = [ON_CPU[word] for word in network.network.on_cpu] + [lambda y: y] * 2
    with torch.no_grad():
        wanted, found = answers(model(x)), answers(network(x))
    for one, other, rest in zip(wanted, found, on_cpu, strict=False):
        torch.testing.assert_close(rest(other).reshape(one.shape), one, atol=1e-4, rtol=0)


def test_integers_agree_in_every_layer(road):
    in_torch = integer_activations(road.network, road.data)
    used_again = {layer.weight_source for layer in road.description.layers}
    n_compared = 0
    for layer, result in zip(road.graph.layers, road.results, strict=True):
        if layer.name in in_torch and layer.name not in used_again:
            np.testing.assert_array_equal(in_torch[layer.name][0].reshape(result.shape), result)
            n_compared += 1
    n_shared = sum(layer.weight_source is not None for layer in road.description.layers)
    n_own = sum(layer.has_weights for layer in road.description.layers)
    assert n_compared >= n_own - (n_shared > 0)


def test_answers_agree(road):
    with torch.no_grad():
        found = answers(road.network(torch.from_numpy(road.data).float()))
    outputs = [layer.name for layer in road.description.layers if layer.is_output]
    by_name = {layer.name: road.results[layer.index] for layer in road.graph.layers}
    for name, one in zip(outputs, found, strict=True):
        np.testing.assert_array_equal(one[0].numpy().reshape(by_name[name].shape), by_name[name])
        assert np.count_nonzero(by_name[name]) > by_name[name].size / 2


def test_the_simulated_accelerator_finds_the_known_answer(road):
    machine = Machine(MAX78000)
    machine.run(road.compiled.program)
    assert machine.check_known_answer(road.compiled.program) is None


def test_the_checkpoint_has_the_order_of_the_description(road):
    stored = [key for key in road.network.state_dict() if key.endswith(".op.weight")]
    named = [layer.name for layer in road.description.layers if layer.has_weights]
    assert stored == [f"{name}.op.weight" for name in named]


def test_converted_networks_are_described_alike(road):
    again = describe(road.network, road.description.input_shape, road.description.arch)
    assert again.layers == road.description.layers


class Named(nn.Module):
    """Attributes that the converted network has, too."""

    def __init__(self):
        super().__init__()
        self.network = nn.Conv2d(2, 4, 3, padding=1)
        self.arch, self.head = "other", nn.Linear(4 * 16, 3)

    def forward(self, x):
        return self.head(torch.max_pool2d(self.network(x).relu(), 2).flatten(1))


class Stacked(nn.Sequential):
    def __init__(self):
        stem = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU())
        super().__init__(stem, nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4 * 16, 3))


@pytest.mark.parametrize("kind", [Named, Stacked])
def test_a_trained_conversion_compiles_under_the_models_name(kind, tmp_path):
    """As users do it: convert, train, save under the model's name, describe what was trained."""
    torch.manual_seed(1)
    shape, model = (2, 8, 8), kind()
    inputs = examples_of(shape, 32)
    network = convert(model, shape, inputs)
    start_qat(network, QatPolicy(0))
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    for _ in range(3):
        loss = network.train()(inputs).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    state = dict(network.eval().state_dict())
    save_checkpoint(tmp_path / "qat.pth.tar", Checkpoint(kind.__name__, 1, state))
    quantize_checkpoint(tmp_path / "qat.pth.tar", tmp_path / "q.pth.tar")
    spec = read_network(describe(network, shape).to_text(), "net.yaml")
    assert spec.arch == kind.__name__
    data = (inputs[:1] * 128).to(torch.int64).numpy()
    source = Source(spec, read_checkpoint(tmp_path / "q.pth.tar"), data[0])
    compiled = compile_source(source, ProgramOptions("net"), MAX78000)
    network.load_state_dict(load_checkpoint(tmp_path / "q.pth.tar").state_dict)
    set_mode(network, Mode.INTEGER)
    with torch.no_grad():
        wanted = network(torch.from_numpy(data).float()).numpy()
    np.testing.assert_array_equal(compiled.results[-1].reshape(-1), wanted.reshape(-1))


def test_a_model_is_left_as_it_was():
    model = make_plain(SharedWeights).train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    network = convert(model, (2, 8, 8))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
    assert model.training
    assert not any(module._forward_hooks for module in model.modules())
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(tensor, before[name])
