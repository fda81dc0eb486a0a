"""Lines and frames that a board, its power monitor, OpenOCD or a debugger sends."""

import itertools
import struct

import numpy as np
from fuzz.seeds import resealed
from fuzz.tell import all_of

from max78000.apps.pose.client import PoseClient
from max78000.apps.run.client import SerialClient
from max78000.apps.shared.exchange import Exchange
from max78000.apps.shared.frames import FrameParser
from max78000.debug.debug_port import DebugPort
from max78000.debug.remote_bitbang import BitbangPins
from max78000.link.console import to_text
from max78000.link.flash_plan import FlashImage, flash_plan
from max78000.link.openocd_probe import _DONE, _explained, _follow
from max78000.link.power_monitor import MonitorMode, read_recording
from max78000.program.layer_log import find_difference, read_log
from max78000.program.layer_table import LayerTable, TableEntry, channel_checksums
from max78000.program.program import OutputMap

PLAN = flash_plan(FlashImage(struct.pack("<IIII", 0x2002_0000, 0x1000_0009, 0, 0)))
BYTES, WORDS = np.zeros((2, 2, 3), np.int64), np.zeros((1, 1, 4), np.int64)


def _entry(index, name, values, width_bits):
    addrs = tuple(range(0, 4 * len(values), 4))
    output = OutputMap(index, name, values.shape, width_bits, addrs, 4)
    return TableEntry(output, channel_checksums(values, width_bits))


TABLE = LayerTable("net", (_entry(0, "conv", BYTES, 8), _entry(1, "wide", WORDS, 32)))


class Line:
    """A serial line on which these bytes come, in pieces; the time that passes is pretended."""

    def __init__(self, data):
        self._pieces = itertools.chain(
            (data[i : i + 37] for i in range(0, len(data), 37)), itertools.repeat(b"")
        )
        self._time = 0.0
        self.in_waiting = 37

    def read(self, size=1):
        self._time += 0.5
        return next(self._pieces)

    def write(self, data):
        return len(data)

    def close(self):
        pass

    def clock(self):
        return self._time


def layer_log(data, folder):
    text = "\n".join(map(to_text, data.split(b"\n")))
    all_of(
        lambda: find_difference(read_log(text, "log"), TABLE, {"conv": BYTES, "wide": WORDS}),
        lambda: read_log(data.decode(errors="replace"), "log"),
    )


def openocd(data, folder):
    lines = [line.decode(errors="replace").strip() for line in data.split(b"\n") if line.strip()]
    _judge(lines)


def openocd_process(data, folder):
    """The same lines, from a process that says them."""
    (folder / "said").write_bytes(data)
    command = ["cat", str(folder / "said")]
    _judge(list(_follow(command, 1.0, PLAN, lambda *_: None)))


def _judge(lines):
    if _DONE not in lines:
        raise _explained(lines)


def power_monitor(data, folder):
    def record(mode):
        line = Line(data)
        read_recording(line, mode, 3, 20.0, line.clock)

    all_of(*(lambda mode=mode: record(mode) for mode in MonitorMode))


def frames(data, folder):
    for given in (data, resealed(data)):
        parser = FrameParser()
        whole = parser.feed(given)
        pieces = FrameParser()
        assert whole == [one for byte in given for one in pieces.feed(bytes([byte]))]


def pose_replies(data, folder):
    """What clients make of answers: their sequence number is that of the first request."""
    given = resealed(data)

    def line():
        return Line(given * 3)

    def pose(ask):
        port = line()
        ask(PoseClient(port, "port", port.clock))

    def serial(ask):
        port = line()
        ask(SerialClient(Exchange(port, "port", port.clock)))

    picture = np.zeros((128, 128, 3), np.uint8)
    all_of(
        lambda: pose(lambda client: client.hello()),
        lambda: pose(lambda client: client.find_people(picture)),
        lambda: serial(lambda client: client.hello(0x0303_0303)),
    )


def pins(data, folder):
    from unit.max78000.debug.mock_target import MockTarget

    BitbangPins(DebugPort(MockTarget())).feed(data)
