"""Random networks of plain torch: described and equal to PyTorch, or refused with a place."""

import re

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plain_styles import STYLES, Applied
from random_plain import plain_networks
from torch import nn

from ai8x_models.checkpoint import Checkpoint, save_checkpoint
from ai8x_models.describe.convert import Converted, network_of
from ai8x_models.describe.describe import describe, describe_network
from ai8x_models.layers.layers import FusedLayer
from ai8x_models.layers.policy import QatPolicy
from ai8x_models.layers.qat import Mode, set_mode, start_qat
from ai8x_models.layers.space_to_depth import fold_image
from ai8x_models.quantize.options import QuantizeOptions
from ai8x_models.quantize.quantize import quantize_state
from max78000.errors import InternalError, ProblemList, ToolError
from max78000.facts.chip import MAX78000
from max78000.machine.machine import Machine
from synthesis.compile import compile_source
from synthesis.generate.options import ProgramOptions
from synthesis.graph.interpret import interpret
from synthesis.lower.lower import lower
from synthesis.read.checkpoint import read_checkpoint
from synthesis.read.source import Source
from synthesis.read.yaml_reader import read_network

FILE = r"(plain_styles|random_plain)\.py:\d+"
PLACES = {
    "sequential": re.compile(rf"(\d+ \(\w+\)|\d+\.(left|right)\.\d+ \(\w+\))( {FILE})?"),
    "functional": re.compile(rf"Listed {FILE}"),
    "fx": re.compile(r"Listed \w+"),
}


def answers(found):
    return found if isinstance(found, tuple) else (found,)


def fate(plain, style, folder, compiles=False):
    """ "described", or the refusal."""
    model = plain.model(style)
    try:
        network = network_of(model, plain.shape)
        description = describe_network(network, model)
    except InternalError:
        raise
    except ToolError as error:
        problems = error.problems if isinstance(error, ProblemList) else (error,)
        for one in problems:
            if one.why.startswith("does nothing"):  # of the whole model
                continue
            assert PLACES[style].fullmatch(one.where or ""), (style, one.where, str(one))
            assert one.fix
        return tuple(f"{one.why}" for one in problems)
    check_numbers(plain, model, network)
    if network.is_new:
        check_integers(plain, model, network, description, folder)
        if compiles:
            check_machine(description, folder)
    return "described"


def wanted_answers(plain, model, network):
    """The model's answers, where the application does nothing behind the network."""
    with torch.no_grad():
        return answers(model(plain.examples)) if not network.on_cpu else None


def check_numbers(plain, model, network):
    """In float the layers compute what the model does."""
    layered = Converted(network).eval()
    data = network.prepared(plain.examples) * network.input_scale
    with torch.no_grad():
        found = answers(layered(data))
    wanted = wanted_answers(plain, model, network)
    for one, other, scale in zip(wanted or (), found, network.output_scales, strict=False):
        torch.testing.assert_close((other / scale).reshape(one.shape), one, atol=1e-4, rtol=0)


def steps_of(op):
    """Integers to 1.0 of an answer; the output shift does not apply to those of 32 bits."""
    layer = getattr(op, "layer", None)
    if isinstance(layer, FusedLayer) and layer.plan.wide:
        return (1 << 14) * 2.0 ** -int(layer.output_shift)
    return 128


def check_integers(plain, model, network, description, folder):
    """As integers too, in PyTorch and as the compiler reads description and checkpoint."""
    layered = Converted(network)
    data = (network.prepared(plain.examples) * network.input_scale * 128).round()
    start_qat(layered, QatPolicy(0))
    state, _ = quantize_state(layered.state_dict(), QuantizeOptions())
    layered.load_state_dict(state)
    set_mode(layered, Mode.INTEGER)
    save_checkpoint(folder / "q.pth.tar", Checkpoint(description.arch, 0, dict(state)))
    with torch.no_grad():
        found = answers(layered.eval()(data))
    wanted = wanted_answers(plain, model, network) if not plain.is_scaled else None
    for one, other, index in zip(wanted or (), found, network.graph.outputs, strict=False):
        steps = (one.double() * steps_of(network.graph.nodes[index].op)).round()
        assert (other.double() == steps.reshape(other.shape)).all()
    spec = read_network(description.to_text(), "net.yaml")
    image = data[0].to(torch.int64).numpy()
    image = fold_image(image, description.fold) if description.fold > 1 else image
    image = image.reshape((*image.shape, 1, 1)[:3])
    graph = lower(Source(spec, read_checkpoint(folder / "q.pth.tar"), image), MAX78000)
    results = interpret(graph, image)
    by_name = {layer.name: results[layer.index].reshape(-1) for layer in graph.layers}
    compiled = [by_name[layer.name] for layer in description.layers if layer.is_output]
    assert len(compiled) == len(found)
    for one in found:
        assert any(np.array_equal(one[0].numpy().reshape(-1), other) for other in compiled)


def check_machine(description, folder):
    """The compiler places it, and the simulated accelerator finds the known answer."""
    spec = read_network(description.to_text(), "net.yaml")
    rng = np.random.default_rng(3)
    image = rng.integers(-128, 128, (*description.device_shape, 1, 1)[:3])
    source = Source(spec, read_checkpoint(folder / "q.pth.tar"), image)
    program = compile_source(source, ProgramOptions("net"), MAX78000).program
    machine = Machine(MAX78000)
    machine.run(program)
    assert machine.check_known_answer(program) is None


def count_examples(n):
    checks = list(HealthCheck)
    return settings(max_examples=n, deadline=None, derandomize=True, suppress_health_check=checks)


@pytest.mark.long
@given(plain=plain_networks(), style=st.sampled_from(sorted(STYLES)))
@count_examples(60)
def test_random_networks_are_described_or_refused_at_their_place(plain, style, tmp_path_factory):
    fate(plain, style, tmp_path_factory.getbasetemp())


@pytest.mark.slow
@given(plain=plain_networks(), style=st.sampled_from(sorted(STYLES)), number=st.integers(0, 15))
@count_examples(1000)
def test_many_more_and_some_on_the_accelerator(plain, style, number, tmp_path_factory):
    fate(plain, style, tmp_path_factory.getbasetemp(), compiles=number == 15)


@pytest.mark.long
@given(plain=plain_networks())
@count_examples(25)
def test_styles_are_described_alike(plain, tmp_path_factory):
    folder = tmp_path_factory.getbasetemp()
    fates = {style: fate(plain, style, folder) for style in STYLES}
    assert len(set(fates.values())) == 1, fates


@pytest.mark.long
def test_most_are_described(tmp_path_factory):
    """Refusing everything would be no answer."""
    fates = []

    @given(plain=plain_networks())
    @count_examples(60)
    def collect(plain):
        fates.append(fate(plain, "functional", tmp_path_factory.getbasetemp()))

    collect()
    assert fates.count("described") > len(fates) * 3 / 4


def test_a_mean_over_a_rectangle_is_one_pooling():
    """It keeps no axes, and its stride means nothing; found by the test above."""
    model = nn.Sequential(nn.Conv2d(2, 4, 3), Applied(lambda x: x.mean((2, 3))), nn.Linear(4, 3))
    text = describe(model, (2, 10, 6)).to_text()
    assert "avg_pool: [8, 4], pool_stride: 1}" in text
