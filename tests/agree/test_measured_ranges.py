"""Networks that were trained with measured ranges go the whole road and pass on the virtual board.

What the firmware unloads is what QAT computed: the answers times the final scale.
"""

import numpy as np
import pytest
import torch
from test_no_yaml import call

from ai8x_models.checkpoint import Checkpoint, save_checkpoint
from ai8x_models.commands.main import cli
from ai8x_models.describe.subject import find_subject
from ai8x_models.layers.policy import QatPolicy, Ranges
from ai8x_models.layers.qat import set_generation
from ai8x_models.layers.space_to_depth import fold_image
from ai8x_models.training.measured_qat import start_measured_qat
from max78000.board.board import VirtualBoard
from max78000.facts.fixed import scale_by
from max78000.firmware.build import build_project
from max78000.firmware.toolchain import find_toolchain
from synthesis.api import compile_network
from synthesis.commands.synthesize import synthesize
from synthesis.graph.scales import final_scale

pytestmark = pytest.mark.long


NARROW = """
import torch
from torch import nn
from ai8x_models.layers.layers import Conv2d, ElementWise
from max78000.facts.fixed import Combine

class Narrow(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = Conv2d(3, 8, batchnorm="Affine", activation="ReLU")
        self.two = Conv2d(8, 8, activation="Abs")
        self.add = ElementWise(Combine.ADD)
        self.answer = Conv2d(8, 4)
        with torch.no_grad():
            self.two.op.weight.mul_(4)
            self.answer.op.weight.mul_(8)

    def forward(self, x):
        x = self.one(x)
        return self.answer(self.add(x, self.two(x)))
"""  # an answer of 8 bits, larger than 1


def bytes_of(count, shape):
    return np.random.default_rng(3).integers(-128, 128, (count, *shape), dtype=np.int64)


@pytest.mark.parametrize("name", ["DigitNet", "ResidualNet", "TinyStudentModel", "Narrow"])
def test_a_network_passes(name, tmp_path):
    word, shape = name, None
    if name == "Narrow":
        (tmp_path / "narrow.py").write_text(NARROW, encoding="utf-8")
        word, shape = f"{tmp_path / 'narrow.py'}:Narrow", (3, 12, 12)
    torch.manual_seed(2)
    subject = find_subject(word, shape)
    model, whole = subject.model, bytes_of(16, subject.shape)
    inputs = torch.from_numpy(whole.astype(np.float32) / 128)
    set_generation(model, is_v2=True)
    model.train()(inputs)  # batch norms have seen something
    start_measured_qat(model, QatPolicy(0, ranges=Ranges.MEASURED), inputs.split(8))
    with torch.no_grad():
        answers = model.eval()(inputs[:1])
    answers = answers if isinstance(answers, tuple) else (answers,)

    save_checkpoint(tmp_path / "qat.pth.tar", Checkpoint(name, 1, dict(model.state_dict())))
    call(cli, "quantize", tmp_path / "qat.pth.tar", tmp_path / "q.pth.tar")
    given = ("--input", "x".join(map(str, shape))) if shape else ()
    call(cli, "describe", word, *given, "--out", tmp_path / "net.yaml")
    device = fold_image(whole[:1])[0] if name == "TinyStudentModel" else whole[0]
    np.save(tmp_path / "net.npy", device.astype(np.int8))
    files = ("--checkpoint-file", tmp_path / "q.pth.tar", "--sample-input", tmp_path / "net.npy")
    call(synthesize, tmp_path / "net.yaml", *files, "--test-dir", tmp_path, "--prefix", "net")

    network = compile_network(tmp_path / "net.yaml", tmp_path / "q.pth.tar", device)
    graph = network.stages.graph
    for answer, layer, raw in zip(
        answers, graph.outputs, network.machine().predict(device), strict=True
    ):
        one, bits = (2**14, 32) if layer.output_width == 32 else (128, 16)
        unloaded = scale_by(raw.reshape(-1), final_scale(layer, graph), bits)
        in_qat = answer[0].double().reshape(-1).numpy() * one
        assert np.array_equal(unloaded, np.floor(in_qat))  # a scale below 1 cuts bits off
        assert np.unique(raw).size > 3
        assert bits == 32 or answer.abs().max() > 1
    image = build_project(tmp_path / "net", find_toolchain())
    board = VirtualBoard()
    board.load_elf(image.elf)
    outcome = board.run()
    assert outcome.is_pass, outcome.console
