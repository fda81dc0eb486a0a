"""Models become firmware that passes on the virtual board, and nobody writes a description.

Every network of the zoo that fits the chip, and networks of plain torch.nn: described, trained a
step with the chip's numbers, quantized, compiled from the description as it is (no processors, no
offsets), built, run. That every compiler builds such projects is tested elsewhere.
"""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
import yaml
from click.testing import CliRunner
from plain_networks import PLAIN, make_plain
from torch import nn

from ai8x_models.checkpoint import Checkpoint, save_checkpoint
from ai8x_models.commands.main import cli
from ai8x_models.describe.convert import convert
from ai8x_models.describe.describe import describe
from ai8x_models.describe.description import NetworkDescription
from ai8x_models.layers.policy import QatPolicy
from ai8x_models.layers.qat import start_qat
from ai8x_models.zoo.registry import MODELS, create_model
from max78000.board.board import VirtualBoard
from max78000.firmware.build import build_project
from max78000.firmware.toolchain import find_toolchain
from max78000.program.folder import read_program
from synthesis.commands.synthesize import synthesize

TOO_LARGE = "StudentModel"  # for the chip
ZOO = [info for info in MODELS.values() if info.name != TOO_LARGE]
PLACEMENT = {
    "processors",
    "output_processors",
    "in_offset",
    "out_offset",
    "write_gap",
    "bias_group",
}


@dataclass(frozen=True)
class Trainee:
    """A model, ready for training as the chip computes."""

    description: NetworkDescription
    network: nn.Module
    policy: QatPolicy


def of_zoo(info):
    torch.manual_seed(1)
    model = create_model(info.name)
    return Trainee(describe(model, info.input_shape, info.name, info.dataset), model, info.policy)


def of_plain(kind, shape):
    model = make_plain(kind)
    return Trainee(describe(model, shape), convert(model, shape, examples(shape, 4)), QatPolicy(0))


def examples(shape, count):
    generator = torch.Generator().manual_seed(7)
    return torch.randint(-128, 128, (count, *shape), generator=generator) / 128


MAKERS = {
    **{info.name: (of_zoo, (info,)) for info in ZOO},
    **{kind.__name__: (of_plain, (kind, shape)) for kind, shape in PLAIN},
}


def train(trainee):
    """One step of quantization-aware training."""
    start_qat(trainee.network, trainee.policy)
    optimizer = torch.optim.SGD(trainee.network.parameters(), 0.01)
    answers = trainee.network.train()(examples(trainee.description.input_shape, 2))
    answers = answers if isinstance(answers, tuple) else (answers,)
    sum(one.square().mean() for one in answers).backward()
    optimizer.step()


def write_project(trainee, folder):
    """Files as a user has them, and the commands that a user gives."""
    description = trainee.description
    (folder / "net.yaml").write_text(description.to_text(), encoding="utf-8")
    state = dict(trainee.network.state_dict())
    save_checkpoint(folder / "qat.pth.tar", Checkpoint(description.arch, 1, state))
    call(cli, "quantize", folder / "qat.pth.tar", folder / "q.pth.tar")
    rng = np.random.default_rng(1)
    np.save(folder / "net.npy", rng.integers(-128, 128, description.device_shape, dtype=np.int8))
    files = ("--checkpoint-file", folder / "q.pth.tar", "--sample-input", folder / "net.npy")
    fifo = ["--fifo"] if any(layer.is_streaming for layer in description.layers) else []
    call(synthesize, folder / "net.yaml", *files, *fifo, "--test-dir", folder)
    return folder / "net"


def call(command, *words):
    CliRunner().invoke(
        command, list(map(str, words)), standalone_mode=False, catch_exceptions=False
    )


@pytest.mark.parametrize(("make", "given"), MAKERS.values(), ids=MAKERS)
def test_a_model_passes_without_a_written_description(make, given, tmp_path):
    trainee = make(*given)
    train(trainee)
    project = write_project(trainee, tmp_path)
    layers = yaml.safe_load((tmp_path / "net.yaml").read_text())["layers"]
    assert not any(PLACEMENT & layer.keys() for layer in layers)
    image = build_project(project, find_toolchain())
    board = VirtualBoard()
    board.load_elf(image.elf)
    outcome = board.run()
    assert outcome.is_pass, outcome.console
    assert len(outcome.runs) == 1
    answer = {word for want in read_program(project).known_answer for word in want.words}
    assert len(answer) >= 3  # numbers that could have been wrong
