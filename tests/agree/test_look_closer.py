"""The example with two networks: a person is found, and what the second network is given is read.

With the weights of an untrained digit network the number means nothing, and is that of the chip's
arithmetic; with the example's own training it is the number that was drawn.
"""

import importlib.util
import re
from shutil import copyfile

import numpy as np
import pytest
from click.testing import CliRunner
from live import board_with
from PIL import Image
from shipped import ROOT, write_inputs
from test_live_applications import through_565

from max78000.board.board import Limits
from max78000.board.outside.pictures import Scene
from max78000.machine.predict import LoadedMachine
from max78000.program.folder import read_program
from synthesis.commands.synthesize import synthesize

EXAMPLE = ROOT / "examples" / "look_closer"
SIDE = 28
SEEN = re.compile(r"number (\d), at rows (\d+) to (\d+), columns (\d+) to \d+ \(10028 and 740 us\)")
LUMA = np.array([19595, 38470, 7471])


@pytest.fixture(scope="module")
def prepare():
    spec = importlib.util.spec_from_file_location("prepare", EXAMPLE / "prepare.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_example(folder, checkpoint, sample):
    given = [f"pose={ROOT}/networks/pose_tiny.yaml", f"digit={ROOT}/networks/digit_net.yaml"]
    given += ["--checkpoint-file", f"{ROOT}/checkpoints/pose_tiny-q.pth.tar"]
    given += ["--checkpoint-file", str(checkpoint)]
    given += ["--sample-input", f"{ROOT}/networks/samples/pose_tiny.npy"]
    given += ["--sample-input", str(sample)]
    given += ["--prefix", "look_closer", "--timer", "0", "--test-dir", str(folder)]
    result = CliRunner().invoke(synthesize, given, standalone_mode=False)
    assert result.exception is None, result.exception
    copyfile(EXAMPLE / "main.c", folder / "look_closer" / "main.c")
    return folder / "look_closer"


def look(folder, picture):
    """The first thing that the board says of a picture: number, row, column, side."""
    board = board_with(folder, scene=Scene((picture,)))
    board.run(until=b"us)", limits=Limits(virtual_s=10))
    found = SEEN.search(board.console)
    assert found, board.console
    number, top, bottom, left = map(int, found.groups())
    return number, top, left, bottom - top


def closer(picture, top, left, side):
    """What the second network is given: int (1, 28, 28)."""
    grey = (through_565(picture) @ LUMA + 0x8000) >> 16
    steps = np.arange(SIDE) * side // SIDE
    return grey[np.ix_(top + steps, left + steps)][None] - 128


@pytest.mark.long
def test_the_second_network_is_given_what_lies_between_shoulders_and_hips(prepare, tmp_path):
    folder = write_example(tmp_path, *write_inputs("digit_net", tmp_path))
    players = (prepare.player(seed, 7) for seed in range(100))
    picture = np.array(next(player for player in players if player is not None))
    number, top, left, side = look(folder, picture)
    (scores,) = LoadedMachine(read_program(folder / "digit")).predict(
        closer(picture, top, left, side)
    )
    assert number == scores.argmax()


@pytest.mark.slow
def test_numbers_are_read(prepare, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["prepare.py", str(tmp_path)])
    prepare.main()
    folder = write_example(tmp_path, tmp_path / "digit-q.pth.tar", tmp_path / "digit.npy")
    pictures = sorted(tmp_path.glob("player*.png"))
    assert len(pictures) == prepare.N_PLAYERS
    numbers = [look(folder, np.array(Image.open(path)))[0] for path in pictures]
    assert numbers == [int(path.stem[-1]) for path in pictures]
