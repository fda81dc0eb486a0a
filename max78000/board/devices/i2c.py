"""I2C0..2 as masters: a byte moves as soon as software allows it, and takes no time.

Being a slave, 10-bit addresses and high-speed mode are refused.

Source: docs/hardware/board.md#i2c; [UG] I2C; [MSDK] i2c_regs.h, i2c_reva.c.
"""

from collections import deque
from enum import Enum

from max78000.board.placement import Placement, Surroundings
from max78000.board.registers import RegisterBlock, Word
from max78000.board.world import I2cSlave

FIFO_BYTES = 8
MOST_BYTES = 256  # of one read; a count of 0 means it
ENABLE, MASTER, SCL_OUT, SDA_OUT, SCL, SDA, BY_HAND = (1 << n for n in (0, 1, 6, 7, 8, 9, 10))
START, RESTART, STOP, LONG_ADDRESS = 1 << 0, 1 << 1, 1 << 2, 1 << 7  # MSTCTRL
DONE, RX_LEVEL, TX_LEVEL, STOPPED, ACKNOWLEDGED = (1 << n for n in (0, 4, 5, 6, 7))
NO_ADDRESS, NO_DATA, TX_LOCKED = 1 << 10, 1 << 11, 1 << 15
FLUSH = 1 << 7  # of both FIFO controls

# fmt: off
WORDS = (
    #    name      offset  writable     read-only  reset
    Word("CTRL",    0x00,  0x0000_B4DF, 0x0B00),
    Word("STATUS",  0x04,  0,           0x3F),
    Word("INTFL0",  0x08,  0x00FF_FFFF), Word("INTEN0", 0x0C, 0x00FF_FFFF),
    Word("INTFL1",  0x10,  7),           Word("INTEN1", 0x14, 7),
    Word("FIFOLEN", 0x18,  0,           0xFFFF,    FIFO_BYTES << 8 | FIFO_BYTES),
    Word("RXCTRL0", 0x1C,  0xF81),
    Word("RXCTRL1", 0x20,  0xFF,        0xF00),
    Word("TXCTRL0", 0x24,  0xFBF),
    Word("TXCTRL1", 0x28,  1,           0xF00),
    Word("FIFO",    0x2C,  0xFF),
    Word("MSTCTRL", 0x30,  0x87),
    Word("CLKLO",   0x34,  0x1FF),       Word("CLKHI",  0x38, 0x1FF),
    Word("HSCLK",   0x3C,  0xFFFF),      Word("TIMEOUT", 0x40, 0xFFFF),
    Word("DMA",     0x48,  3),
    Word("SLAVE0",  0x4C,  0x87FF), Word("SLAVE1", 0x50, 0x87FF),
    Word("SLAVE2",  0x54,  0x87FF), Word("SLAVE3", 0x58, 0x87FF),
)
PINS = ((10, 11), (16, 17), (30, 31))  # of port 0, for each bus; alternate function 1
# fmt: on


class BusPhase(Enum):
    """Where a transfer is."""

    IDLE = "no start yet"
    ADDRESS = "the next byte is the address"
    WRITE = "bytes go to the slave"
    READ = "bytes come from the slave"
    HELD = "over, until a stop or a restart"


class I2c(RegisterBlock):
    """One bus; `slaves` are on it, by their addresses."""

    def __init__(self, place: Placement, around: Surroundings) -> None:
        super().__init__(place.name, place.base_addr, place.size_bytes, WORDS)
        self.slaves: dict[int, I2cSlave] = dict(around.world.i2c.get(place.number, {}))
        self._around = around
        self._pins = PINS[place.number]
        self._forget()

    @property
    def asserted(self) -> int:
        """The interrupt line."""
        flags = self.loaded("INTFL0") & self.values["INTEN0"]
        return int(bool(flags or self.values["INTFL1"] & self.values["INTEN1"]))

    @property
    def requests(self) -> int:
        """To receive, and to send."""
        is_receiving = self.values["DMA"] & 2 and self._received
        is_sending = self.values["DMA"] & 1 and len(self._to_send) < FIFO_BYTES
        return bool(is_receiving) | bool(is_sending) << 1

    def loaded(self, name: str) -> int:
        """What a load of a register gives."""
        value = self.values[name]
        received, to_send = len(self._received), len(self._to_send)
        match name:
            case "CTRL":
                value |= self._line_levels(value)
            case "STATUS":
                is_busy = self._phase is not BusPhase.IDLE
                value = is_busy | (not received) << 1 | (received == FIFO_BYTES) << 2
                value |= (not to_send) << 3 | (to_send == FIFO_BYTES) << 4 | is_busy << 5
            case "INTFL0":
                value |= RX_LEVEL if received >= max(1, self._level("RXCTRL0")) else 0
                value |= TX_LEVEL if to_send <= self._level("TXCTRL0") else 0
            case "RXCTRL1" | "TXCTRL1":
                value |= (received if name == "RXCTRL1" else to_send) << 8
            case "FIFO":
                value = self._receive()
        return value

    def store_part(self, offset: int, n_bytes: int, value: int) -> None:
        """A byte for the FIFO is taken; registers take words."""
        if offset == 0x2C:
            self.store(offset, value & 0xFF)
        else:
            super().store_part(offset, n_bytes, value)

    def stored(self, name: str, value: int) -> None:
        """What a store of a register does."""
        match name:
            case "INTFL0" | "INTFL1":
                self.values[name] &= ~value
            case "RXCTRL0" | "TXCTRL0":
                if value & FLUSH:
                    (self._received if name == "RXCTRL0" else self._to_send).clear()
                self.values[name] = value & ~FLUSH
            case "FIFO":
                self._send(value)
            case "MSTCTRL":
                self._command(value)
            case "CTRL":
                self.values[name] = value
                if value & ENABLE == 0:
                    self._forget()
            case _:
                self.values[name] = value
                if name == "DMA":
                    self._around.poke_dma()

    def reset(self) -> None:
        """Return to the state after a system reset."""
        super().reset()
        self._forget()

    def _forget(self) -> None:
        self._phase = BusPhase.IDLE
        self._slave: I2cSlave | None = None
        self._n_to_read = 0
        self._is_stop_wanted = False
        self._received: deque[int] = deque()
        self._to_send: deque[int] = deque()

    def _level(self, name: str) -> int:
        return self.values[name] >> 8 & 0xF

    def _line_levels(self, control: int) -> int:
        if not control & BY_HAND:
            return SCL | SDA
        return (SCL if control & SCL_OUT else 0) | (SDA if control & SDA_OUT else 0)

    # -- FIFOs -------------------------------------------------------------------------------------

    def _receive(self) -> int:
        self._around.timeline.end_polling()
        if not self._received:
            self.object_to("the program takes a byte from the empty receive FIFO")
            return 0
        byte = self._received.popleft()
        self._go_on()
        return byte

    def _send(self, byte: int) -> None:
        if len(self._to_send) == FIFO_BYTES:
            self.object_to("the program sends a byte into the full transmit FIFO")
        elif self.values["INTFL0"] & TX_LOCKED:
            self.object_to("the transmit FIFO takes nothing until INTFL0 bit 15 is cleared")
        else:
            self._to_send.append(byte)
            self._go_on()

    # -- transfers ---------------------------------------------------------------------------------

    def _command(self, value: int) -> None:
        """MSTCTRL: start, repeat the start, stop."""
        if value & LONG_ADDRESS:
            raise self.fault("10-bit addresses are not modelled")
        control = self.values["CTRL"]
        if value & (START | RESTART) and not (control & ENABLE and control & MASTER):
            raise self.fault("a transfer starts, but it is no enabled master", "set CTRL bits 1:0")
        is_new = self._phase is BusPhase.IDLE
        if (value & START and is_new) or value & RESTART:
            self._phase = BusPhase.ADDRESS
        self._is_stop_wanted = bool(value & STOP) and self._phase is not BusPhase.IDLE
        self.values["MSTCTRL"] = START if self._phase is not BusPhase.IDLE else 0
        if value & STOP and self._phase is BusPhase.IDLE:
            self.values["INTFL0"] |= STOPPED
        self._go_on()

    def _go_on(self) -> None:
        """Move bytes as far as the FIFOs allow, then stop if that is wanted."""
        while self._step():
            pass
        if self.requests:
            self._around.poke_dma()
        if self._is_stop_wanted and not (self._phase is BusPhase.READ and self._n_to_read):
            self._stop()

    def _step(self) -> bool:
        """Move one byte; False if none can move."""
        if self._phase is BusPhase.READ:
            if len(self._received) == FIFO_BYTES:
                return False
            assert self._slave is not None
            self._received.append(self._slave.read())
            self._n_to_read -= 1
            if not self._n_to_read:
                self._phase = BusPhase.HELD
                self.values["INTFL0"] |= DONE
            return True
        if self._phase not in (BusPhase.ADDRESS, BusPhase.WRITE) or not self._to_send:
            return False
        byte = self._to_send.popleft()
        if self._phase is BusPhase.ADDRESS:
            self._address(byte)
        elif self._slave is None or not self._slave.write(byte):
            self._refuse(NO_DATA)
        return True

    def _address(self, byte: int) -> None:
        slave = self.slaves.get(byte >> 1)
        are_pins_set = all(self._around.ports[0].function(pin) == 1 for pin in self._pins)
        is_read = bool(byte & 1)
        if slave is None or not are_pins_set or not slave.start(is_read=is_read):
            self._refuse(NO_ADDRESS)
            return
        self._slave = slave
        self.values["INTFL0"] |= ACKNOWLEDGED
        self._phase = BusPhase.READ if is_read else BusPhase.WRITE
        self._n_to_read = (self.values["RXCTRL1"] & 0xFF or MOST_BYTES) if is_read else 0

    def _refuse(self, flag: int) -> None:
        """Nobody acknowledged: what is still to be sent is dropped."""
        self.values["INTFL0"] |= flag | DONE
        self._to_send.clear()
        self._phase = BusPhase.HELD

    def _stop(self) -> None:
        if self._slave is not None:
            self._slave.stop()
        self._slave = None
        self._is_stop_wanted = False
        self._phase = BusPhase.IDLE
        self.values["MSTCTRL"] = 0
        self.values["INTFL0"] |= STOPPED | DONE
