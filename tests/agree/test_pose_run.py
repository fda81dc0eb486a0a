"""`max78000 run`: the pose firmware on the virtual board finds what the integer model finds.

Picture in, keypoints out, over the serial protocol and through the simulated accelerator: equal to
PyTorch's integers and the Python decoder in every bit.
"""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from installed import CROSS_COMPILERS
from PIL import Image

from ai8x_models.tasks.pose.figures.figures import PRESETS, SPLIT_BASE, render
from ai8x_models.tasks.pose.predict import find_people
from ai8x_models.tasks.pose.predictor import Predictor
from max78000.apps.pose.client import PoseClient
from max78000.apps.pose.picture import read_picture
from max78000.apps.pose.project import check_project
from max78000.apps.run.command import run
from max78000.apps.shared.frames import DeviceError, Frame, FrameParser, FrameType
from max78000.board.board import VirtualBoard
from max78000.errors import BoardError, InputError, ToolError, UnsupportedError
from max78000.firmware.build import build_project
from max78000.firmware.toolchain import find_toolchain
from max78000.link.serial_line import virtual_line
from synthesis.commands.synthesize import synthesize

ROOT = Path(__file__).resolve().parents[2]
CHECKPOINT = ROOT / "checkpoints/pose_tiny-q.pth.tar"
NETWORK_US = 10_028  # 501,409 cycles at 50 MHz
SIZES = ((128, 128), (320, 180), (90, 200))
HELLO = Frame(FrameType.HELLO, 77)


@pytest.fixture(scope="module")
def network():
    return Predictor.load(CHECKPOINT)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The shipped network's C project."""
    folder = tmp_path_factory.mktemp("project")
    arguments = [
        str(ROOT / "networks/pose_tiny.yaml"),
        *("--checkpoint-file", str(CHECKPOINT)),
        *("--sample-input", str(ROOT / "networks/samples/pose_tiny.npy")),
        *("--timer", "0", "--test-dir", str(folder)),
    ]
    result = CliRunner().invoke(synthesize, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return folder / "pose_tiny"


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Five rendered pictures as files of several sizes."""
    folder = tmp_path_factory.mktemp("pictures")
    paths = []
    for i, size in enumerate(SIZES):
        image = render(PRESETS["scene" if i % 2 else "single"], SPLIT_BASE["test"] + 10 + i).image
        paths.append(folder / f"figure{i}.png")
        Image.fromarray(image).resize(size).save(paths[-1])
    return paths


def new_board(project, compiler):
    board = VirtualBoard()
    board.load_elf(build_project(project, find_toolchain(compiler), app="pose").elf)
    return board


def call(*arguments):
    result = CliRunner().invoke(run, [str(argument) for argument in arguments])
    if isinstance(result.exception, ToolError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def test_run_finds_what_the_integer_model_finds(project, pictures, network, tmp_path):
    n_people = 0
    for path in pictures:
        drawing = tmp_path / path.name
        arguments = ("--virtual", "--out", drawing, "--min-score", 0, "--json")
        report = json.loads(call(project, path, *arguments))
        picture = read_picture(path)
        expected = find_people(picture, network.maps, network.decoder)
        assert report["people"] == [person.to_json() for person in expected]
        assert (report["width"], report["height"]) == picture.size
        assert report["times"]["inference_us"] == NETWORK_US
        with Image.open(drawing) as drawn:
            assert max(drawn.size) >= 640
            assert not np.array_equal(drawn, picture.resize(drawn.size))
        n_people += len(expected)
    assert n_people >= len(pictures)
    assert len(list(tmp_path.iterdir())) == len(pictures)  # nothing temporary is left


def test_those_are_shown_whom_the_checkpoint_says(project, pictures, network, tmp_path):
    arguments = (project, pictures[2], "--virtual", "--out", tmp_path / "some.png", "--json")
    photograph = read_picture(pictures[2])
    everybody = find_people(photograph, network.maps, network.decoder)
    expected = find_people(photograph, network.maps, network.shown_decoder())
    report = json.loads(call(*arguments))
    assert 0 < len(expected) < len(everybody)
    assert report["people"] == [person.to_json() for person in expected]
    assert json.loads(call(*arguments, "--min-score", 40))["people"] == []


@pytest.mark.parametrize("compiler", CROSS_COMPILERS)
def test_every_bit_survives_whoever_compiles(project, network, compiler):
    line = virtual_line(new_board(project, compiler))
    client = PoseClient(line.port, line.device, line.clock)
    assert client.hello().clock_hz == 100_000_000
    for seed in range(2):
        image = render(PRESETS["scene"], SPLIT_BASE["test"] + 200 + seed).image
        reply = client.find_people(image)
        heat, paf = network.maps(image[None])
        expected = network.decoder(heat[0], paf[0])
        assert len(reply.people) == len(expected)
        for person, wanted in zip(reply.people, expected, strict=True):
            assert np.array_equal(person.parts, wanted.parts, equal_nan=True)
            assert person.score == wanted.score


def damaged(frame):
    raw = bytearray(frame.to_bytes())
    raw[-1] ^= 1
    return bytes(raw)


@pytest.fixture(scope="module")
def conversation(project):
    """Bytes to a running board -> its frames within a virtual second."""
    line = virtual_line(new_board(project, "auto"))
    PoseClient(line.port, line.device, line.clock).hello()

    def exchange(data):
        parser = FrameParser()
        end_s = line.clock() + 1.0
        line.port.write(data)
        frames = []
        while line.clock() < end_s:
            frames += parser.feed(line.port.read(64))
        return frames

    exchange(b"")  # what is left of the greeting
    return exchange


@pytest.mark.parametrize(
    ("request_bytes", "code"),
    [
        (damaged(Frame(FrameType.HELLO, 5)), DeviceError.BAD_CRC),
        (b"\xc7\x78\x02" + Frame(FrameType.HELLO, 5).to_bytes()[3:], DeviceError.BAD_VERSION),
        (Frame(FrameType.PICTURE, 5, bytes(49_153)).to_bytes()[:8], DeviceError.TOO_LONG),
        (Frame(0x33, 5, b"?").to_bytes(), DeviceError.BAD_TYPE),
        (Frame(FrameType.HELLO, 5, b"?").to_bytes(), DeviceError.BAD_LENGTH),
        (Frame(FrameType.PICTURE, 5, bytes(49_151)).to_bytes(), DeviceError.BAD_LENGTH),
        (Frame(FrameType.PICTURE, 5, bytes(49_152)).to_bytes()[:-1], DeviceError.TIME_OUT),
    ],
    ids=lambda value: value.name if isinstance(value, DeviceError) else "",
)
def test_the_firmware_refuses_and_goes_on(conversation, request_bytes, code):
    assert conversation(request_bytes) == [Frame(FrameType.ERROR, 5, bytes([code]))]
    (reply,) = conversation(HELLO.to_bytes())
    assert (reply.type, reply.sequence) == (FrameType.INFO, 77)


def test_the_firmware_passes_over_garbage(conversation):
    garbage = bytes(range(256)) * 3 + b"\xc7\xc7\xc7"
    (reply,) = conversation(garbage + HELLO.to_bytes())
    assert reply == Frame(FrameType.INFO, 77, struct.pack("<4HI", 128, 128, 18, 20, 100_000_000))


def test_another_firmware_is_a_board_error(project):
    board = VirtualBoard()
    board.load_elf(build_project(project, find_toolchain()).elf)  # the known-answer test
    line = virtual_line(board)
    with pytest.raises(BoardError, match=r"PC 0x.*right application") as caught:
        PoseClient(line.port, line.device, line.clock).hello()
    assert caught.value.exit_code == 5


def test_bad_arguments_are_refused_before_anything_is_built(project, pictures, tmp_path):
    path = pictures[0]
    with pytest.raises(InputError, match="exclude each other"):
        call(project, path, "--virtual", "--port", "x")
    with pytest.raises(InputError, match="is the picture itself"):
        call(project, path, "--virtual", "--out", path)
    with pytest.raises(InputError, match="no such folder"):
        call(project, path, "--virtual", "--out", tmp_path / "new" / "a.png")
    with pytest.raises(InputError, match="no such file"):
        call(project, tmp_path / "absent.png", "--virtual")
    with pytest.raises(InputError, match=r"there is no program\.json"):
        call(tmp_path, path, "--virtual")
    other = json.loads((project / "program.json").read_text())
    (tmp_path / "program.json").write_text(json.dumps(other | {"outputs": other["outputs"][:1]}))
    with pytest.raises(UnsupportedError, match="outputs are 19x16x16, expected 19x16x16, 38x16x16"):
        check_project(tmp_path)
    with pytest.raises(InputError, match="--min-score is for pose networks"):
        call(tmp_path, path, "--virtual", "--min-score", 3)
