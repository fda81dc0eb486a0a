"""Peripherals of the virtual board register by register: only stores, loads and time."""

import zlib
from itertools import pairwise

import pytest

from max78000.board.board import VirtualBoard
from max78000.board.devices.table import TABLE
from max78000.board.timeline import NS_PER_S
from max78000.board.world import World
from max78000.errors import BoardError

MS = NS_PER_S // 1000


class Bench:
    """A strict board, one device of it, and its time."""

    def __init__(self, name, **world):
        self.board = VirtualBoard(world=World(**world))
        self.device = self.board.devices.by_name[name]

    def store(self, **values):
        for name, value in values.items():
            self.device.stored(name, value)

    def load(self, name):
        return self.device.loaded(name)

    def wait_ms(self, milliseconds):
        self.board.timeline.advance(round(milliseconds * MS))


# -- the table -------------------------------------------------------------------------------------


def test_no_two_devices_share_anything():
    windows = sorted((place.base_addr, place.size_bytes) for place in TABLE)
    for (first, n_bytes), (second, _) in pairwise(windows):
        assert first + n_bytes <= second
    irqs = [irq for place in TABLE for irq in place.irqs]
    assert len(irqs) == len(set(irqs))
    for bits in ("gate", "reset"):
        found = [getattr(place, bits) for place in TABLE if getattr(place, bits)]
        assert len(found) == len(set(found))
    requests = [request.number for place in TABLE for request in place.requests]
    assert len(requests) == len(set(requests))


@pytest.mark.parametrize("place", TABLE, ids=lambda place: place.name)
def test_a_device_can_be_reset(place):
    device = VirtualBoard().devices.by_name[place.name]
    before = device.asserted, device.requests
    device.reset()
    assert (device.asserted, device.requests) == before
    assert device.awaits(0x7F0) == ""


# -- pins ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("polarity", "dual", "n_edges"), [(0, 0, 1), (1, 0, 1), (0, 1, 2), (1, 1, 2)]
)
def test_edges_interrupt(polarity, dual, n_edges):
    bench = Bench("GPIO0")
    bit = 1 << 5
    bench.store(INTMODE=bit, INTPOL=bit * polarity, DUALEDGE=bit * dual, INTEN_SET=bit)
    seen = 0
    for level in (True, False):
        bench.device.drive(5, level)
        seen += bench.device.asserted
        bench.store(INTFL_CLR=bit)
        assert not bench.device.asserted
    assert seen == n_edges


@pytest.mark.parametrize("level", [True, False])
def test_levels_interrupt_as_long_as_they_are(level):
    bench = Bench("GPIO1", pins={(1, 3): not level})
    bench.store(INTPOL=8 * level, INTEN=8)
    assert not bench.device.asserted
    bench.device.drive(3, level)
    bench.store(INTFL_CLR=8)
    assert bench.device.asserted
    assert bench.load("INTFL") == 8
    bench.store(INTEN_CLR=8)
    assert not bench.device.asserted


def test_pins_wake():
    bench = Bench("PWRSEQ")
    bench.store(LPWKEN0=4)
    bench.board.devices.ports[0].drive(2, True)
    assert not bench.device.asserted
    bench.board.devices.clocks.stored("PM", 1 << 4)
    bench.board.devices.ports[0].drive(2, False)
    assert bench.device.asserted
    assert bench.load("LPWKST0") == 4
    bench.device.reset()
    assert bench.load("LPWKST0") == 4
    bench.store(LPCN=1 << 31)
    assert not bench.device.asserted


# -- timers ----------------------------------------------------------------------------------------


def test_two_halves_of_a_timer():
    bench = Bench("TMR1")
    bench.store(CMP=3001 | 601 << 16, CNT=1 | 1 << 16, CTRL1=1 << 8 | 1 << 24)
    bench.store(CTRL0=0xC001 | 0xC000 << 16)  # A goes on, B stops; at 30 MHz
    bench.wait_ms(0.025)
    assert bench.load("INTFL") & 0x10001 == 0x10000
    assert not bench.load("CTRL0") >> 31
    bench.store(INTFL=0x10000)
    bench.wait_ms(0.08)
    assert bench.load("INTFL") & 0x10001 == 1
    assert bench.device.asserted
    assert bench.load("CNT") & 0xFFFF == pytest.approx(150, abs=3)
    assert bench.load("CTRL1") & 0xC000C == 0xC000C


def test_software_captures_the_count():
    bench = Bench("TMR0")
    bench.store(CTRL1=1 << 31, CMP=0xFFFFFFFF, CNT=0, CTRL0=0xC004)
    bench.wait_ms(1)
    bench.store(CTRL1=1 << 31 | 1 << 11)
    assert bench.load("PWM") == 30_000
    assert bench.load("INTFL") & 1


def test_low_power_timers_have_other_clocks():
    bench = Bench("TMR4")
    bench.board.devices.clocks.stored("CLKCTRL", 0x0014_0008 | 1 << 17)
    bench.wait_ms(1)
    bench.store(CTRL1=1 << 31 | 1, CMP=0xFFFFFFFF, CNT=0, CTRL0=0xC001)
    bench.wait_ms(1000)
    assert bench.load("CNT") == 32_768


def test_the_wakeup_timer():
    bench = Bench("WUT")
    assert (bench.load("CNT"), bench.load("CMP")) == (1, 0xFFFF)
    bench.store(CMP=32_769, CNT=1, CTRL=1 << 7 | 1)
    bench.wait_ms(999)
    assert not bench.device.asserted
    bench.wait_ms(2)
    assert bench.device.asserted
    bench.store(INTFL=1)
    bench.wait_ms(1000)
    assert bench.device.asserted
    bench.store(INTFL=1, CTRL=1 << 7 | 7 << 3, CNT=0, CMP=256)  # once, after a second
    bench.wait_ms(1001)
    assert bench.device.asserted
    assert not bench.load("CTRL") & 1 << 7


def test_the_real_time_clock():
    bench = Bench("RTC", start_s=100)
    bench.store(CTRL=1 << 15)
    bench.store(CTRL=1 << 15 | 1)
    bench.store(CTRL=1)
    bench.wait_ms(2500)
    assert (bench.load("SEC"), bench.load("SSEC")) == (102, 2048)
    bench.device.reset()
    assert bench.load("SEC") == 102
    bench.store(TODA=104, SSECA=0xFFFFFC00, CTRL=0b111)
    bench.wait_ms(251)
    assert bench.load("CTRL") & 0xC0 == 0x80
    assert bench.device.asserted
    bench.store(CTRL=0b111)
    assert not bench.device.asserted
    bench.wait_ms(1250)
    assert bench.load("CTRL") & 0x40
    bench.store(CTRL=0b100001)
    assert not bench.device.asserted
    bench.wait_ms(1)
    assert bench.device.asserted  # the counts have changed


def test_the_real_time_clock_goes_on_while_it_is_looked_after():
    bench = Bench("RTC")
    bench.store(CTRL=1 << 15)
    bench.store(CTRL=1 << 15 | 1, SSECA=0xFFFFFC00)
    bench.store(CTRL=0b100101)  # both the short alarm and every change of the counts
    for _ in range(2490):
        bench.wait_ms(0.1)
        bench.store(CTRL=0b100101)
    assert bench.load("SSEC") == 1019
    assert not bench.load("CTRL") & 0x80
    bench.wait_ms(2)
    assert bench.load("CTRL") & 0x80


def test_the_real_time_clock_is_protected():
    bench = Bench("RTC")
    with pytest.raises(BoardError, match="SEC is written without CTRL bit 15"):
        bench.store(SEC=5)
    with pytest.raises(BoardError, match="CTRL 0x1 is written without bit 15"):
        bench.store(CTRL=1)
    bench.store(CTRL=1 << 15)
    bench.store(SEC=5, SSEC=9)
    assert (bench.load("SEC"), bench.load("SSEC")) == (5, 9)


# -- watchdogs -------------------------------------------------------------------------------------


def test_a_watchdog_interrupts_then_resets():
    bench = Bench("WDT0")
    control = 1 << 8 | 1 << 10 | 1 << 11 | 15 | 14 << 4  # 2^16 and 2^17 cycles
    bench.store(CTRL=control)
    bench.wait_ms(2)
    assert bench.load("CNT") == 60_000
    bench.store(RST=0xA5)
    bench.store(RST=0x5A)
    bench.wait_ms(2)
    assert not bench.device.asserted
    bench.wait_ms(0.2)
    assert bench.device.asserted
    bench.store(CTRL=control)
    assert not bench.device.asserted
    bench.wait_ms(5)
    bench.board.reset(is_halting=False)  # a board with a program does so by itself
    assert bench.load("CTRL") == 1 << 31 | 1 << 28  # stopped; it tells who has reset the chip
    bench.store(CTRL=0)
    assert not bench.load("CTRL") >> 31


def test_a_watchdog_that_is_fed_too_early():
    bench = Bench("WDT0")
    bench.store(CTRL=1 << 8 | 1 << 10 | 1 << 29 | 15 << 16)
    for byte in (0xA5, 0x5A):
        bench.store(RST=byte)
    assert bench.device.asserted
    assert bench.load("CTRL") & 1 << 12


# -- serial lines ----------------------------------------------------------------------------------


def serial(bench, name, port, pins, function):
    board = bench.board
    board.devices.ports[port].stored("EN0_CLR", pins)
    board.devices.ports[port].stored("EN1_SET" if function == 2 else "EN1_CLR", pins)
    board.devices.by_name[name].stored("CTRL", 3 << 10 | 1 << 15 | 2 << 16 | 1)


def test_a_wire_between_two_serial_lines():
    bench = Bench("UART1", serial_wires={1: 3})
    serial(bench, "UART1", 0, 3 << 12, 1)
    serial(bench, "UART3", 2, 3 << 6, 2)
    receiver = bench.board.devices.by_name["UART3"]
    receiver.stored("INT_EN", 1 << 4)
    assert receiver.awaits(4) == "input on UART3"
    bench.store(FIFO=0x41)
    assert receiver.asserted
    assert receiver.awaits(4) == ""
    assert receiver.loaded("STATUS") >> 8 & 15 == 1
    assert receiver.loaded("FIFO") == 0x41
    assert not receiver.asserted


def test_room_to_send_interrupts_a_little_later():
    bench = Bench("UART2")
    serial(bench, "UART2", 1, 3, 1)
    bench.store(INT_EN=1 << 6, FIFO=1)
    bench.store(INT_FL=1 << 6)
    assert not bench.device.asserted
    bench.wait_ms(0.1)
    assert bench.device.asserted


def test_pins_of_a_serial_line():
    bench = Bench("UART2")
    with pytest.raises(BoardError, match=r"pin P1.0 \(RX\) does not have alternate function 1"):
        bench.store(CTRL=1 << 15, FIFO=1)


# -- DMA -------------------------------------------------------------------------------------------

WIDTHS = 2 << 16 | 2 << 20 | 1 << 18 | 1 << 22


def test_memory_to_memory_and_a_reload():
    bench = Bench("DMA")
    board = bench.board
    board.write_memory(0x20000000, bytes(range(64)))
    bench.store(SRC1=0x20000000, DST1=0x20001000, CNT1=32, INTEN=2)
    bench.store(SRCRLD1=0x20000020, DSTRLD1=0x20002000, CNTRLD1=8 | 1 << 31)
    bench.store(CTRL1=WIDTHS | 1 | 1 << 31)
    assert bench.load("STATUS1") == 1
    bench.wait_ms(1)
    assert board.read_memory(0x20001000, 32) == bytes(range(32))
    assert board.read_memory(0x20002000, 8) == bytes(range(32, 40))
    assert bench.load("STATUS1") == 2 | 4 | 8
    assert (bench.device.asserted, bench.load("INTFL")) == (2, 2)
    bench.store(STATUS1=0xF)
    assert not bench.device.asserted
    assert not bench.load("CTRL1") & 1


def test_a_fixed_address_in_memory_is_refused():
    bench = Bench("DMA")
    bench.store(SRC0=0x20000000, DST0=0x20001000, CNT0=4)
    bench.store(CTRL0=WIDTHS & ~(1 << 18) | 1 | 1 << 31)
    with pytest.raises(BoardError, match="memory to memory at a fixed address is not modelled"):
        bench.wait_ms(1)


def test_a_stopped_channel_interrupts_once():
    bench = Bench("DMA")
    bench.store(SRC0=0x20000000, DST0=0x20001000, CNT0=4, INTEN=1, CTRL0=WIDTHS | 1 | 1 << 30)
    bench.wait_ms(1)
    assert bench.device.asserted
    bench.store(STATUS0=2)
    assert not bench.device.asserted


def test_bytes_to_and_from_a_serial_line():
    bench = Bench("DMA", serial_wires={1: 1})
    serial(bench, "UART1", 0, 3 << 12, 1)
    line = bench.board.devices.by_name["UART1"]
    bench.board.write_memory(0x20000000, b"hello")
    bench.store(SRC0=0x20000000, CNT0=5, CTRL0=1 | 0x25 << 4 | 1 << 18)
    bench.store(DST1=0x20001000, CNT1=5, CTRL1=1 | 0x05 << 4 | 1 << 22)
    bench.wait_ms(1)
    assert not line.sent
    line.stored("DMA", 1 << 4 | 1 << 9)
    bench.wait_ms(1)
    assert bytes(line.sent) == b"hello"
    assert bench.board.read_memory(0x20001000, 5) == b"hello"
    assert not bench.load("CTRL0") & 1


# -- numbers ---------------------------------------------------------------------------------------


def test_checksums():
    data = bytes(range(1, 50))
    bench = Bench("CRC")
    assert bench.load("POLY") == 0xEDB88320
    with pytest.raises(BoardError, match="data is stored while it is off"):
        bench.store(DATAIN=1)
    bench.store(CTRL=1, VAL=0xFFFFFFFF)
    for byte in data:
        bench.device.store_part(4, 1, byte)
    assert bench.load("VAL") ^ 0xFFFFFFFF == zlib.crc32(data)
    bench.store(CTRL=1 | 16)
    swapped = (zlib.crc32(data) ^ 0xFFFFFFFF).to_bytes(4, "big")
    assert bench.load("VAL") == int.from_bytes(swapped, "little")
    bench.store(CTRL=1 | 8, VAL=0xFFFFFFFF, DATAIN=0x61626364)
    assert bench.load("VAL") ^ 0xFFFFFFFF == zlib.crc32(b"abcd")


def test_a_checksum_from_the_top_bit():
    bench = Bench("CRC")
    bench.store(CTRL=1 | 4, VAL=0xFFFFFFFF, POLY=0x04C11DB7)
    for byte in b"123456789":
        bench.device.store_part(4, 1, byte)
    assert bench.load("VAL") == 0x0376E6E7  # CRC-32/MPEG-2 of that text


def test_checksums_by_dma():
    bench = Bench("DMA")
    engine = bench.board.devices.by_name["CRC"]
    engine.stored("VAL", 0xFFFFFFFF)
    bench.board.write_memory(0x20000000, b"abcd")
    bench.store(SRC0=0x20000000, CNT0=4, CTRL0=1 | 0x2C << 4 | 1 << 18)
    engine.stored("CTRL", 3)
    bench.device.poke()
    bench.wait_ms(1)
    assert engine.loaded("VAL") ^ 0xFFFFFFFF == zlib.crc32(b"abcd")


def test_random_numbers_come_from_the_seed():
    first, second, other = (Bench("TRNG", seed=seed) for seed in (1, 1, 2))
    words = [[bench.load("DATA") for _ in range(4)] for bench in (first, second, other)]
    assert words[0] == words[1] != words[2]
    assert first.load("STATUS") == 1
    first.store(CTRL=2)
    assert first.device.asserted


def test_semaphores_are_taken_by_looking():
    bench = Bench("SEMA")
    assert [bench.load("SEMAPHORE3") for _ in range(2)] == [0, 1]
    assert bench.load("STATUS") == 8
    bench.store(SEMAPHORE3=0, MAIL0=7)
    assert (bench.load("STATUS"), bench.load("MAIL0")) == (0, 7)
