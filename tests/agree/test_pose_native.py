"""The pose network planned for this chip, folded by four on the way in: PyTorch and the board.

Its weights are random here; what is compared is the maps, bit for bit.
"""

import numpy as np
import pytest
from installed import CROSS_COMPILERS

from ai8x_models.tasks.pose.figures.figures import PRESETS, SPLIT_BASE, render
from ai8x_models.tasks.pose.predictor import Predictor
from max78000.apps.pose.client import PoseClient
from max78000.board.board import VirtualBoard
from max78000.firmware.build import build_project
from max78000.firmware.toolchain import find_toolchain
from max78000.link.serial_line import virtual_line
from max78000.program.folder import read_program


def picture(number):
    return render(PRESETS["scene"], SPLIT_BASE["test"] + number).image


@pytest.fixture
def project(shipped):
    return shipped("pose_native")


def test_it_takes_at_most_a_quarter_of_a_million_cycles(project):
    assert read_program(project).cycles.total <= 250_000


@pytest.mark.long
@pytest.mark.parametrize("compiler", CROSS_COMPILERS)
def test_the_firmware_folds_by_four(project, compiler):
    board = VirtualBoard()
    board.load_elf(build_project(project, find_toolchain(compiler), app="pose").elf)
    line = virtual_line(board)
    client = PoseClient(line.port, line.device, line.clock)
    client.hello()
    client.find_people(picture(1))
    machine = board.devices.accelerator.machine
    found = [machine.read_output(output) for output in read_program(project).outputs]
    wanted = Predictor.load(project.parent / "q.pth.tar").maps(picture(1)[None])
    for maps, expected in zip(found, wanted, strict=True):
        assert np.array_equal(maps, expected[0])
        assert np.ptp(maps) > 100
