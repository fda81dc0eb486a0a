"""A network trained with measured ranges, from QAT to the words that firmware unloads.

Outputs of 8 and of 32 bits, with scales above and below 1, one of a number of channels that is no
multiple of four. Three answers are one: PyTorch in QAT, the interpreter times the final scales, and
the memory of the virtual board when the firmware says PASS.
"""

import numpy as np
import pytest
import torch
from elftools.elf.elffile import ELFFile
from test_no_yaml import call
from torch import nn

from ai8x_models.checkpoint import Checkpoint, save_checkpoint
from ai8x_models.commands.main import cli
from ai8x_models.describe.describe import describe
from ai8x_models.layers.layers import Conv2d, ElementWise
from ai8x_models.layers.policy import QatPolicy, Ranges
from ai8x_models.layers.qat import set_generation
from ai8x_models.training.measured_qat import start_measured_qat
from max78000.board.board import VirtualBoard
from max78000.facts.chip import MAX78000
from max78000.facts.fixed import Combine
from max78000.firmware.build import build_project
from max78000.firmware.toolchain import find_toolchain
from synthesis.api import compile_network
from synthesis.commands.synthesize import synthesize
from synthesis.generate.unload import unload_layout

pytestmark = pytest.mark.long

SHAPE = (3, 6, 8)


class Heads(nn.Module):
    """A stem and four answers of it: large, small, wide, and a sum that only passes on."""

    def __init__(self):
        super().__init__()
        self.stem = Conv2d(3, 8, activation="ReLU")
        self.large = Conv2d(8, 5)
        self.small = Conv2d(8, 6, 1)
        self.wide = Conv2d(8, 3, 1, wide=True)
        self.left = Conv2d(8, 7, 1)
        self.right = Conv2d(8, 7, 1)
        self.sum = ElementWise(Combine.ADD)

    def forward(self, x):
        x = self.stem(x)
        both = self.sum(self.left(x), self.right(x))
        return self.large(x), self.small(x), self.wide(x), both


@pytest.fixture(scope="module")
def trained():
    """The network in QAT, and a picture as PyTorch and as the accelerator take it."""
    torch.manual_seed(4)
    model = Heads()
    for name, factor in (("stem", 3), ("large", 9), ("small", 0.2), ("left", 4), ("right", 5)):
        getattr(model, name).op.weight.data.mul_(factor)
    whole = np.random.default_rng(5).integers(-128, 128, (16, *SHAPE))
    inputs = torch.from_numpy(whole).float() / 128
    set_generation(model, is_v2=True)
    policy = QatPolicy(0, ranges=Ranges.MEASURED)
    start_measured_qat(model, policy, inputs.split(8))
    train(model, inputs)
    return model.eval(), inputs[:1], whole[0]


def train(model, inputs):
    """Some steps of an optimizer, as after the ranges have been measured: towards other answers."""
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    optimizer = torch.optim.Adam(model.train().parameters(), 3e-3)
    losses = []
    for _ in range(12):
        answers = model(inputs)
        wanted = [torch.sin(3 * inputs.mean((1, 2, 3), keepdim=True)) for _ in answers]
        loss = sum(
            (one - other).square().mean() for one, other in zip(answers, wanted, strict=True)
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]
    for name, tensor in model.state_dict().items():
        is_trained = name.endswith(("op.weight", "op.bias"))
        is_kept = name.endswith(("activation_threshold", "final_scale"))
        assert not (is_trained and torch.equal(tensor, before[name])), name
        assert not is_kept or torch.equal(tensor, before[name]), name


@pytest.fixture(scope="module")
def project(trained, tmp_path_factory):
    """Files as a user makes them; the project's folder, and the network compiled in Python."""
    folder = tmp_path_factory.mktemp("road")
    model, _, picture = trained
    (folder / "heads.yaml").write_text(describe(model, SHAPE, "Heads").to_text(), encoding="utf-8")
    save_checkpoint(folder / "qat.pth.tar", Checkpoint("Heads", 1, dict(model.state_dict())))
    call(cli, "quantize", folder / "qat.pth.tar", folder / "q.pth.tar")
    np.save(folder / "heads.npy", picture.astype(np.int8))
    files = (folder / "heads.yaml", folder / "q.pth.tar", folder / "heads.npy")
    given = ("--checkpoint-file", files[1], "--sample-input", files[2], "--test-dir", folder)
    call(synthesize, files[0], *given)
    return folder / "heads", compile_network(*files)


def unloaded(elf, n_words):
    """What the firmware's buffer holds at the end."""
    board = VirtualBoard()
    board.load_elf(elf)
    outcome = board.run()
    assert outcome.is_pass, outcome.console
    with elf.open("rb") as file:
        symbols = ELFFile(file).get_section_by_name(".symtab")
        (symbol,) = symbols.get_symbol_by_name("ml_data32")
    return board.read_memory(symbol["st_value"], 4 * n_words)


def test_firmware_unloads_what_qat_computes(trained, project):
    model, inputs, picture = trained
    folder, network = project
    assert any(model.get_buffer(f"{name}.activation_threshold") for name in ("stem", "large"))
    with torch.no_grad():
        answers = model(inputs)
    layout = unload_layout(network.stages.placement.placed_graph, MAX78000)
    found = unloaded(build_project(folder, find_toolchain()).elf, layout.n_words)
    assert len({scale for scale in network.final_scales}) >= 3
    assert min(network.final_scales) < 0 < max(network.final_scales)
    results = network.interpret(picture)
    for answer, stored, part in zip(answers, results, layout.parts, strict=True):
        one = 1 << 14 if part.is_wide else 128
        wanted = np.floor(answer[0].double().numpy() * one)  # a scale below 1 cuts bits off
        assert np.array_equal(part.delivered(stored), wanted), part.output.name
        start, element = 4 * part.offset_words, f"<i{part.element_bits // 8}"
        values = np.frombuffer(found, element, part.n_values, start)
        if part.is_wide:  # three channels of one block: pixel by pixel
            wanted = wanted.transpose(1, 2, 0)
        assert np.array_equal(values, wanted.reshape(-1)), part.output.name
        assert np.unique(values).size > 3
