"""A picture over a serial port, as `max78000 run` sends it: what is said, written and refused."""

import io
import json
import os
import pty
import struct
import sys
import threading
import tty
from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image

from max78000.apps.pose.run import run
from max78000.apps.shared.frames import Frame, FrameParser, FrameType
from max78000.errors import InputError, UnsupportedError
from max78000.program.network_file import NETWORK_FILE, NetworkFacts, to_json

INFO = struct.pack("<4HI", 128, 128, 18, 20, 100_000_000)
TIMES = struct.pack("<4I", 1900, 10028, 800, 450)
# One person with a nose in the middle, whose peak is a half.
NOSE = struct.pack("<i3h", 8192, 63 * 256, 64 * 256, 8192) + bytes(3 * 17 * 2)
REPLIES = {
    FrameType.HELLO: (FrameType.INFO, INFO),
    FrameType.PICTURE: (FrameType.PEOPLE, TIMES + NOSE),
}


@pytest.fixture
def port():
    """Name of a port behind which a board has the pose application."""
    master, slave = pty.openpty()
    tty.setraw(slave)

    def answer():
        parser = FrameParser()
        with suppress(OSError):  # the port has been closed
            while data := os.read(master, 4096):
                for request in parser.feed(data):
                    kind, payload = REPLIES[request.type]
                    os.write(master, Frame(kind, request.sequence, payload).to_bytes())

    board = threading.Thread(target=answer)
    board.start()
    yield os.ttyname(slave)
    os.close(slave)
    board.join()
    os.close(master)


@pytest.fixture
def picture(tmp_path, monkeypatch):
    """A picture, beside the project of a network."""
    monkeypatch.chdir(tmp_path)
    Path("project").mkdir()
    Path("project", NETWORK_FILE).write_text(to_json(NetworkFacts("tiny", {})))
    Image.new("RGB", (256, 128)).save("holiday.png")
    return Path("holiday.png")


def find(picture, port, output=None, *, as_json=False):
    run(
        Path("project"), picture, port=port, virtual=False, output=output, compiler="auto",
        min_score=None, as_json=as_json,
    )  # fmt: skip


def test_the_board_says_how_long_every_step_took(port, picture, capsys):
    find(picture, port)
    assert capsys.readouterr() == (
        "holiday.png: 1 people, holiday-pose.png\n"
        "network 10028 us, decoder 450 us, loading 1900 us, unloading 800 us\n",
        "",
    )
    with Image.open("holiday-pose.png") as drawn:
        assert drawn.size == (768, 384)
        assert drawn.getbbox()  # something is drawn on the black


def test_json_has_places_in_the_picture(port, picture, capsys):
    find(picture, port, Path("drawn.png"), as_json=True)
    report = json.loads(capsys.readouterr().out)
    assert report == {
        "file": "holiday.png",
        "drawing": "drawn.png",
        "width": 256,
        "height": 128,
        "people": [{"score": 0.5, "keypoints": {"nose": [126.5, 64.5, 0.5]}}],
        "board": port,
        "times": {"load_us": 1900, "inference_us": 10028, "unload_us": 800, "decode_us": 450},
    }


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_who_looks_on_sees_how_far_it_is(port, picture, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    find(picture, port)
    shown = terminal.getvalue()
    assert "sending" in shown
    assert "100%" in shown


def test_without_pillow_it_says_what_to_install(picture, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(UnsupportedError, match=r"need the package pillow \(pip install "):
        find(picture, "nowhere")


@pytest.mark.parametrize("output", [".", "x.npz", "folder.png"])
def test_drawings_are_png_files(picture, output):
    Path("folder.png").mkdir()
    with pytest.raises(InputError, match=r"is no \.png file"):
        find(picture, "nowhere", Path(output))


def test_the_picture_is_looked_at_before_a_port_is_opened(picture):
    with pytest.raises(InputError, match="is the picture itself"):
        find(picture, "nowhere", picture)
    with pytest.raises(InputError, match=r"no such file"):
        find(Path("absent.png"), "nowhere")
