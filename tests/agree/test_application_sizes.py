"""What applications take of the chip: the table of docs/applications.md, measured.

The stack's high-water mark is the lowest byte that is not as it was, after an answer. Compilers
differ, so the table is that of gcc, and holds within a twentieth.
"""

import re

import numpy as np
import pytest
from app_projects import DIGITS, OF_PICTURES, OF_RECORDINGS, WORDS, trained
from installed import needs_gcc
from live import board_with, make
from PIL import Image
from shipped import ROOT, write_project

from max78000.apps.run.asked import AskedBoard
from max78000.board.board import Limits
from max78000.board.outside.pictures import Scene
from max78000.board.outside.sounds import Sound
from max78000.facts.memory_map import RAM_ADDR, RAM_BYTES
from max78000.firmware.build import build_project
from max78000.firmware.toolchain import find_gcc
from max78000.link.serial_line import virtual_line

pytestmark = [pytest.mark.long, needs_gcc]
FILL = b"\xa5"
ROW = re.compile(r"\| (\w+) around `(\w+)` \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \|")
TOLERANCE = 0.05


def table():
    text = (ROOT / "docs/applications.md").read_text(encoding="utf-8")
    rows = ROW.findall(text)
    return {(app, name): [int(n.replace(",", "")) for n in rest] for app, name, *rest in rows}


def stack_bytes(board, image, use):
    """How deep the stack has been while the application is used."""
    in_ram = [one for one in image.sections if RAM_ADDR <= one.addr < RAM_ADDR + RAM_BYTES]
    end = -(-max(one.addr + one.size_bytes for one in in_ram) // 8) * 8
    free = RAM_ADDR + RAM_BYTES - end
    board.write_memory(end, FILL * free)
    use(board)
    left = np.frombuffer(board.read_memory(end, free), np.uint8)
    return free - int(np.flatnonzero(left != FILL[0])[0])


def answer_once(board):
    board.run(until=b"a second", limits=Limits(virtual_s=30))


@pytest.mark.parametrize(
    ("app", "name", "form", "classes"),
    [
        ("serial", "digit_net", OF_PICTURES, DIGITS),
        ("camera", "digit_net", OF_PICTURES, DIGITS),
        ("microphone", "keyword_net", OF_RECORDINGS, WORDS),
    ],
)
def test_the_table(app, name, form, classes, tmp_path):
    project = write_project(name, tmp_path, trained("classification", form, classes=classes))
    folder = make(tmp_path / app, app, project)
    image = build_project(folder, find_gcc())
    pixels = np.random.default_rng(1).integers(0, 256, (28, 28, 3), np.uint8)
    sound = np.random.default_rng(1).integers(-9000, 9000, 20000).astype(np.int16)
    board = board_with(folder, "gcc", scene=Scene((pixels,)), sound=Sound(sound, 16000))
    Image.fromarray(pixels).save(tmp_path / "seen.png")

    def ask(one):
        AskedBoard(folder, virtual_line(one)).ask(tmp_path / "seen.png")

    depth = stack_bytes(board, image, ask if app == "serial" else answer_once)
    found = [image.flash_bytes, image.ram_bytes, depth]
    assert depth < 4096
    np.testing.assert_allclose(found, table()[app, name], rtol=TOLERANCE)
