"""I2C as a master, and the same devices on wires that software moves."""

import pytest
from chip_parts import GPIO0, ChipParts, EagerDma

from max78000.board.outside.bit_banged import BitBangedBus
from max78000.board.outside.max20303 import Max20303
from max78000.board.outside.two_wire import RegisterTarget
from max78000.board.world import World
from max78000.errors import BoardError

I2C = 0x4001_E000
CTRL, STATUS, INTFL, INTEN, RXCTRL0, RXCTRL1, TXCTRL0, TXCTRL1, FIFO, MSTCTRL, DMA = (
    I2C + offset for offset in (0, 4, 8, 0xC, 0x1C, 0x20, 0x24, 0x28, 0x2C, 0x30, 0x48)
)
START, RESTART, STOP = 1, 2, 4
DONE, STOPPED, ACKNOWLEDGED, NO_ADDRESS, NO_DATA = 1, 1 << 6, 1 << 7, 1 << 10, 1 << 11
ADDRESS = 0x42


class Stubborn(RegisterTarget):
    """Takes one byte and no more."""

    n_bytes = 0

    def write(self, byte):
        """One byte is acknowledged."""
        self.n_bytes += 1
        return self.n_bytes < 2


def chip_with(slave=None, *, is_strict=True):
    slave = slave or RegisterTarget(ADDRESS, {5: 0x55, 6: 0x66, 7: 0x77})
    chip = ChipParts(World(i2c={1: {ADDRESS: slave}}), is_strict=is_strict)
    chip.connect(0, [16, 17], 1)
    chip.store(CTRL, 3)
    chip.slave = slave
    return chip


def send(chip, *values):
    chip.store(FIFO, ADDRESS << 1)
    chip.store(MSTCTRL, START)
    for value in values:
        chip.store(FIFO, value)


def test_write_and_stop():
    chip = chip_with()
    assert chip.load(STATUS) == 0xA
    send(chip, 9, 0x12, 0x34)
    assert chip.load(STATUS) == 0x2B
    assert chip.load(MSTCTRL) == START
    assert chip.load(INTFL) & ~(1 << 5) == ACKNOWLEDGED
    chip.store(MSTCTRL, STOP)
    assert chip.load(MSTCTRL) == 0
    assert chip.slave.values[9:11] == b"\x12\x34"
    flags = chip.load(INTFL) & ~(1 << 5)
    assert flags == ACKNOWLEDGED | STOPPED | DONE
    chip.store(INTFL, flags)
    assert chip.load(INTFL) == 1 << 5  # the transmit FIFO is below its threshold


def test_restart_and_read():
    chip = chip_with()
    send(chip, 5)
    chip.store(RXCTRL1, 3)
    chip.store(MSTCTRL, RESTART)
    assert not chip.load(MSTCTRL) & RESTART
    chip.store(FIFO, ADDRESS << 1 | 1)
    assert chip.load(RXCTRL1) >> 8 == 3
    assert chip.load(INTFL) & DONE
    assert [chip.load(FIFO) for _ in range(3)] == [0x55, 0x66, 0x77]
    chip.store(MSTCTRL, STOP)
    assert chip.load(INTFL) & STOPPED


def test_a_long_read_waits_for_room():
    chip = chip_with()
    chip.store(INTEN, 1 << 4)
    chip.store(RXCTRL0, 6 << 8)
    chip.store(RXCTRL1, 12)
    chip.store(MSTCTRL, START)
    assert chip.irqs() == []
    chip.store(FIFO, ADDRESS << 1 | 1)
    assert chip.irqs() == [36]
    chip.store(MSTCTRL, STOP)  # at the end of the read
    assert chip.load(RXCTRL1) >> 8 == 8
    values = [chip.load(FIFO) for _ in range(12)]
    assert values[5:8] == [0x55, 0x66, 0x77]
    assert chip.load(INTFL) & (DONE | STOPPED) == DONE | STOPPED
    assert chip.irqs() == []


def test_nobody_there():
    chip = chip_with()
    chip.store(FIFO, 0x20)
    chip.store(FIFO, 1)
    chip.store(MSTCTRL, START)
    assert chip.load(INTFL) & NO_ADDRESS
    assert chip.load(TXCTRL1) >> 8 == 0
    chip.store(MSTCTRL, STOP)
    assert chip.load(INTFL) & STOPPED
    chip.connect(0, [17], 2)
    send(chip)
    assert chip.load(INTFL) & NO_ADDRESS  # its pin leads elsewhere


def test_a_byte_that_is_not_taken():
    chip = chip_with(Stubborn(ADDRESS, {}))
    send(chip, 1, 2, 3)
    assert chip.load(INTFL) & NO_DATA


def test_dma():
    chip = chip_with()
    dma = EagerDma(chip["I2C1"], 0x2C)
    dma.to_give = [20, *range(30)]
    chip["I2C1"]._around.poke_dma = dma.poke
    send(chip)
    chip.store(DMA, 1)
    assert chip.slave.values[20:50] == bytes(range(30))
    chip.store(DMA, 2)
    chip.store(RXCTRL1, 30)
    send(chip, 20)
    chip.store(MSTCTRL, RESTART)
    chip.store(FIFO, ADDRESS << 1 | 1)
    assert sorted(dma.taken) == list(range(30))
    assert chip.load(INTFL) & DONE


def test_wires_by_hand():
    chip = chip_with()
    assert chip.load(CTRL) >> 8 & 3 == 3
    chip.store(CTRL, 1 << 10 | 1 << 6)
    assert chip.load(CTRL) >> 8 & 3 == 1


@pytest.mark.parametrize(
    ("addr", "value", "message"),
    [
        (MSTCTRL, 1 << 7, "I2C1: 10-bit addresses are not modelled"),
        (FIFO, None, "takes a byte from the empty receive FIFO"),
        (I2C + 0x60, 0, "no register is modelled"),
    ],
)
def test_what_it_refuses(addr, value, message):
    chip = chip_with()
    with pytest.raises(BoardError, match=message):
        chip.load(addr) if value is None else chip.store(addr, value)


def test_a_slave_or_a_full_fifo():
    chip = chip_with()
    for _ in range(8):
        chip.store(FIFO, 0)
    with pytest.raises(BoardError, match="sends a byte into the full transmit FIFO"):
        chip.store(FIFO, 0)
    chip.store(CTRL, 1)
    chip.store(TXCTRL0, 1 << 7)
    assert chip.load(TXCTRL0) == 0
    with pytest.raises(BoardError, match="it is no enabled master"):
        chip.store(MSTCTRL, START)


def test_the_supply_takes_commands():
    chip = chip_with(Max20303())
    send(chip, 0)
    chip.store(RXCTRL1, 1)
    chip.store(MSTCTRL, RESTART)
    chip.store(FIFO, ADDRESS << 1 | 1)
    assert chip.load(FIFO) == 2
    supply = chip.slave
    for number, value in ((0x0F, 0x1A), (0x17, 0x40), (0x0F, 0), (0x17, 0x41)):
        supply.stored(number, value)
    assert supply.loaded(0x18) == 0x41
    assert supply.loaded(0x19) == 0x1A


# -- by hand on pins -------------------------------------------------------------------------------


class Wires:
    """Moves two pins as a driver does."""

    def __init__(self, *, is_open_drain):
        self.chip = ChipParts()
        self.slave = RegisterTarget(0x3C, {0x0A: 0xA6})
        BitBangedBus({0x3C: self.slave}, self.chip.parts.ports[0], 30, 31)
        self.is_open_drain = is_open_drain
        self.wire(30, is_high=True)
        self.wire(31, is_high=True)

    def wire(self, pin, *, is_high):
        """Drive a wire, or let go of it."""
        if self.is_open_drain:
            self.chip.store(GPIO0 + 0x20, 1 << pin)
            self.chip.store(GPIO0 + (0x14 if is_high else 0x10), 1 << pin)
        else:
            self.chip.store(GPIO0 + (0x1C if is_high else 0x20), 1 << pin)
            self.chip.store(GPIO0 + 0x10, 1 << pin)

    def clock(self):
        """One bit; the level of the data wire in it."""
        self.wire(30, is_high=True)
        level = self.chip.load(GPIO0 + 0x24) >> 31 & 1
        self.wire(30, is_high=False)
        return level

    def start(self):
        """A start condition."""
        self.wire(31, is_high=True)
        self.wire(30, is_high=True)
        self.wire(31, is_high=False)
        self.wire(30, is_high=False)

    def stop(self):
        """A stop condition."""
        self.wire(31, is_high=False)
        self.wire(30, is_high=True)
        self.wire(31, is_high=True)

    def send(self, value):
        """A byte; whether it is acknowledged."""
        for bit in range(7, -1, -1):
            self.wire(31, is_high=bool(value >> bit & 1))
            self.clock()
        self.chip.store(GPIO0 + 0x14, 1 << 31)
        return not self.clock()

    def receive(self, *, is_last):
        """A byte, acknowledged if it is not the last."""
        self.chip.store(GPIO0 + 0x14, 1 << 31)
        value = 0
        for _ in range(8):
            value = value << 1 | self.clock()
        self.wire(31, is_high=is_last)
        self.clock()
        return value


@pytest.mark.parametrize("is_open_drain", [False, True])
def test_bytes_on_two_pins(is_open_drain):
    wires = Wires(is_open_drain=is_open_drain)
    wires.start()
    assert not wires.send(0x40)
    wires.stop()
    wires.start()
    assert wires.send(0x78)
    assert wires.send(0x0B)
    assert wires.send(0x5A)
    wires.stop()
    assert wires.slave.loaded(0x0B) == 0x5A
    wires.start()
    assert wires.send(0x78)
    assert wires.send(0x0A)
    wires.stop()
    wires.start()
    assert wires.send(0x79)
    assert wires.receive(is_last=False) == 0xA6
    assert wires.receive(is_last=True) == 0x5A
    wires.stop()
