"""The TAP, clock by clock, and the server that lets a debugger move its pins."""

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mock_target import RAM_ADDR, MockTarget

from max78000.debug import access_port, debug_port, jtag
from max78000.debug.debug_port import DebugPort
from max78000.debug.jtag import JtagPort, TapState
from max78000.debug.remote_bitbang import BitbangPins, RemoteBitbangServer

OK = 0b010


def clock(tap, tms_levels):
    for tms in tms_levels:
        tap.clock(tms, 0)


def shift(tap, value, n_bits):
    """From Run-Test/Idle through one scan and back; returns what came out."""
    got = 0
    for index in range(n_bits):
        got |= tap.tdo << index
        tap.clock(int(index == n_bits - 1), value >> index & 1)
    clock(tap, (1, 0))
    return got


def scan_ir(tap, instruction):
    clock(tap, (1, 1, 0, 0))
    return shift(tap, instruction, jtag.IR_BITS)


def scan_dr(tap, value, n_bits):
    clock(tap, (1, 0, 0))
    return shift(tap, value, n_bits)


def access(tap, instruction, addr, value=0, *, is_read=False):
    scan_ir(tap, instruction)
    answer = scan_dr(tap, value << 3 | addr >> 1 | int(is_read), jtag.ACCESS_BITS)
    assert answer & 7 == OK
    return answer >> 3


@pytest.fixture
def target():
    return MockTarget()


@pytest.fixture
def tap(target):
    tap = JtagPort(DebugPort(target))
    clock(tap, (1, 1, 1, 1, 1, 0))
    assert tap.state is TapState.IDLE
    return tap


@given(st.lists(st.integers(0, 1), max_size=40))
def test_five_ones_lead_to_reset_from_anywhere(levels):
    tap = JtagPort(DebugPort(MockTarget()))
    clock(tap, [*levels, 1, 1, 1, 1, 1])
    assert tap.state is TapState.RESET


def test_after_reset_the_id_comes_out(tap):
    assert scan_dr(tap, 0, 32) == 0x4BA0_0477


def test_the_instruction_register_captures_its_pattern(tap):
    assert scan_ir(tap, jtag.IDCODE) == jtag.IR_CAPTURE


def test_an_unknown_instruction_is_bypass(tap):
    scan_ir(tap, 0xF)
    assert scan_dr(tap, 0b1011, 5) == 0b10110, "one bit late, a zero first"


def test_memory_through_the_access_port(tap, target):
    access(tap, jtag.DPACC, debug_port.CTRL_STAT, 0x5000_0000)
    access(tap, jtag.DPACC, debug_port.SELECT, 0)
    access(tap, jtag.APACC, access_port.CSW, 0x2300_0012)
    access(tap, jtag.APACC, access_port.TAR, RAM_ADDR)
    access(tap, jtag.APACC, access_port.DRW, 0x1234_5678)
    assert target.ram[:4] == bytes.fromhex("78563412")
    access(tap, jtag.APACC, access_port.TAR, RAM_ADDR)
    access(tap, jtag.APACC, access_port.DRW, is_read=True)
    assert access(tap, jtag.DPACC, debug_port.RDBUFF, is_read=True) == 0x1234_5678


def test_a_sticky_error_is_cleared_by_writing_it(tap):
    access(tap, jtag.DPACC, debug_port.CTRL_STAT, 0x5000_0000)
    access(tap, jtag.APACC, access_port.TAR, 0x6000_0000)
    access(tap, jtag.APACC, access_port.DRW, is_read=True)
    access(tap, jtag.DPACC, debug_port.CTRL_STAT, is_read=True)
    assert access(tap, jtag.DPACC, debug_port.RDBUFF, is_read=True) & debug_port.STICKY_ERROR
    access(tap, jtag.DPACC, debug_port.CTRL_STAT, 0x5000_0020)
    access(tap, jtag.DPACC, debug_port.CTRL_STAT, is_read=True)
    assert access(tap, jtag.DPACC, debug_port.RDBUFF, is_read=True) == 0xF000_0000


def bitbang(levels):
    """Characters for one clock per (TMS, TDI)."""
    return "".join(f"{tms << 1 | tdi}{4 | tms << 1 | tdi}" for tms, tdi in levels).encode()


def id_scan():
    to_shift = bitbang([(1, 0)] * 5 + [(0, 0), (1, 0), (0, 0), (0, 0)])
    return to_shift + b"".join(b"R" + bitbang([(0, 0)]) for _ in range(32))


def id_of(answers):
    return sum((digit - 0x30) << index for index, digit in enumerate(answers))


def test_characters_move_the_pins():
    assert id_of(BitbangPins(DebugPort(MockTarget())).feed(b"B" + id_scan() + b"b")) == 0x4BA0_0477


def test_reset_characters_hold_and_release(target):
    pins = BitbangPins(DebugPort(target))
    pins.feed(b"s")
    assert target.calls == []
    pins.feed(b"r")
    assert target.calls == ["reset run"]


def test_the_server_serves_one_client_after_the_other(target):
    with RemoteBitbangServer(BitbangPins(DebugPort(target))) as server:
        for goodbye in (b"Q", b""):
            with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
                client.sendall(id_scan() + goodbye)
                answers = b""
                while len(answers) < 32:
                    answers += client.recv(100)
            assert id_of(answers) == 0x4BA0_0477


def test_a_defect_of_the_model_is_told_to_whoever_started_the_server():
    class Broken:
        def feed(self, characters):
            raise KeyError("defect")

    def provoke():
        with (
            RemoteBitbangServer(Broken()) as server,
            socket.create_connection(("127.0.0.1", server.port), timeout=10) as client,
        ):
            client.sendall(b"0")
            assert client.recv(1) == b""

    with pytest.raises(KeyError, match="defect"):
        provoke()
