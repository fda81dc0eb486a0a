"""The pose network planned for this chip, folded by four on the way in: PyTorch and the board.

Its weights are random here; what is compared is the maps, bit for bit.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from installed import CROSS_COMPILERS

from ai8x_models.checkpoint import Checkpoint, save_checkpoint
from ai8x_models.layers.qat import start_qat
from ai8x_models.quantize.options import QuantizeOptions
from ai8x_models.quantize.quantize import quantize_state
from ai8x_models.tasks.pose.figures.figures import PRESETS, SPLIT_BASE, render
from ai8x_models.tasks.pose.network_input import device_input
from ai8x_models.tasks.pose.predictor import Predictor
from ai8x_models.zoo.registry import create_model, find_model
from max78000.apps.pose.client import PoseClient
from max78000.board.board import VirtualBoard
from max78000.firmware.build import build_project
from max78000.firmware.toolchain import find_toolchain
from max78000.link.serial_line import virtual_line
from max78000.program.folder import read_program
from synthesis.commands.synthesize import synthesize

ROOT = Path(__file__).resolve().parents[2]
NAME = "NativePoseModel"


def picture(number):
    return render(PRESETS["scene"], SPLIT_BASE["test"] + number).image


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """Integers of an untrained network."""
    torch.manual_seed(0)
    model = create_model(NAME)
    start_qat(model, find_model(NAME).policy)
    state, _ = quantize_state(model.state_dict(), QuantizeOptions())
    path = tmp_path_factory.mktemp("checkpoint") / "pose_native-q.pth.tar"
    save_checkpoint(path, Checkpoint(NAME, 1, state))
    return path


@pytest.fixture(scope="module")
def project(checkpoint, tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    np.save(folder / "sample.npy", device_input(picture(0), NAME))
    arguments = [
        str(ROOT / "networks/pose_native.yaml"),
        *("--checkpoint-file", str(checkpoint)),
        *("--sample-input", str(folder / "sample.npy")),
        *("--timer", "0", "--test-dir", str(folder)),
    ]
    result = CliRunner().invoke(synthesize, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return folder / "pose_native"


def test_it_takes_at_most_a_quarter_of_a_million_cycles(project):
    assert read_program(project).cycles.total <= 250_000


@pytest.mark.long
@pytest.mark.parametrize("compiler", CROSS_COMPILERS)
def test_the_firmware_folds_by_four(project, checkpoint, compiler):
    board = VirtualBoard()
    board.load_elf(build_project(project, find_toolchain(compiler), app="pose").elf)
    line = virtual_line(board)
    client = PoseClient(line.port, line.device, line.clock)
    client.hello()
    client.find_people(picture(1))
    machine = board.devices.accelerator.machine
    found = [machine.read_output(output) for output in read_program(project).outputs]
    wanted = Predictor.load(checkpoint).maps(picture(1)[None])
    for maps, expected in zip(found, wanted, strict=True):
        assert np.array_equal(maps, expected[0])
        assert np.ptp(maps) > 100
