"""Debug port, memory access port and SWD: power-up, sticky errors, posted reads, increments."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mock_target import RAM_ADDR, MockTarget

from max78000.debug import access_port, debug_port
from max78000.debug.debug_port import DebugPort
from max78000.debug.swd import Acknowledge, SerialWirePort

POWER_UP = 0x5000_0000
WORDS, HALFWORDS, BYTES = 2, 1, 0
INCREMENT = 0x10


def powered(target=None):
    port = DebugPort(target or MockTarget())
    port.write(debug_port.CTRL_STAT, POWER_UP)
    return port


def set_window(port, addr, csw):
    port.write(debug_port.SELECT, 0)
    port.write_ap(access_port.CSW, csw)
    port.write_ap(access_port.TAR, addr)


def test_power_requests_are_acknowledged():
    port = DebugPort(MockTarget())
    assert port.read(debug_port.CTRL_STAT) == 0
    port.write(debug_port.CTRL_STAT, POWER_UP)
    assert port.read(debug_port.CTRL_STAT) == 0xF000_0000


def test_without_power_the_access_port_faults():
    port = DebugPort(MockTarget())
    port.read_ap(access_port.CSW)
    assert port.is_stuck
    assert "not powered" in str(port.last_error)


def test_identification():
    port = powered()
    assert port.read(debug_port.DPIDR) == 0x2BA0_1477
    port.write(debug_port.SELECT, 0xF0)
    assert port.read_ap(0xC) == 0x2477_0011
    assert port.read_ap(0x8) == 0xE00F_F003
    port.write(debug_port.SELECT, 0x0100_00F0)
    assert port.read_ap(0xC) == 0, "there is no second access port"


def test_other_banks_of_the_debug_port_read_zero():
    port = powered()
    port.write(debug_port.SELECT, 1)
    assert port.read(debug_port.CTRL_STAT) == 0


def test_a_bus_error_sticks_until_it_is_cleared():
    port = powered()
    set_window(port, 0x6000_0000, WORDS)
    assert port.read_ap(access_port.DRW) == 0
    assert port.status() & debug_port.STICKY_ERROR
    port.write(debug_port.CTRL_STAT, POWER_UP)
    assert port.is_stuck, "writing CTRL/STAT does not clear it over SWD"
    port.abort(1 << 2)
    assert not port.is_stuck


def test_packed_transfers_and_doublewords_are_not_taken():
    port = powered()
    port.write_ap(access_port.CSW, 0x2300_0023)
    assert port.read_ap(access_port.CSW) & 0x37 == 2


@given(st.integers(0, 0x3F8), st.binary(min_size=4, max_size=64))
def test_bytes_travel_on_the_lanes_of_their_address(offset, data):
    target = MockTarget()
    port = powered(target)
    set_window(port, RAM_ADDR + offset, BYTES | INCREMENT)
    for index, byte in enumerate(data):
        port.write_ap(access_port.DRW, byte << 8 * ((offset + index) % 4))
    assert target.ram[offset : offset + len(data)] == data
    port.write_ap(access_port.TAR, RAM_ADDR + offset)
    got = [
        port.read_ap(access_port.DRW) >> 8 * ((offset + index) % 4) & 0xFF
        for index in range(len(data))
    ]
    assert bytes(got) == data


def test_the_address_wraps_after_4_kb():
    target = MockTarget()
    port = powered(target)
    set_window(port, RAM_ADDR + 0xFFC, WORDS | INCREMENT)
    port.write_ap(access_port.DRW, 0x1111_1111)
    port.write_ap(access_port.DRW, 0x2222_2222)
    assert target.ram[0xFFC:0x1000] == b"\x11" * 4
    assert target.ram[:4] == b"\x22" * 4
    assert target.ram[0x1000:0x1004] == bytes(4)


def test_without_increment_the_address_stays():
    port = powered()
    set_window(port, RAM_ADDR, HALFWORDS)
    port.write_ap(access_port.DRW, 1)
    assert port.read_ap(access_port.TAR) == RAM_ADDR


def test_banked_data_registers_do_not_move_the_address():
    target = MockTarget()
    port = powered(target)
    set_window(port, RAM_ADDR + 0x20, WORDS | INCREMENT)
    port.write(debug_port.SELECT, 0x10)
    for index in range(4):
        port.write_ap(4 * index, index + 1)
    assert [port.read_ap(4 * index) for index in range(4)] == [1, 2, 3, 4]
    assert target.ram[0x20:0x30:4] == bytes((1, 2, 3, 4))


class TestWire:
    @pytest.fixture
    def port(self):
        target = MockTarget()
        target.ram[:8] = bytes(range(8))
        port = powered(target)
        set_window(port, RAM_ADDR, WORDS | INCREMENT)
        return port

    @pytest.fixture
    def wire(self, port):
        return SerialWirePort(port)

    def test_reads_are_posted(self, wire):
        wire.read(access_port.DRW, is_ap=True)
        assert wire.read(access_port.DRW, is_ap=True).word == 0x0302_0100
        assert wire.read(debug_port.RDBUFF, is_ap=False).word == 0x0706_0504
        assert wire.read(debug_port.RESEND, is_ap=False).word == 0x0706_0504

    def test_after_an_error_only_identity_status_and_abort_answer(self, wire):
        wire.write(access_port.TAR, 0x6000_0000, is_ap=True)
        assert wire.read(access_port.DRW, is_ap=True).acknowledge is Acknowledge.OK
        for answer in (
            wire.read(access_port.DRW, is_ap=True),
            wire.read(debug_port.RDBUFF, is_ap=False),
            wire.write(access_port.TAR, 0, is_ap=True),
            wire.write(debug_port.SELECT, 0, is_ap=False),
        ):
            assert answer.acknowledge is Acknowledge.FAULT
        assert wire.read(debug_port.DPIDR, is_ap=False).word == 0x2BA0_1477
        assert wire.read(debug_port.CTRL_STAT, is_ap=False).word & debug_port.STICKY_ERROR
        wire.write(debug_port.ABORT, 0x1E, is_ap=False)
        assert wire.write(access_port.TAR, 0, is_ap=True).acknowledge is Acknowledge.OK
