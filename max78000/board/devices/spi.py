"""SPI0 and SPI1 as masters: characters move as soon as software allows it, and take no time.

Being a slave is refused. A character of more than eight bits takes two bytes of a FIFO.

Source: docs/hardware/board.md#spi; [UG] SPI; [MSDK] spi_regs.h, spi_reva.c.
"""

from max78000.board.placement import Placement, Surroundings
from max78000.board.registers import RegisterBlock, Word
from max78000.board.world import SpiPeripheral
from max78000.facts.chip import WORD_BYTES

FIFO_BYTES = 32
N_SELECTS = 4
ENABLE, MASTER, START, KEEP_SELECTED, SELECT_SHIFT = 1 << 0, 1 << 1, 1 << 5, 1 << 8, 16  # CTRL0
TX_FIFO, TX_FLUSH, TX_DMA, RX_FIFO, RX_FLUSH, RX_DMA = (1 << n for n in (6, 7, 15, 22, 23, 31))
TX_BELOW, TX_EMPTY, RX_ABOVE, RX_FULL, SELECTED, DESELECTED = (1 << n for n in range(6))
MASTER_DONE, TX_OVERRUN, RX_UNDERRUN = 1 << 11, 1 << 12, 1 << 15

# fmt: off
WORDS = (
    #    name      offset  writable     read-only    reset
    Word("FIFO32",  0x00),
    Word("CTRL0",   0x04,  0x000F_0133),
    Word("CTRL1",   0x08),
    Word("CTRL2",   0x0C,  0x00FF_BF03),
    Word("SSTIME",  0x10,  0x00FF_FFFF),
    Word("CLKCTRL", 0x14,  0x000F_FFFF),
    Word("DMA",     0x1C,  0x80DF_80DF, 0x3F00_3F00),
    Word("INTFL",   0x20,  0xFB3F),
    Word("INTEN",   0x24,  0xFB3F),
    Word("WKFL",    0x28,  0xF),
    Word("WKEN",    0x2C,  0xF),
    Word("STAT",    0x30,  0,           1),
)
# fmt: on


class Spi(RegisterBlock):
    """One bus; `peripherals` are on it, by their select lines."""

    def __init__(self, place: Placement, around: Surroundings) -> None:
        super().__init__(place.name, place.base_addr, place.size_bytes, WORDS)
        world = around.world.spi
        self.peripherals = {line: world[bus, line] for bus, line in world if bus == place.number}
        self._around = around
        self._to_send = bytearray()
        self._received = bytearray()
        self._is_running = False
        self._n_left = 0  # characters of the transaction
        self._n_to_receive = 0
        self._selected: SpiPeripheral | None = None

    @property
    def asserted(self) -> int:
        """The interrupt line."""
        return int(bool(self.loaded("INTFL") & self.values["INTEN"]))

    @property
    def requests(self) -> int:
        """To receive, and to send."""
        control = self.values["DMA"]
        is_receiving = control & RX_DMA and self._received
        is_sending = control & TX_DMA and len(self._to_send) <= FIFO_BYTES - WORD_BYTES
        return bool(is_receiving) | bool(is_sending) << 1

    def loaded(self, name: str) -> int:
        """What a load of a register gives."""
        match name:
            case "FIFO32":
                return self._receive(WORD_BYTES)
            case "DMA":
                return self.values[name] | len(self._received) << 24 | len(self._to_send) << 8
            case "INTFL":
                return self.values[name] | self._levels()
            case "STAT":
                return int(self._is_running)
        return self.values[name]

    def load_part(self, offset: int, n_bytes: int) -> int:
        """Bytes of the FIFO, or a part of a register."""
        if offset < WORD_BYTES:
            return self._receive(n_bytes)
        return super().load_part(offset, n_bytes)

    def stored(self, name: str, value: int) -> None:
        """What a store of a register does."""
        match name:
            case "FIFO32":
                self._send(value.to_bytes(WORD_BYTES, "little"))
            case "DMA":
                self._control_fifos(value)
            case "INTFL" | "WKFL":
                self.values[name] &= ~value
            case "CTRL0":
                self._control(value)
            case _:
                self.values[name] = value

    def store_part(self, offset: int, n_bytes: int, value: int) -> None:
        """Bytes for the FIFO; registers take words."""
        if offset < WORD_BYTES:
            self._send(value.to_bytes(n_bytes, "little"))
        else:
            super().store_part(offset, n_bytes, value)

    def reset(self) -> None:
        """Return to the state after a system reset."""
        super().reset()
        self._to_send.clear()
        self._received.clear()
        self._end()

    # -- FIFOs -------------------------------------------------------------------------------------

    def _levels(self) -> int:
        control, n_send, n_received = self.values["DMA"], len(self._to_send), len(self._received)
        return (
            (TX_BELOW if n_send < max(1, control & 0x1F) else 0)
            | (0 if n_send else TX_EMPTY)
            | (RX_ABOVE if n_received > control >> 16 & 0x1F else 0)
            | (RX_FULL if n_received == FIFO_BYTES else 0)
        )

    def _control_fifos(self, value: int) -> None:
        if value & TX_FLUSH:
            self._to_send.clear()
        if value & RX_FLUSH:
            self._received.clear()
        self.values["DMA"] = value & ~(TX_FLUSH | RX_FLUSH | 0x3F00_3F00)
        if value & (TX_DMA | RX_DMA):
            self._around.poke_dma()

    def _send(self, data: bytes) -> None:
        if len(self._to_send) + len(data) > FIFO_BYTES:
            self.values["INTFL"] |= TX_OVERRUN
            self.object_to("the program sends bytes into the full transmit FIFO")
            return
        self._to_send += data
        if self._is_running:
            self._go_on()

    def _receive(self, n_bytes: int) -> int:
        self._around.timeline.end_polling()
        if len(self._received) < n_bytes:
            self.values["INTFL"] |= RX_UNDERRUN
            n_there = len(self._received)
            self.object_to(f"the program takes {n_bytes} bytes of {n_there} in the receive FIFO")
        data = bytes(self._received[:n_bytes])
        del self._received[:n_bytes]
        if self._is_running:
            self._go_on()
        return int.from_bytes(data, "little")

    # -- transactions ------------------------------------------------------------------------------

    def _control(self, value: int) -> None:
        """CTRL0: enable, start, and whether to stay selected at the end."""
        self.values["CTRL0"] = value & ~START
        if not value & ENABLE:
            self._is_running = False
            self._deselect()
        elif value & START:
            if not value & MASTER:
                raise self.fault("being a slave is not modelled", "set CTRL0 bit 1")
            self._begin()
        elif not self._is_running and not value & KEEP_SELECTED:
            self._deselect()

    def _begin(self) -> None:
        counts, fifos = self.values["CTRL1"], self.values["DMA"]
        n_send = counts & 0xFFFF if fifos & TX_FIFO else 0
        self._n_to_receive = counts >> 16 if fifos & RX_FIFO else 0
        self._n_left = n_send or self._n_to_receive
        self._is_running = True
        self._select()
        self._go_on()

    def _go_on(self) -> None:
        """Move characters as far as the FIFOs allow."""
        n_bits = self.values["CTRL2"] >> 8 & 0xF or 16
        n_bytes = 1 if n_bits <= 8 else 2
        is_sending = self.values["DMA"] & TX_FIFO and self.values["CTRL1"] & 0xFFFF
        while self._n_left:
            n_chars = self._n_left
            if is_sending:
                n_chars = min(n_chars, len(self._to_send) // n_bytes)
            if self._n_to_receive:
                n_chars = min(n_chars, (FIFO_BYTES - len(self._received)) // n_bytes)
            if not n_chars:
                break
            self._move(n_chars, n_bytes, n_bits)
        else:
            self._end()
        if self.requests:
            self._around.poke_dma()

    def _move(self, n_chars: int, n_bytes: int, n_bits: int) -> None:
        data = bytes(self._to_send[: n_chars * n_bytes]).ljust(n_chars * n_bytes, b"\0")
        del self._to_send[: n_chars * n_bytes]
        mask = (1 << n_bits) - 1
        words = tuple(
            int.from_bytes(data[at : at + n_bytes], "little") & mask
            for at in range(0, len(data), n_bytes)
        )
        answer = (0,) * n_chars
        if self._selected is not None:
            answer = self._selected.transfer(words, n_bits)
        n_kept = min(n_chars, self._n_to_receive)
        for word in answer[:n_kept]:
            self._received += (word & mask).to_bytes(n_bytes, "little")
        self._n_to_receive -= n_kept
        self._n_left -= n_chars

    def _end(self) -> None:
        if self._is_running:
            self.values["INTFL"] |= MASTER_DONE
        self._is_running = False
        self._n_left = self._n_to_receive = 0
        if not self.values["CTRL0"] & KEEP_SELECTED:
            self._deselect()

    def _select(self) -> None:
        if self._selected is not None:
            return
        lines = self.values["CTRL0"] >> SELECT_SHIFT
        chosen = [line for line in range(N_SELECTS) if lines >> line & 1]
        self._selected = self.peripherals.get(chosen[0]) if len(chosen) == 1 else None
        self.values["INTFL"] |= SELECTED
        if self._selected is not None:
            self._selected.select()

    def _deselect(self) -> None:
        if self._selected is not None:
            self._selected.deselect()
            self.values["INTFL"] |= DESELECTED
        self._selected = None
