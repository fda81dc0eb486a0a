"""Applications around networks: a picture, a recording, an array to a board, answers back.

Over the serial protocol, through C and the simulated accelerator: what `LoadedMachine.predict` says
of the same bytes, in every bit.
"""

import json
import os
import pty
import re
import select
import threading
import tty
import wave

import numpy as np
import pytest
from app_projects import DIGITS, OF_PICTURES, OF_RECORDINGS, WORDS, outputs_of, trained
from click.testing import CliRunner
from installed import CROSS_COMPILERS
from PIL import Image
from shipped import ROOT, write_project

from max78000.apps.new.command import new
from max78000.apps.run.command import run
from max78000.apps.run.inputs import Preparation
from max78000.apps.shared.exchange import Exchange
from max78000.apps.shared.frames import DeviceError, FrameType
from max78000.board.board import VirtualBoard
from max78000.errors import BoardError, InputError, ToolError, UnsupportedError
from max78000.firmware.build import build_project
from max78000.firmware.toolchain import find_toolchain
from max78000.link.serial_line import virtual_line
from max78000.link.serial_ports import POLL_S
from max78000.machine.predict import LoadedMachine
from max78000.program.folder import read_program
from max78000.program.network_file import read_network_file
from synthesis.api import compile_network

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def masks(tmp_path_factory):
    """A network whose checkpoint says nothing: it takes the accelerator's own bytes."""
    return write_project("small_unet", tmp_path_factory.mktemp("masks"))


def call(command, *arguments, status=0):
    result = CliRunner().invoke(command, [str(argument) for argument in arguments])
    if isinstance(result.exception, ToolError):
        raise result.exception
    assert result.exit_code == status, result.output
    return result.stdout


def check_outputs(path, expected):
    with np.load(path) as found:
        assert set(found.files) == set(expected)
        for name, values in expected.items():
            np.testing.assert_array_equal(found[name], values)


def save_picture(path, seed):
    levels = np.random.default_rng(seed).integers(0, 256, (40, 36, 3), np.uint8)
    Image.fromarray(levels).save(path)


def test_a_picture(digits, tmp_path):
    save_picture(tmp_path / "seven.png", 1)
    text = call(run, digits, tmp_path / "seven.png", "--virtual", "--out", tmp_path / "o.npz")
    sample = Preparation.from_facts(OF_PICTURES, "").read(tmp_path / "seven.png")
    expected = outputs_of(digits, sample)
    check_outputs(tmp_path / "o.npz", expected)
    (scores,) = expected.values()
    assert f"seven.png: {DIGITS[scores.argmax()]} " in text
    assert "network 740 us" in text


def test_a_recording(words, tmp_path):
    sound = (np.random.default_rng(3).normal(size=9000) * 9000).astype("<i2")
    with wave.open(str(tmp_path / "yes.wav"), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes(sound.tobytes())
    report = json.loads(call(run, words, tmp_path / "yes.wav", "--virtual", "--json"))
    (row,) = report["results"]
    sample = Preparation.from_facts(OF_RECORDINGS, "").read(tmp_path / "yes.wav")
    (scores,) = outputs_of(words, sample).values()
    assert row["class"] == WORDS[scores.argmax()]
    powers = np.exp2((scores.ravel() - scores.max()) / 2**14 * np.log2(np.e))
    assert list(row["probabilities"].values()) == pytest.approx(sorted(powers / powers.sum())[::-1])
    assert set(row["times"]) == {"network_us", "answer_us"}
    assert report["network"] == "keyword_net"


@pytest.mark.parametrize("compiler", CROSS_COMPILERS)
def test_an_array(masks, tmp_path, compiler):
    machine = LoadedMachine(read_program(masks))
    shape = np.load(masks.parent / "sample.npy").shape
    sample = np.random.default_rng(4).integers(-128, 128, shape, np.int8)
    np.save(tmp_path / "sample.npy", sample)
    out = tmp_path / "o.npz"
    call(run, masks, tmp_path / "sample.npy", "--virtual", "--out", out, "--compiler", compiler)
    names = [one.name for one in machine.program.outputs]
    check_outputs(out, dict(zip(names, machine.predict(sample), strict=True)))


def test_numbers_that_no_byte_holds(masks, tmp_path):
    np.save(tmp_path / "big.npy", np.full((12, 32, 32), 300))
    with pytest.raises(InputError, match=r"big.npy: values 300..300 are not in -128..127"):
        call(run, masks, tmp_path / "big.npy", "--virtual")


@pytest.mark.parametrize(
    "name", ["residual_net", pytest.param("stream_net", marks=pytest.mark.slow), "signal_net"]
)
def test_other_networks(name, tmp_path):
    """Among them one whose input comes through the FIFOs."""
    project = write_project(name, tmp_path)
    sample = np.load(tmp_path / "sample.npy")
    call(run, project, tmp_path / "sample.npy", "--virtual", "--out", tmp_path / "o.npz")
    check_outputs(tmp_path / "o.npz", outputs_of(project, sample))


REGIONS = ("sky", "sea", "land", "rock")


@pytest.fixture(scope="module")
def regions(tmp_path_factory):
    """A network that gives a class to every pixel of a picture."""
    form = OF_PICTURES | {"shape": (3, 64, 64), "layout": "HWC", "mean": (), "fold": 2}
    extras = trained("segmentation", form, classes=REGIONS, mask=(64, 64))
    return write_project("small_unet", tmp_path_factory.mktemp("regions"), extras)


def test_a_mask(regions, tmp_path):
    """The classes of a block of two by two pixels lie one after another in the channels."""
    save_picture(tmp_path / "coast.png", 8)
    out = tmp_path / "mask.png"
    (row,) = json.loads(
        call(run, regions, tmp_path / "coast.png", "--virtual", "--out", out, "--json")
    )["results"]
    facts = read_network_file(regions)
    sample = Preparation.from_facts(facts.trained["input"], "").read(tmp_path / "coast.png")
    (scores,) = outputs_of(regions, sample).values()
    wanted = np.empty((64, 64), np.uint8)
    for i, j in np.ndindex(2, 2):
        block = 4 * (2 * i + j)
        wanted[i::2, j::2] = scores[block : block + 4].argmax(axis=0)
    with Image.open(out) as mask:
        np.testing.assert_array_equal(np.asarray(mask), wanted)
    for index, name in enumerate(REGIONS):
        assert row["shares"][name] == pytest.approx((wanted == index).mean())


def test_files_that_answers_cannot_be_written_to(digits, regions, tmp_path):
    """They are refused before anything is built or asked."""
    why = "answers cannot be written so"
    with pytest.raises(InputError, match=rf"{why} \(name a \.png or an \.npz file\)"):
        call(run, regions, "coast.png", "--port", "nowhere", "--out", "mask.txt")
    with pytest.raises(InputError, match=rf"{why} \(name an \.npz file\)"):
        call(run, digits, "seven.png", "--port", "nowhere", "--out", "seven.png")


@pytest.fixture
def port(digits, tmp_path):
    """A serial port behind which a virtual board has the application."""
    call(new, tmp_path / "digits", "--app", "serial", "--from", digits)
    board = VirtualBoard()
    board.load_elf(build_project(tmp_path / "digits", find_toolchain()).elf)
    line = virtual_line(board)
    Exchange(line.port, line.device, line.clock).greeting("")  # it waits for debuggers before
    master, slave = pty.openpty()
    tty.setraw(slave)

    def answer():
        while not is_over.is_set():
            if select.select([master], [], [], POLL_S)[0]:
                line.port.write(os.read(master, 4096))
                while sent := line.port.read(4096):
                    os.write(master, sent)

    is_over = threading.Event()
    running = threading.Thread(target=answer)
    running.start()
    yield os.ttyname(slave)
    is_over.set()
    running.join()
    os.close(slave)
    os.close(master)


def test_a_board_on_a_serial_port(digits, port, tmp_path):
    save_picture(tmp_path / "seven.png", 1)
    text = call(run, digits, tmp_path / "seven.png", "--port", port)
    sample = Preparation.from_facts(OF_PICTURES, "").read(tmp_path / "seven.png")
    (scores,) = outputs_of(digits, sample).values()
    assert f"seven.png: {DIGITS[scores.argmax()]} " in text
    assert text.endswith("network 740 us\n")


def test_a_folder_of_classes_is_counted(digits, tmp_path):
    machine = LoadedMachine(read_program(digits))
    form = Preparation.from_facts(OF_PICTURES, "")
    n_right = 0
    for number in range(6):
        label = DIGITS[number % 3]
        (tmp_path / label).mkdir(exist_ok=True)
        path = tmp_path / label / f"{number}.png"
        save_picture(path, number)
        n_right += DIGITS[machine.predict(form.read(path))[0].argmax()] == label
    report = json.loads(call(run, digits, tmp_path, "--virtual", "--json"))
    assert report["score"] == {"n": 6, "n_right": n_right, "accuracy": n_right / 6}
    assert {row["expected"] for row in report["results"]} == {"0", "1", "2"}
    lines = call(run, digits, tmp_path, "--virtual").splitlines()
    assert lines[-2:] == [f"accuracy {n_right / 6:.4f}: {n_right} of 6 right", "network 740 us"]
    assert sum(", expected " in line for line in lines) == 6 - n_right
    with pytest.raises(InputError, match="--out is for one input"):
        call(run, digits, tmp_path, "--virtual", "--out", tmp_path / "o.npz")
    (tmp_path / "ten").mkdir()
    save_picture(tmp_path / "ten" / "a.png", 9)
    with pytest.raises(InputError, match="ten: is no class of the network, which are 0, 1, 2"):
        call(run, digits, tmp_path, "--virtual")


def test_layers_on_request(digits, tmp_path):
    """All are equal; with a bias of the firmware changed, they are not."""
    save_picture(tmp_path / "one.png", 5)
    text = call(run, digits, tmp_path / "one.png", "--virtual", "--layers")
    assert text.count(": equal") == 5
    assert "differs" not in text
    board = tmp_path / "board"
    call(new, board, "--app", "serial", "--from", digits)
    weights = (board / "weights.h").read_text()
    biases = re.compile(r"(#define BIAS_\d \{[^0]*)0x..")
    assert biases.search(weights)
    (board / "weights.h").write_text(biases.sub(r"\g<1>0x7f", weights, count=1))
    lines = call(run, board, tmp_path / "one.png", "--virtual", "--layers", status=1).splitlines()
    assert any(line.endswith(": differs") for line in lines)


STEPS = """
finish:
  - {name: shares, op: softmax, dim: 0, result: true}
  - {name: best, op: argmax, input: classify, dim: 0, result: true}
"""


def test_what_stands_behind_the_accelerator(tmp_path):
    """Answers of `cnn_finish` come from the board, and are those that Python computes."""
    write_project("digit_net", tmp_path)
    sample, description = tmp_path / "sample.npy", tmp_path / "shares.yaml"
    description.write_text((ROOT / "networks/digit_net.yaml").read_text() + STEPS)
    network = compile_network(description, tmp_path / "q.pth.tar", sample)
    network.write(tmp_path / "shares")
    wanted = network.answers(network.machine().predict(np.load(sample)))
    report = json.loads(call(run, tmp_path / "shares", sample, "--virtual", "--json"))
    (row,) = report["results"]
    assert row["best"] == wanted["best"].tolist()
    np.testing.assert_allclose(row["shares"], wanted["shares"], rtol=1e-6)


@pytest.fixture(scope="module")
def exchange(digits, tmp_path_factory):
    """An open line to a board that has the application."""
    folder = tmp_path_factory.mktemp("apps") / "digits"
    call(new, folder, "--app", "serial", "--from", digits)
    board = VirtualBoard()
    board.load_elf(build_project(folder, find_toolchain()).elf)
    line = virtual_line(board)
    exchange = Exchange(line.port, line.device, line.clock)
    exchange.greeting("")
    return exchange


@pytest.mark.parametrize(
    ("kind", "payload", "error"),
    [
        (FrameType.INPUT, (196, 1), DeviceError.BAD_PLACE),
        (FrameType.INPUT, (0, *[0] * 197), DeviceError.BAD_PLACE),
        (FrameType.INPUT, (0xFFFFFFFF, 1), DeviceError.BAD_PLACE),
        (FrameType.INPUT, (0,), DeviceError.BAD_LENGTH),
        (FrameType.RUN, (5,), DeviceError.BAD_PLACE),
        (FrameType.RUN, (), DeviceError.BAD_LENGTH),
        (FrameType.ANSWER, (0, 1), DeviceError.BAD_PLACE),
        (FrameType.MEMORY, (0x20000000, 1, 1), DeviceError.BAD_PLACE),
        (FrameType.MEMORY, (0x50400002, 1, 1), DeviceError.BAD_PLACE),
        (FrameType.MEMORY, (0x51FFFFFC, 2, 1), DeviceError.BAD_PLACE),
        (FrameType.MEMORY, (0x50400000, 1025, 1), DeviceError.BAD_PLACE),
        (FrameType.MEMORY, (0x50400000, 2, 0x80000000), DeviceError.BAD_PLACE),
        (FrameType.MEMORY, (0x50000000, 512, 0x800000), DeviceError.BAD_PLACE),
        (FrameType.PICTURE, (), DeviceError.BAD_TYPE),
        (FrameType.INFO, (), DeviceError.BAD_TYPE),
    ],
)
def test_requests_that_make_no_sense_are_refused(exchange, kind, payload, error):
    reply = exchange.request(kind, np.array(payload, "<u4").tobytes(), 1.0)
    assert reply.type == FrameType.ERROR
    assert reply.payload == bytes([error])
    assert exchange.request(FrameType.HELLO, b"", 1.0).type == FrameType.NETWORK


def test_another_network_on_the_board(digits, words, tmp_path):
    board = tmp_path / "board"
    call(new, board, "--app", "serial", "--from", digits)
    for name in ("program.json", "network.json"):
        (board / name).write_text((words / name).read_text())
    with pytest.raises(BoardError, match="has another network: checksum"):
        call(run, board, tmp_path / "sample.npy", "--virtual")


def test_new_keeps_what_is_there(digits, tmp_path):
    board = tmp_path / "board"
    assert "serial around digit_net" in call(new, board, "--app", "serial", "--from", digits)
    (board / "main.c").write_text("/* mine */\n")
    with pytest.raises(InputError, match="--overwrite"):
        call(new, board, "--app", "serial", "--from", digits)
    assert (board / "main.c").read_text() == "/* mine */\n"
    call(new, board, "--app", "serial", "--from", digits, "--overwrite")
    assert "serve(&network)" in (board / "main.c").read_text()
    with pytest.raises(InputError, match="is the network's own folder"):
        call(new, digits, "--app", "serial", "--from", digits)
    with pytest.raises(InputError, match=r"program.json"):
        call(new, tmp_path / "other", "--app", "serial", "--from", tmp_path)
    (board / "cnn.h").write_text("#define CNN_INFERENCE_TIMER MXC_TMR3\n")
    with pytest.raises(UnsupportedError, match="measures with timer 3"):
        call(new, tmp_path / "other", "--app", "serial", "--from", board)
    (board / "cnn.h").unlink()
    with pytest.raises(UnsupportedError, match=r"there is no cnn\.h .*without --riscv"):
        call(new, tmp_path / "other", "--app", "serial", "--from", board)


def test_what_run_refuses(digits, tmp_path):
    with pytest.raises(InputError, match="exclude each other"):
        call(run, digits, "a.png", "--virtual", "--port", "x")
    with pytest.raises(InputError, match=r"there is no program\.json"):
        call(run, tmp_path, "a.png", "--virtual")
    with pytest.raises(InputError, match="no such file"):
        call(run, digits, tmp_path / "a.png", "--virtual")
    call(new, tmp_path / "eye", "--app", "camera", "--from", digits)
    with pytest.raises(InputError, match=r"the camera application takes no inputs .*--app serial"):
        call(run, tmp_path / "eye", "a.png", "--virtual")
    (tmp_path / "empty").mkdir()
    call(new, tmp_path / "serial", "--app", "serial", "--from", digits)
    with pytest.raises(InputError, match="holds no inputs"):
        call(run, tmp_path / "serial", tmp_path / "empty", "--virtual")
    assert not (tmp_path / "serial" / "build").exists()  # refused before it is built
