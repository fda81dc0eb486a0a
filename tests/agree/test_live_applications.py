"""The camera and the microphone application on the virtual board: a picture, a sound, an answer.

What the accelerator holds afterwards is what `LoadedMachine.predict` says of the same picture or
sound, prepared by the host, in every bit.
"""

import re

import numpy as np
import pytest
from app_projects import DIGITS, OF_PICTURES, OF_RECORDINGS, WORDS, outputs_of, trained
from installed import CROSS_COMPILERS
from live import board_with, make
from PIL import Image
from shipped import NETWORKS, write_project

from ai8x_models.zoo.registry import MODELS
from max78000.apps.run.inputs import Preparation
from max78000.board.board import Limits, VirtualBoard
from max78000.board.outside.boards import LAYOUTS, Equipment
from max78000.board.outside.pictures import Scene
from max78000.board.outside.sounds import Sound
from max78000.errors import UnsupportedError
from max78000.firmware.build import build_project
from max78000.firmware.toolchain import find_toolchain
from max78000.program.folder import read_program

pytestmark = pytest.mark.long


def of_colours(side, fold):
    return OF_PICTURES | {"shape": (3, side, side), "layout": "HWC", "mean": (), "fold": fold}


def through_565(picture):
    """What is left of a picture (H, W, 3) on its way through 5, 6 and 5 bits."""
    red, green, blue = np.moveaxis(picture, -1, 0)
    parts = (red & 0xF8 | red >> 5, green & 0xFC | green >> 6, blue & 0xF8 | blue >> 5)
    return np.stack(parts, axis=-1)


def check_answer(board, project, sample):
    """Let a round end; what the accelerator holds then, and the line that the console shows."""
    board.devices.uart.sent.clear()
    board.run(until=b"a second", limits=Limits(virtual_s=30))
    program = read_program(project)
    expected = outputs_of(project, sample)
    machine = board.devices.accelerator.machine
    for output in program.outputs:
        np.testing.assert_array_equal(machine.read_output(output), expected[output.name])
    (scores,) = expected.values()
    text = bytes(board.devices.uart.sent).decode()
    return scores.ravel(), text


def share_text(scores):
    """The most probable class as the board says it, from 32-bit scores."""
    real = scores / 2**14
    share = 1 / np.exp(real - real.max()).sum()
    return f"{100 * share:.1f}%"


@pytest.mark.parametrize("compiler", CROSS_COMPILERS)
def test_the_camera_of_a_grey_network(digits, tmp_path, compiler):
    """Two pictures one after the other; their levels are moved by the mean of training."""
    random = np.random.default_rng(5)
    pictures = tuple(random.integers(0, 256, (28, 28, 3), np.uint8) for _ in range(2))
    board = board_with(make(tmp_path / "eye", "camera", digits), compiler, scene=Scene(pictures))
    for picture in pictures:
        path = tmp_path / "seen.png"
        Image.fromarray(through_565(picture)).save(path)
        sample = Preparation.from_facts(OF_PICTURES, "").read(path)
        scores, text = check_answer(board, digits, sample)
        assert f"{DIGITS[scores.argmax()]} {share_text(scores)}" in text
        assert re.search(r"network 7\d\d us, answer \d+ us: \d+\.\d a second", text)
        assert re.search(r", \d+ uJ a network \(estimate\)", text)


@pytest.mark.parametrize(
    "name", ["residual_net", pytest.param("stream_net", marks=pytest.mark.slow), "small_unet"]
)
def test_the_camera_of_networks_of_colours(name, tmp_path):
    """Plain, folded, and through the FIFOs."""
    info = MODELS[NETWORKS[name].arch]
    form = of_colours(info.input_shape[1], info.fold)
    project = write_project(name, tmp_path, trained("classification", form))
    _, rows, columns = info.input_shape
    picture = np.random.default_rng(6).integers(0, 256, (rows, columns, 3), np.uint8)
    Image.fromarray(through_565(picture)).save(tmp_path / "seen.png")
    board = board_with(make(tmp_path / "eye", "camera", project), scene=Scene((picture,)))
    check_answer(board, project, Preparation.from_facts(form, "").read(tmp_path / "seen.png"))


@pytest.mark.parametrize("compiler", CROSS_COMPILERS)
def test_the_microphone(words, tmp_path, compiler):
    """The microphone has 18 bits at a level where recordings lose their lowest two."""
    samples = (np.random.default_rng(7).normal(size=20000) * 9000).clip(-32768, 32767)
    samples = samples.astype(np.int16)
    board = board_with(
        make(tmp_path / "ear", "microphone", words), compiler, sound=Sound(samples, 16000)
    )
    form = Preparation.from_facts(OF_RECORDINGS, "")
    np.save(tmp_path / "heard.npy", (samples[:16384] & ~3) / np.float32(32768))
    scores, text = check_answer(board, words, form.read(tmp_path / "heard.npy"))
    assert "keyword_net: listening" in text
    assert f"{WORDS[scores.argmax()]} {share_text(scores)}" in text


def test_networks_that_an_application_does_not_suit(digits, words, tmp_path):
    with pytest.raises(UnsupportedError, match="takes 128x128x1, which is no picture"):
        make(tmp_path / "a", "camera", words)
    with pytest.raises(UnsupportedError, match="does not say at which rate"):
        make(tmp_path / "a", "microphone", digits)
    assert not (tmp_path / "a").exists()


def test_an_application_with_a_watchdog(digits, tmp_path):
    """Rounds feed it, a camera that stops does not."""
    picture = np.zeros((28, 28, 3), np.uint8)
    folder = make(tmp_path / "eye", "camera", digits, "--watchdog", "2")
    board = board_with(folder, scene=Scene((picture,)))
    board.run(until=b"a second", limits=Limits(virtual_s=30))
    dog = board.devices.by_name["WDT0"]
    assert dog.values["CTRL"] >> 8 & 1
    for _ in range(3):
        board.devices.uart.sent.clear()
        board.run(until=b"a second", limits=Limits(virtual_s=30))
    assert dog.n_bites == 0


@pytest.mark.parametrize(
    ("app", "command", "setting"), [("camera", 0x42, (1, 0x13)), ("microphone", 0x40, (5, 0x3A))]
)
def test_the_feather_board_switches_supplies_on(app, command, setting, digits, words, tmp_path):
    folder = make(tmp_path / "one", app, digits if app == "camera" else words)
    image = build_project(folder, find_toolchain(), "FTHR_RevA")
    scene = Scene((np.zeros((28, 28, 3), np.uint8),))
    board = VirtualBoard(world=Equipment(LAYOUTS["FTHR_RevA"], scene=scene).world())
    board.load_elf(image.elf)
    supply = board.devices.by_name["I2C1"].slaves[0x28]
    stored = []
    supply.stored = lambda number, value: stored.append((number, value)) or keep(number, value)
    keep = type(supply).stored.__get__(supply)
    board.run(until=b"a second", limits=Limits(virtual_s=30))
    assert stored[:3] == [(0x0F, setting[0]), (0x10, setting[1]), (0x17, command)]


def test_a_board_without_a_camera(digits, tmp_path):
    board = VirtualBoard(is_strict=False)
    folder = make(tmp_path / "eye", "camera", digits)
    board.load_elf(build_project(folder, find_toolchain()).elf)
    board.run(until=b"FAIL", limits=Limits(virtual_s=30))
    assert b"no camera answers" in board.devices.uart.sent


def test_the_camera_with_a_word_for_each_pixel(tmp_path):
    """RGB888: the driver spreads the camera's 5, 6 and 5 bits, with zeros below them."""
    form = of_colours(32, 1)
    project = write_project("residual_net", tmp_path, trained("classification", form))
    folder = make(tmp_path / "eye", "camera", project)
    main, facts = folder / "main.c", folder / "network.c"
    text = main.read_text().replace("SENSOR_RGB565", "SENSOR_RGB888")
    main.write_text(text.replace("network.raw, 2 }", "network.raw, 3 }"))
    facts.write_text(facts.read_text().replace("raw[512]", "raw[768]"))
    picture = np.random.default_rng(8).integers(0, 256, (32, 32, 3), np.uint8)
    board = board_with(folder, scene=Scene((picture,)))
    Image.fromarray(picture & np.array([0xF8, 0xFC, 0xF8], np.uint8)).save(tmp_path / "seen.png")
    check_answer(board, project, Preparation.from_facts(form, "").read(tmp_path / "seen.png"))
