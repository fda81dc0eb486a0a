"""Networks of one firmware by turns, on the virtual board: each answers as it does alone."""

import json
import re

import pytest
from click.testing import CliRunner
from shipped import ROOT, write_inputs, write_project

from max78000.board.board import VirtualBoard
from max78000.commands.simulate import simulate
from max78000.errors import BoardError
from max78000.firmware.build import build_project
from max78000.firmware.toolchain import find_toolchain
from max78000.program.folder import read_program
from synthesis.commands.synthesize import synthesize

BESIDE = ("digit_net", "signal_net")  # small: both stay
OVER = ("residual_net", "pose_native")  # 236 of a processor's 768 words, and 528 of all
N_MANY = 100
LINE = re.compile(r"(\w+): as it should be, inference time: (\d+) us")


@pytest.fixture(scope="module")
def write_several(tmp_path_factory):
    """Write a firmware of shipped networks with untrained weights; the folder."""

    def write_several(names, *options):
        folder = tmp_path_factory.mktemp("several")
        given = []
        for name in names:
            (folder / name).mkdir()
            checkpoint, sample = write_inputs(name, folder / name)
            given += [str(ROOT / f"networks/{name}.yaml")]
            given += ["--checkpoint-file", str(checkpoint), "--sample-input", str(sample)]
        given += ["--test-dir", str(folder), "--prefix", "app", "--timer", "0", *options]
        result = CliRunner().invoke(synthesize, given, standalone_mode=False)
        assert result.exception is None, result.exception
        return folder / "app"

    return write_several


def run_on_board(folder):
    """What the board says, and the cycles of every run of the accelerator."""
    board = VirtualBoard()
    board.load_elf(build_project(folder, find_toolchain()).elf)
    outcome = board.run()
    assert outcome.is_pass, outcome.console
    return outcome


def check_rounds(folder, names, n_rounds, tmp_path):
    """Every run is right, and takes the time of its network."""
    outcome = run_on_board(folder)
    cycles = [json.loads((folder / name / "report.json").read_text())["cycles"] for name in names]
    expected = [one["total"] for one in cycles] * n_rounds
    assert [run.result.cycles for run in outcome.runs] == expected
    assert [name for name, _ in LINE.findall(outcome.console)] == list(names)
    assert f"{n_rounds} rounds of {len(names)} networks by turns" in outcome.console
    for name in names:
        (tmp_path / name).mkdir()
        alone = read_program(write_project(name, tmp_path / name))
        assert read_program(folder / name).known_answer == alone.known_answer


@pytest.mark.long
@pytest.mark.parametrize(
    ("names", "n_loaded_once"),
    [pytest.param(BESIDE, 2, id="beside"), pytest.param(OVER, 0, id="over")],
)
def test_answers_by_turns_are_those_of_the_networks_alone(
    write_several, names, n_loaded_once, tmp_path
):
    folder = write_several(names)
    report = json.loads((folder / "report.json").read_text())
    assert sum(one["stays"] for one in report["networks"]) == n_loaded_once
    check_rounds(folder, names, 3, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("names", [BESIDE, OVER])
def test_a_hundred_alternations(write_several, names, tmp_path):
    folder = write_several(names, "--define", f"ROUNDS={N_MANY}")
    check_rounds(folder, names, N_MANY, tmp_path)


@pytest.mark.long
def test_every_way_to_write_the_code_passes(write_several):
    options = ("--no-mexpress", "--verify-kernels", "--verify-writes", "--mlator", "--boost", "2.5")
    run_on_board(write_several(BESIDE, *options, "--no-wfi", "--no-compact-data"))


@pytest.mark.long
def test_a_network_through_the_fifo_follows_another(write_several):
    run_on_board(write_several(("stream_net", "digit_net"), "--fifo"))


@pytest.mark.long
def test_the_network_that_differs_is_named(write_several):
    folder = write_several(BESIDE)
    answer = folder / "signal_net_sampleoutput.h"
    text = answer.read_text()
    record = re.search(r"0x\w+, (0x\w+), 0x\w+, (0x\w+)", text)
    mask, word = (int(number, 16) for number in record.groups())
    wrong = f"0x{word ^ (mask & -mask):08x}"
    answer.write_text(text[: record.start(2)] + wrong + text[record.end(2) :])
    result = CliRunner().invoke(simulate, [str(folder)], standalone_mode=False)
    assert "signal_net differs in round 1" in result.output
    assert result.return_value == 1


@pytest.mark.long
def test_without_the_reset_registers_stay(write_several):
    """Which is why a switch begins with one: the pooling of the first network stays."""
    folder = write_several(BESIDE)
    control = folder / "cnn.c"
    text = control.read_text()
    assert text.count("MXC_GCFR->reg3 = 0xf; /* reset */") == 2
    head, tail = text.split("int cnn_reset(void)")
    control.write_text(
        f"{head}int cnn_reset(void){tail.replace('MXC_GCFR->reg3 = 0xf; /* reset */', '', 1)}"
    )
    with pytest.raises(BoardError, match=r"a pool window of 2x2, but LCTL\.pool_en is 0"):
        run_on_board(folder)
