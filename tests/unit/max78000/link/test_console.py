import contextlib
import os
import pty
import threading
import tty

import pytest

from max78000.errors import BoardError
from max78000.link.console import LONGEST_LINE, read_lines, to_text
from max78000.link.serial_ports import (
    SerialPort,
    find_console,
    find_power_monitor,
    group_remedy,
    list_ports,
    open_port,
)

BRIDGE = SerialPort("/dev/ttyUSB0", (0x0403, 0x6015), "bridge")
ADAPTER = SerialPort("/dev/ttyACM0", (0x0D28, 0x0204), "DAPLink")
MONITOR = SerialPort("/dev/ttyACM1", (0x0B6A, 0x003C), "MAX32625 CDC-ACM")
BUILT_IN = SerialPort("/dev/ttyS0")


@pytest.fixture
def board():
    """A board's side of a serial line, and the name of the computer's side."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    yield master, os.ttyname(slave)
    for handle in (master, slave):
        with contextlib.suppress(OSError):  # unplugged by the test
            os.close(handle)


class Script:
    """A line that gives the prepared pieces, then nothing; its clock ticks with every read."""

    def __init__(self, *pieces):
        self.pieces = list(pieces)
        self.now_s = 0.0

    in_waiting = 0

    def read(self, size=1):
        self.now_s += 1.0
        return self.pieces.pop(0) if self.pieces else b""

    def clock(self):
        return self.now_s


def lines_of(*pieces, seconds=100.0):
    script = Script(*pieces)
    return list(read_lines(script, seconds, clock=script.clock))


def test_lines_are_put_together_from_pieces():
    assert lines_of(b"Hel", b"lo\r\nWor", b"ld\n", b"\n", b"tail") == ["Hello", "World", "", "tail"]


def test_reading_ends_with_the_time():
    assert lines_of(b"a\n", b"b\n", b"c\n", seconds=2.0) == ["a", "b"]
    assert lines_of(b"a\n", seconds=0.0) == []


def test_a_stream_without_lines_is_cut():
    texts = lines_of(*[b"x" * 1000] * 5)
    assert [len(text) for text in texts] == [5000]
    assert LONGEST_LINE < 5000


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"plain \t text\r", "plain \t text"),
        (b"\x1b[31mred", "\\x1b[31mred"),
        (b"\xff\x00\x07", "\\xff\\x00\\x07"),
        ("größer".encode(), "größer"),
    ],
)
def test_only_text_reaches_the_terminal(raw, text):
    assert to_text(raw) == text


def test_a_real_port_is_read(board):
    master, device = board
    line = open_port(device)
    writer = threading.Thread(target=os.write, args=(master, b"one\r\ntwo\r\n"))
    writer.start()
    lines = read_lines(line, 30.0, device)
    assert [next(lines), next(lines)] == ["one", "two"]
    writer.join()
    line.close()


def test_unplugging_is_reported(board):
    master, device = board
    line = open_port(device)
    os.close(master)
    with pytest.raises(BoardError, match=rf"{device}: the port is gone.*plug the cable in again"):
        list(read_lines(line, 30.0, device))
    line.close()


def test_a_port_is_for_one_program(board):
    _, device = board
    line = open_port(device)
    with pytest.raises(BoardError, match="another program has it open"):
        open_port(device)
    line.close()


@pytest.mark.parametrize(
    ("device", "message"),
    [("/dev/no-such-port", "no such port"), ("nothing://here", "cannot be opened")],
)
def test_what_cannot_be_opened_is_reported(device, message):
    with pytest.raises(BoardError, match=message):
        open_port(device)


def test_the_bridge_of_the_evkit_is_the_console():
    assert find_console([BUILT_IN, ADAPTER, MONITOR, BRIDGE]) == BRIDGE.device


def test_the_adapter_of_the_feather_is_the_console():
    assert find_console([BUILT_IN, ADAPTER, MONITOR]) == ADAPTER.device


def test_two_likely_consoles_are_not_guessed():
    second = SerialPort("/dev/ttyUSB1", (0x10C4, 0xEA60))
    with pytest.raises(BoardError, match=r"2 ports may be the console: /dev/ttyUSB0, /dev/ttyUSB1"):
        find_console([BRIDGE, second])


def test_no_console_is_reported():
    with pytest.raises(BoardError, match="no USB serial port found") as refusal:
        find_console([BUILT_IN, MONITOR])
    assert refusal.value.exit_code == 5


def test_the_power_monitor_is_found_by_its_id():
    assert find_power_monitor([BRIDGE, ADAPTER, MONITOR]) == MONITOR.device
    assert find_power_monitor([BRIDGE, ADAPTER]) is None


def test_ports_of_this_computer_can_be_listed():
    assert all(isinstance(port, SerialPort) for port in list_ports())


def test_access_names_the_group_of_the_port(tmp_path):
    port = tmp_path / "ttyUSB9"
    port.touch()
    assert group_remedy(str(port)).startswith(f"sudo usermod -aG {port.group()} ")
    assert "-aG dialout " in group_remedy("/dev/no-such-port")
