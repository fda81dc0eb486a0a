"""A virtual board on a bench: its debug port, two debuggers that reach it, and small images.

The images need no compiler: they leave a word in RAM and stay where they are.
"""

import random
import struct
from collections.abc import Callable
from contextlib import contextmanager

from max78000.board.board import VirtualBoard
from max78000.board.devices.flash_controller import FlashController
from max78000.debug.debug_port import DebugPort
from max78000.debug.remote_bitbang import BitbangPins, RemoteBitbangServer
from max78000.link.flash_plan import FlashImage
from max78000.link.openocd_probe import OpenocdProbe
from max78000.link.pyocd_probe import PyocdProbe
from max78000.link.pyocd_virtual import VirtualAdapter

MARK_ADDR = 0x2001_F000
N_SLICES = 3

_CODE = (
    0x4802,  # 10: ldr  r0, [pc, #8]  at 1c
    0x4903,  # 12: ldr  r1, [pc, #12] at 20
    0x6001,  # 14: str  r1, [r0]
    0xE7FE,  # 16: b    16
    0xBF00,
    0xBF00,
)


def marking_image(mark, n_bytes=2048):
    """A program that leaves `mark` in RAM, filled up with random bytes."""
    vectors = struct.pack("<IIII", 0x2002_0000, 0x1000_0011, 0, 0)
    program = vectors + struct.pack("<6HII", *_CODE, MARK_ADDR, mark)
    fill = random.Random(mark).randbytes(n_bytes - len(program))
    return FlashImage(program + fill, f"image {mark}")


class HookedPort(DebugPort):
    """A debug port that calls `before_access` before every access through its access port."""

    def __init__(self, board, identity=None):
        super().__init__(board, identity)
        self.before_access: Callable[[], None] = lambda: None
        self.n_accesses = 0

    def read_ap(self, addr):
        self._count()
        return super().read_ap(addr)

    def write_ap(self, addr, value):
        self._count()
        super().write_ap(addr, value)

    def _count(self):
        self.n_accesses += 1
        self.before_access()


class Bench:
    """One board and the ways to it."""

    def __init__(self, identity=None):
        self.board = VirtualBoard()
        self.port = HookedPort(self.board, identity)

    @property
    def flash_controller(self):
        """The board's controller, to lock pages of."""
        devices = self.board.devices.devices
        return next(device for device in devices if isinstance(device, FlashController))

    @contextmanager
    def probe(self, name):
        """Reach the board by `pyocd` over SWD, or by `openocd` over JTAG."""
        if name == "pyocd":
            yield PyocdProbe(adapter=VirtualAdapter(self.port))
            return
        with RemoteBitbangServer(BitbangPins(self.port)) as server:
            adapter = ("adapter driver remote_bitbang", f"remote_bitbang port {server.port}")
            yield OpenocdProbe(adapter=(*adapter, "remote_bitbang host 127.0.0.1"), silence_s=20)

    def cut_after(self, n_accesses):
        """Pull the cable at that access."""
        last = self.port.n_accesses + n_accesses

        def pull():
            if self.port.n_accesses > last:
                raise ConnectionResetError("connection reset: the cable was pulled")

        self.port.before_access = pull

    def mend(self):
        """Plug the cable in again."""
        self.port.before_access = lambda: None

    def mark_after_power_on(self):
        """Start what is in the flash, and return the word it leaves; 0 if nothing starts."""
        self.board.write_memory(MARK_ADDR, bytes(4))
        self.board.reset(is_halting=False)
        for _ in range(N_SLICES):
            self.board.run_slice()
        return self.mark()

    def mark(self):
        """The word in RAM by which the running image is known."""
        return int.from_bytes(self.board.read_memory(MARK_ADDR, 4), "little")

    def run(self):
        """Let the board run on its own for a while."""
        for _ in range(N_SLICES):
            self.board.run_slice()

    def holds(self, image):
        """The flash begins with exactly this image."""
        return bytes(self.board.flash[: len(image.data)]) == image.data
