"""The vendor's live demos, unmodified, see and hear what a test shows and says.

Built with the genuine SDK as their makefiles say, display included. What they print is compared
with the simulated accelerator, which is given the picture directly: between the two lie the
camera, its bus and its interface, the DMA, the drivers and the program.
"""

import re
import shutil
import subprocess
from itertools import islice

import numpy as np
import pytest
from genuine_sdk import BOARD, CNN_PROJECTS, build, cnn_sources, needs_sdk

from max78000.board.board import End, Limits, VirtualBoard
from max78000.board.outside.boards import LAYOUTS, Equipment
from max78000.board.outside.buttons import read_presses
from max78000.board.outside.pictures import Scene
from max78000.board.outside.sounds import Sound, read_sound
from max78000.facts.chip import MAX78000
from max78000.machine.machine import Machine

pytestmark = [pytest.mark.slow, needs_sdk]

PERIPHERALS = ("camera", "ov7692", "sccb", "tft")
FIFOS = (0x5000_0008, 0x5000_000C, 0x5000_0010)
LIMITS = Limits(virtual_s=30.0, n_slices=10**9)
needs_voice = pytest.mark.skipif(
    shutil.which("espeak-ng") is None, reason="espeak-ng is not installed (apt install espeak-ng)"
)


class DemoRun:
    """A demo on the EVKit: its console, its pictures, and all it asked of the accelerator."""

    def __init__(self, name, display, *, flags=(), presses="", **equipment):
        self.pictures, self.stores, self.loads = [], [], []
        layout = LAYOUTS["EvKit_V1"]
        self.equipment = Equipment(
            layout,
            presses=read_presses(presses, tuple(layout.buttons)),
            on_picture=lambda pixels, _time: self.pictures.append(pixels),
            **equipment,
        )
        folder = CNN_PROJECTS / name
        sources = [path for path in cnn_sources(name) if path.name != "hpf.c"]
        sources += [BOARD / "Source" / f"{part}.c" for part in PERIPHERALS]
        sources.append(folder / display / "all_imgs.c")
        flags = (*flags, "-DARM_MATH_CM4", f"-I{folder / display}", f"-I{folder}")
        self.board = VirtualBoard(world=self.equipment.world(), is_strict=False)
        self.board.load_elf(build(tuple(sources), flags=flags))
        accelerator = self.board.devices.accelerator
        self._store, self._load = accelerator.store, accelerator.load
        accelerator.store, accelerator.load = self._noted_store, self._noted_load

    def run(self, until=None):
        """Run to the end; the outcome."""
        outcome = self.board.run(until, LIMITS)
        self.equipment.finish()
        return outcome

    def scores(self):
        """The outputs as printed."""
        return [int(n) for n in re.findall(r"\[ *(-?\d+)\] -> Class", self.board.console)]

    def answer_to(self, picture):
        """What the accelerator answers to a picture in place of what came through the FIFOs."""
        seen = (picture & np.array([0xF8, 0xFC, 0xF8], np.uint8)) ^ 0x80
        words = [iter(plane.tobytes()) for plane in np.moveaxis(seen, -1, 0)]
        machine = Machine(MAX78000)
        for addr, n_bytes, value in self.stores:
            if n_bytes != 4:
                machine.store_byte(addr, value)
            elif addr in FIFOS:
                plane = words[FIFOS.index(addr)]
                machine.store(addr, int.from_bytes(islice(plane, 4), "little"))
            else:
                machine.store(addr, value)
        outputs = [machine.load(addr) for addr in self.loads]
        return [word - (1 << 32) if word >> 31 else word for word in outputs]

    def _noted_store(self, addr, n_bytes, value):
        self.stores.append((addr, n_bytes, value))
        self._store(addr, n_bytes, value)

    def _noted_load(self, addr, n_bytes):
        place = addr - MAX78000.quadrant_base
        if place >= 0 and place % MAX78000.quadrant_stride >= MAX78000.data_offset:
            self.loads.append(addr)
        return self._load(addr, n_bytes)


def drawing(seed):
    """A picture of 64x64: a slope of colours, a disc and some noise."""
    generator = np.random.default_rng(seed)
    rows, columns = np.mgrid[:64, :64]
    picture = np.stack([rows * 3, columns * 3, 255 - rows * 2], axis=-1)
    picture[(rows - 30) ** 2 + (columns - 34) ** 2 < 300] = generator.integers(0, 256, 3)
    picture += generator.integers(-20, 20, picture.shape)
    return picture.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("name", "display", "flags", "until", "end"),
    [
        ("cats-dogs_demo", "TFT/evkit", ("-DTFT_ENABLE",), None, End.WAITS),
        # further on it copies from address 0, the boot ROM, which the board does not have
        ("rps-demo", "TFT", (), b"Computer choose: ", End.TEXT),
    ],
)
def test_a_picture_is_classified(name, display, flags, until, end):
    picture = drawing(3)
    demo = DemoRun(
        name, display, flags=flags, presses="PB1@Press PB1 to capture", scene=Scene((picture,))
    )
    outcome = demo.run(until)
    assert outcome.end is end, outcome.console
    assert outcome.console.count("Capture a camera frame") == 1
    assert demo.scores() == demo.answer_to(picture)
    assert demo.pictures[-1].std() > 20


@needs_voice
@pytest.mark.parametrize("word", ["yes"])
def test_a_word_is_recognised(word, tmp_path):
    spoken = tmp_path / "word.wav"
    subprocess.run(["espeak-ng", "-v", "en-us", "-s", "140", "-w", spoken, word], check=True)
    sound = read_sound(spoken)
    samples = sound.at(16_000).samples
    padded = np.concatenate([np.zeros(20_000), samples, np.zeros(20_000)]).astype(np.int16)
    demo = DemoRun(
        "kws20_demo",
        "TFT/evkit",
        flags=("-DENABLE_TFT",),
        presses="PB1@Waiting for PB1 press",
        sound=Sound(padded, 16_000),
    )
    outcome = demo.run(b"Detected word: ")
    assert outcome.end is End.TEXT, outcome.console
    demo.board.run(b"%)", LIMITS)
    assert f"Detected word: {word.upper()} " in demo.board.console
