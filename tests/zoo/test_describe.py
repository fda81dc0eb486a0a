"""Descriptions made from the zoo's models say what the hand-written ones say, placement aside.

And the zoo as ONNX: exported, it computes the same; read again, it is described alike.
"""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from onnx.reference import ReferenceEvaluator

from ai8x_models.checkpoint import Checkpoint, save_checkpoint
from ai8x_models.describe.describe import describe
from ai8x_models.describe.onnx_reader import read_onnx_model
from ai8x_models.describe.onnx_writer import export_model, save_onnx
from ai8x_models.layers.qat import QatModule, start_qat
from ai8x_models.layers.space_to_depth import unfold_image
from ai8x_models.quantize.options import QuantizeOptions
from ai8x_models.quantize.quantize import quantize_state
from ai8x_models.zoo.registry import MODELS, create_model
from max78000.facts.chip import MAX78000
from max78000.machine.machine import Machine
from synthesis.compile import compile_source
from synthesis.generate.options import ProgramOptions
from synthesis.lower.lower import lower
from synthesis.read.checkpoint import read_checkpoint
from synthesis.read.source import InputPath, Source
from synthesis.read.yaml_reader import read_network
from synthesis.text import graph_text

ROOT = Path(__file__).resolve().parents[2]
ZOO = tuple(MODELS.values())


@cache
def hand_written():
    paths = sorted((ROOT / "networks").glob("*.yaml"))
    networks = [read_network(path.read_text(encoding="utf-8"), path.name) for path in paths]
    return {network.arch: network for network in networks}


def trained(info):
    """A network whose batch norms have seen something."""
    torch.manual_seed(3)
    model = create_model(info.name)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_mean, -0.1, 0.1)
            torch.nn.init.uniform_(module.running_var, 0.05, 0.2)
    return model.eval()


def described(model, info):
    return describe(model, info.input_shape, info.name, info.dataset)


@pytest.fixture(params=ZOO, ids=lambda info: info.name)
def info(request):
    return request.param


def test_generated_and_written_descriptions_lower_to_the_same_graph(info, tmp_path):
    model = create_model(info.name)
    description = described(model, info)
    start_qat(model, info.policy)
    state, _ = quantize_state(model.state_dict(), QuantizeOptions())
    save_checkpoint(tmp_path / "q.pth.tar", Checkpoint(info.name, 1, state))
    checkpoint = read_checkpoint(tmp_path / "q.pth.tar")
    image = np.zeros((*info.device_shape, 1)[:3], np.int64)
    assert description.device_shape == info.device_shape
    generated = read_network(description.to_text(), "generated.yaml")
    texts = [
        graph_text(lower(Source(network, checkpoint, image), MAX78000))
        for network in (generated, hand_written()[info.name])
    ]
    assert texts[0] == texts[1]


def test_generated_descriptions_compile_to_programs_as_fast_as_the_written_ones(info, tmp_path):
    if info.name == "StudentModel":  # too large for the chip however it is described
        return
    model = create_model(info.name)
    start_qat(model, info.policy)
    state, _ = quantize_state(model.state_dict(), QuantizeOptions())
    save_checkpoint(tmp_path / "q.pth.tar", Checkpoint(info.name, 1, state))
    checkpoint = read_checkpoint(tmp_path / "q.pth.tar")
    generated = read_network(described(create_model(info.name), info).to_text(), "generated.yaml")
    image = np.random.default_rng(0).integers(-128, 128, (*info.device_shape, 1)[:3])
    streams = any(layer.streaming for layer in generated.layers)
    input_path = InputPath.FIFO if streams else InputPath.MEMORY
    programs = [
        compile_source(
            Source(network, checkpoint, image, input_path),
            ProgramOptions(info.name.lower()),
            MAX78000,
        ).program
        for network in (generated, hand_written()[info.name])
    ]
    assert programs[0].cycles.total == programs[1].cycles.total
    machine = Machine(MAX78000)
    machine.run(programs[0])
    assert machine.check_known_answer(programs[0]) is None


def test_generated_descriptions_stream_where_the_written_ones_do(info):
    generated = read_network(described(create_model(info.name), info).to_text(), "generated.yaml")
    written = hand_written()[info.name]
    assert [one.streaming for one in generated.layers] == [one.streaming for one in written.layers]


def test_exported_networks_compute_the_same_and_are_described_alike(info, tmp_path):
    model = trained(info)
    exported = export_model(model, info.input_shape, info.name)
    save_onnx(exported, tmp_path / "net.onnx")
    layers = described(model, info).layers
    assert described(read_onnx_model(tmp_path / "net.onnx"), info).layers == layers
    generator = torch.Generator().manual_seed(5)
    x = torch.randint(-128, 128, (1, *info.input_shape), generator=generator) / 128
    found = ReferenceEvaluator(exported).run(None, {"input": x.numpy()})
    with torch.no_grad():
        wanted = model(x)
    wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    if info.name == "SmallUNet":  # its last step is the application's
        found = [unfold_image(found[0])]
    for one, other in zip(wanted, found, strict=True):
        assert one.abs().max() > 0.01
        np.testing.assert_allclose(other.reshape(one.shape), one.numpy(), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", ["DigitNet", "SmallUNet"])
def test_trained_stages_are_exported_with_the_numbers_they_compute_with(name):
    """Data are not rounded in the file, so QAT and integers are near, not equal."""
    info = MODELS[name]
    model = trained(info)
    start_qat(model, info.policy)
    state, _ = quantize_state(model.state_dict(), QuantizeOptions())
    integers = create_model(info.name)
    for layer in integers.modules():
        if isinstance(layer, QatModule):
            layer.fold_batchnorm()
    integers.load_state_dict(state)
    files = [export_model(one, info.input_shape) for one in (model, integers.eval())]
    x = torch.rand(1, *info.input_shape, generator=torch.Generator().manual_seed(5)) - 0.5
    of_qat, of_integers = (
        ReferenceEvaluator(file).run(None, {"input": x.numpy()})[0] for file in files
    )
    np.testing.assert_allclose(of_integers, of_qat, atol=1e-5)
    with torch.no_grad():
        wanted = model(x).numpy()
    found = unfold_image(of_qat) if name == "SmallUNet" else of_qat
    assert np.abs(found - wanted).max() < np.abs(wanted).max() / 4
