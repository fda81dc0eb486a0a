"""Networks that were trained with measured ranges go the whole road and pass on the virtual board.

What the firmware unloads is what QAT computed: the answers times the final scale.
"""

import numpy as np
import pytest
import torch
from test_no_yaml import call

from ai8x_models.checkpoint import Checkpoint, save_checkpoint
from ai8x_models.commands.main import cli
from ai8x_models.layers.policy import QatPolicy, Ranges
from ai8x_models.layers.qat import set_generation
from ai8x_models.layers.space_to_depth import fold_image
from ai8x_models.training.measured_qat import start_measured_qat
from ai8x_models.zoo.registry import MODELS, create_model
from max78000.board.board import VirtualBoard
from max78000.facts.fixed import scale_by
from max78000.firmware.build import build_project
from max78000.firmware.toolchain import find_toolchain
from synthesis.api import compile_network
from synthesis.commands.synthesize import synthesize
from synthesis.graph.scales import final_scale

pytestmark = pytest.mark.long


def pictures(info, count):
    """Noise as the network takes it, and as the device does."""
    rng = np.random.default_rng(3)
    whole = rng.integers(-128, 128, (count, *info.input_shape), dtype=np.int64)
    return torch.from_numpy(whole.astype(np.float32) / 128), whole


@pytest.mark.parametrize("name", ["DigitNet", "ResidualNet", "TinyStudentModel"])
def test_a_network_passes(name, tmp_path):
    info = MODELS[name]
    torch.manual_seed(2)
    model = create_model(name)
    set_generation(model, is_v2=True)
    inputs, whole = pictures(info, 16)
    model.train()(inputs)  # batch norms have seen something
    start_measured_qat(model, QatPolicy(0, ranges=Ranges.MEASURED), inputs.split(8))
    with torch.no_grad():
        answers = model.eval()(inputs[:1])
    answers = answers if isinstance(answers, tuple) else (answers,)

    save_checkpoint(tmp_path / "qat.pth.tar", Checkpoint(name, 1, dict(model.state_dict())))
    call(cli, "quantize", tmp_path / "qat.pth.tar", tmp_path / "q.pth.tar")
    call(cli, "describe", name, "--out", tmp_path / "net.yaml")
    device = fold_image(whole[:1])[0] if info.fold > 1 else whole[0]
    np.save(tmp_path / "net.npy", device.astype(np.int8))
    files = ("--checkpoint-file", tmp_path / "q.pth.tar", "--sample-input", tmp_path / "net.npy")
    call(synthesize, tmp_path / "net.yaml", *files, "--test-dir", tmp_path, "--prefix", "net")

    network = compile_network(tmp_path / "net.yaml", tmp_path / "q.pth.tar", device)
    graph = network.stages.graph
    for answer, layer, raw in zip(
        answers, graph.outputs, network.machine().predict(device), strict=True
    ):
        unloaded = scale_by(raw.reshape(-1), final_scale(layer, graph), 32)
        in_qat = answer[0].double().reshape(-1).numpy() * 2**14
        assert np.array_equal(unloaded, np.floor(in_qat))  # a scale below 1 cuts bits off
        assert np.unique(raw).size > 3
    image = build_project(tmp_path / "net", find_toolchain())
    board = VirtualBoard()
    board.load_elf(image.elf)
    outcome = board.run()
    assert outcome.is_pass, outcome.console
