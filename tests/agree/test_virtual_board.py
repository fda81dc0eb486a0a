"""Every shipped network as firmware on the virtual board: PASS, and the time the cycle model says.

The same image that would go to a chip: start-up, clocks, console, weights, interrupt, comparison.
"""

import json
import re
from shutil import copyfile, copytree

import numpy as np
import pytest
from click.testing import CliRunner
from shipped import NETWORKS, ROOT
from test_firmware_builds import EVERY

from max78000.board.board import End, VirtualBoard
from max78000.commands.simulate import simulate
from max78000.facts.chip import MAX78000
from max78000.facts.memory_map import FLASH_ADDR
from max78000.firmware.build import build_project
from max78000.firmware.sources import BOARDS
from max78000.firmware.toolchain import find_toolchain
from max78000.machine.inputs import with_input
from max78000.machine.machine import Machine
from max78000.program.folder import read_program
from synthesis.commands.synthesize import synthesize

TIME = re.compile(r"inference time: (\d+) us")
LOADING_US = 20_000  # a picture through the FIFO counts as part of the time


def copy_project(folder, target):
    """A project with its sample beside it."""
    copyfile(folder.parent / "sample.npy", target / "sample.npy")
    return copytree(folder, target / folder.name)


@pytest.fixture(scope="module", params=NETWORKS)
def project(request, shipped, tmp_path_factory):
    return copy_project(shipped(request.param), tmp_path_factory.mktemp("networks"))


@pytest.fixture(scope="module")
def small_project(shipped, tmp_path_factory):
    return copy_project(shipped("signal_net"), tmp_path_factory.mktemp("small"))


def write_pose_project(folder, *options):
    """The shipped pose network with its trained weights and its sample."""
    network = str(ROOT / "networks" / "pose_tiny.yaml")
    given = [network, "--test-dir", str(folder), "--timer", "0", *options]
    CliRunner().invoke(synthesize, given, standalone_mode=False, catch_exceptions=False)
    return folder / "pose_tiny"


@pytest.fixture(scope="module")
def trained_project(tmp_path_factory):
    return write_pose_project(tmp_path_factory.mktemp("trained"))


def run_image(image, watch=None):
    board = VirtualBoard(watch=watch)
    board.load_elf(image.elf)
    return board.run()


@EVERY
def test_every_network_passes_in_its_time(project, toolchain):
    outcome = run_image(build_project(project, toolchain))
    assert outcome.is_pass, outcome.console
    assert outcome.end is End.ASLEEP
    (cnn_run,) = outcome.runs
    cycles = json.loads((project / "report.json").read_text())["cycles"]["total"]
    assert cnn_run.result.cycles == cycles
    printed_us = int(TIME.search(outcome.console)[1])
    late_us = printed_us - cnn_run.duration_ns / 1000
    is_fed = NETWORKS[project.name].layers[0].streaming
    assert 0 <= late_us < LOADING_US if is_fed else abs(late_us) < 1


def test_the_sample_as_another_input_is_the_same_program(project):
    program = read_program(project)
    machine = Machine(MAX78000)
    read = machine.run(program).setups[0].read
    image = np.atleast_3d(np.load(project.parent / "sample.npy"))
    same = with_input(program, read, image, MAX78000)
    assert same.phases == program.phases


@pytest.mark.parametrize("board_name", BOARDS)
def test_every_board_package_passes(small_project, board_name):
    assert run_image(build_project(small_project, find_toolchain(), board_name)).is_pass


def test_two_runs_are_the_same(small_project):
    image = build_project(small_project, find_toolchain())
    stories = [], []
    outcomes = [run_image(image, story.append) for story in stories]
    assert stories[0] == stories[1] != []
    assert outcomes[0].time_ns == outcomes[1].time_ns


def test_leds_show_what_happens(small_project):
    notes = []
    run_image(build_project(small_project, find_toolchain()), notes.append)
    story = [note.text for note in notes]
    busy, idle = story.index("P0.3 low"), story.index("P0.3 high", story.index("P0.3 low"))
    assert busy < story.index("done") < idle


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "clock_hz"),
    [
        ("--no-mexpress", 50_000_000),
        ("--no-mexpress --compact-weights", 50_000_000),
        ("--no-compact-data", 50_000_000),
        ("--verify-kernels --zero-sram", 50_000_000),
        ("--mlator", 50_000_000),
        ("--no-wfi", 50_000_000),
        ("--clock-divider 4", 12_500_000),
        ("--boost 2.5 --powerdown", 50_000_000),
        ("--energy", 50_000_000),
        ("--forever", 50_000_000),
    ],
)
def test_every_way_to_write_it_passes(tmp_path, options, clock_hz):
    folder = write_pose_project(tmp_path, *options.split())
    outcome = run_image(build_project(folder, find_toolchain()))
    assert outcome.is_pass, outcome.console
    assert {run.clock_hz for run in outcome.runs} == {clock_hz}
    if outcome.end is not End.ENOUGH and "--energy" not in options:
        duration_us = outcome.runs[0].duration_ns / 1000
        assert abs(int(TIME.search(outcome.console)[1]) - duration_us) < 1


@pytest.mark.parametrize("array", ["kernels", "bias_0", r"input_\d+", "sample_output"])
def test_a_flipped_bit_is_noticed(trained_project, array):
    image = build_project(trained_project, find_toolchain())
    text = (trained_project / "main.c").read_text() + (trained_project / "cnn.c").read_text()
    symbol = image.symbol(re.search(rf"\b({array})\[\] =", text)[1])
    board = VirtualBoard()
    board.load_elf(image.elf)
    board.flash[symbol.addr - FLASH_ADDR + symbol.size_bytes // 2] ^= 0x40
    outcome = board.run()
    assert not outcome.is_pass
    assert outcome.end is End.FAIL
    assert "Data mismatch" in outcome.console


def test_simulate_runs_the_firmware(small_project):
    result = CliRunner().invoke(simulate, [str(small_project)])
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert "*** PASS ***" in lines
    assert re.fullmatch(r"ran \d+ cycles, [\d.]+ ms at 50 MHz", lines[-3])
    assert re.fullmatch(r"stack: \d+ of [\d,]+ bytes", lines[-2])
    assert lines[-1] == "PASS"
    report = json.loads(CliRunner().invoke(simulate, [str(small_project), "--json"]).stdout)
    assert (report["result"], report["end"], report["runs"]) == ("PASS", "ASLEEP", 1)
    assert "*** PASS ***" in report["console"]
    alone = CliRunner().invoke(simulate, [str(small_project), "--program", "--json"])
    assert json.loads(alone.stdout)["cycles"] == report["cycles"]
    traced = CliRunner().invoke(simulate, [str(small_project), "--trace", "--verbose"])
    assert "interrupt 101" in traced.stderr
    assert "layer 0 " in traced.stdout


def test_simulate_says_why_it_fails(small_project, tmp_path):
    for path in small_project.glob("*.[ch]"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    main = tmp_path / "main.c"
    main.write_text(main.read_text().replace("*** PASS ***", "*** MAYBE ***"))
    result = CliRunner().invoke(simulate, [str(tmp_path)])
    assert result.exit_code == 1
    assert result.stdout.splitlines()[-1].startswith("FAIL the firmware does not say PASS; the run")
    fault = "*(volatile int *)0x60000000 = 1;"
    main.write_text(main.read_text().replace("cnn_disable();", fault))
    result = CliRunner().invoke(simulate, [str(tmp_path)])
    assert "*** MAYBE ***" in result.stdout
    assert "in main" in str(result.exception)
    assert "stores to 0x60000000, where nothing is" in str(result.exception)


def test_simulate_takes_another_input(trained_project, tmp_path):
    program = read_program(trained_project)
    image = np.load(ROOT / "networks" / "samples" / "pose_tiny.npy")
    outputs = []
    for number, array in enumerate((image, -1 - image)):
        path = tmp_path / f"{number}.npy"
        np.save(path, array)
        result = CliRunner().invoke(
            simulate, [str(trained_project), "--input", str(path), "--json"], standalone_mode=False
        )
        outputs.append(json.loads(result.stdout)["outputs"])
    assert len(outputs[0]) == len(program.outputs)
    assert outputs[0] != outputs[1]
