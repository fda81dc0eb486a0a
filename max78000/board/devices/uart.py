"""UART0 to UART3: bytes from the program, bytes for the program.

The line is infinitely fast and whoever sends never overruns the receiver: a byte is handed over
when there is room. But the program must have set everything up; what goes wrong on a real board in
silence is objected to by name. UART0 is the console. A wire (`World.serial_wires`) leads from one
to another, or back.

Source: docs/hardware/firmware.md#uart; [MSDK] uart_regs.h, uart_ai85.c, uart_revb.c, pins_ai85.c.
"""

from collections import deque
from collections.abc import Callable

from max78000.board.device import INTERRUPT
from max78000.board.placement import Placement, Surroundings
from max78000.board.registers import RegisterBlock, Word
from max78000.board.timeline import Event

BAUD = 115_200
TOLERANCE = 0.03
FIFO_BYTES = 8
DRAIN_NS = 10_000  # from a byte to the interrupt that there is room; chosen
CLOCK_PCLK, CLOCK_IBRO = 0, 2  # CTRL.BCLKSRC
RX_OVERRUN, RX_THRESHOLD, TX_ONE_LEFT, TX_HALF_EMPTY = 1 << 3, 1 << 4, 1 << 5, 1 << 6
DMA_TX_ON, DMA_RX_ON = 1 << 4, 1 << 9
WAKE_NOT_EMPTY, WAKE_FULL, WAKE_THRESHOLD = 1, 2, 4
STATUS, INT_FL = 0x04, 0x0C  # offsets

# fmt: off
WORDS = (
    #    name      offset  writable     read-only
    Word("CTRL",    0x00,  0x0077_FFFF, 1 << 19),
    Word("STATUS",  STATUS, 0,          0xFFFF),
    Word("INT_EN",  0x08,  0x7F),
    Word("INT_FL",  INT_FL, 0x7F),
    Word("CLKDIV",  0x10,  0xF_FFFF),
    Word("OSR",     0x14,  7),
    Word("TXPEEK",  0x18,  0,           0xFF),
    Word("PNR",     0x1C,  0xE,         1),
    Word("FIFO",    0x20,  0xFF,        0x100),
    Word("DMA",     0x30,  0x3FF),
    Word("WKEN",    0x34,  7),
    Word("WKFL",    0x38,  7),
)
#           port, RX, TX, alternate function, of each UART
PINS = ((0, 0, 1, 1), (0, 12, 13, 1), (1, 0, 1, 1), (2, 6, 7, 2))
# fmt: on


class Uart(RegisterBlock):
    """The registers, and the two queues behind them: `sent` and what `feed` brings."""

    def __init__(self, place: Placement, around: Surroundings) -> None:
        super().__init__(place.name, place.base_addr, place.size_bytes, WORDS)
        self.sent = bytearray()  # all the program ever sent
        self.on_sent: Callable[[], None] | None = None  # called after every byte
        self._around = around
        self._number = place.number
        self._timeline = around.timeline
        self._waiting: deque[int] = deque()
        self._drained: Event | None = None  # when who waits for room is told
        peer = around.world.serial_wires.get(place.number)
        self._peer = None if peer is None else f"UART{peer}"

    @property
    def asserted(self) -> int:
        """The interrupt line."""
        enabled = self.values["INT_EN"]
        return int(bool(enabled and self._flags & enabled))

    @property
    def requests(self) -> int:
        """There is something to receive; there is always room to send."""
        control = self.values["DMA"]
        threshold = max(control >> 5 & 0xF, 1)
        is_receiving = control & DMA_RX_ON and len(self._waiting) >= threshold
        return int(bool(is_receiving)) | int(bool(control & DMA_TX_ON)) << 1

    def feed(self, data: bytes) -> None:
        """Bytes from the host, for the program to receive when it likes."""
        self._waiting.extend(data)
        self._timeline.end_polling()
        self._around.poke_dma()

    def loaded(self, name: str) -> int:
        """What a load of a register gives."""
        value = self.values[name]
        match name:
            case "CTRL":
                return value | (value >> 15 & 1) << 19  # the clock is ready as soon as it is on
            case "STATUS":
                level = min(len(self._waiting), FIFO_BYTES)
                is_empty, is_full = level == 0, level == FIFO_BYTES
                return is_empty << 4 | is_full << 5 | 1 << 6 | level << 8
            case "INT_FL":
                return self._flags
            case "WKFL":
                return value | self._wake_flags
            case "FIFO":
                return self._receive()
        return value

    def awaits(self, offset: int) -> str:
        """A byte, if the program asks whether there is one."""
        is_asked = offset in (STATUS, INT_FL, INTERRUPT) and not self._waiting
        return f"input on {self.name}" if is_asked else ""

    def stored(self, name: str, value: int) -> None:
        """What a store of a register does."""
        match name:
            case "CTRL":
                if value >> 9 & 1:
                    self._waiting.clear()
                self.values[name] = value & ~(3 << 8)  # flushed at once
            case "INT_FL" | "WKFL":
                self.values[name] &= ~value
            case "FIFO":
                self._send(value & 0xFF)
            case _:
                self.values[name] = value
                self._around.poke_dma()

    def store_part(self, offset: int, n_bytes: int, value: int) -> None:
        """Take a byte for the FIFO."""
        if offset == 0x20:
            self._send(value & 0xFF)
        else:
            super().store_part(offset, n_bytes, value)

    def reset(self) -> None:
        """Return to the state after a system reset; bytes on the line are lost."""
        super().reset()
        self._waiting.clear()
        if self._drained is not None:
            self._drained.cancel()
            self._drained = None

    @property
    def _flags(self) -> int:
        threshold = max(self.values["CTRL"] & 0xF, 1)
        return self.values["INT_FL"] | (RX_THRESHOLD if len(self._waiting) >= threshold else 0)

    @property
    def _wake_flags(self) -> int:
        level, threshold = len(self._waiting), max(self.values["CTRL"] & 0xF, 1)
        flags = WAKE_NOT_EMPTY if level else 0
        flags |= WAKE_FULL if level >= FIFO_BYTES else 0
        return flags | (WAKE_THRESHOLD if level >= threshold else 0)

    def _send(self, byte: int) -> None:
        self._require_line("sends")
        self.sent.append(byte)
        if self.on_sent is not None:
            self.on_sent()
        if not self.values["INT_EN"] & (TX_ONE_LEFT | TX_HALF_EMPTY):
            self._on_drained()
        elif self._drained is None:
            now_ns = self._timeline.now_ns
            self._drained = self._timeline.at(now_ns + DRAIN_NS, self._on_drained)
        peer = self._around.devices.get(self._peer) if self._peer else None
        if isinstance(peer, Uart):
            peer.feed(bytes([byte]))

    def _on_drained(self) -> None:
        """The FIFO has run empty, past both of its marks."""
        self._drained = None
        self.values["INT_FL"] |= TX_ONE_LEFT | TX_HALF_EMPTY

    def _receive(self) -> int:
        self._require_line("receives")
        if not self._waiting:
            self.object_to("the program takes a byte from the empty receive FIFO")
            return 0
        self._timeline.end_polling()
        return self._waiting.popleft()

    def _require_line(self, verb: str) -> None:
        """Object to moving a byte while something is not set up.

        Raises:
            BoardError: names all that is missing, on a strict board.
        """
        missing = self._missing_pins() + self._missing_format() + self._missing_clock()
        if missing:
            self.object_to(f"the program {verb}, but {'; '.join(missing)}")

    def _missing_format(self) -> list[str]:
        control = self.values["CTRL"]
        missing = []
        if not control >> 15 & 1:
            missing.append("its clock is not enabled (CTRL bit 15)")
        if self._number:
            return missing
        if control >> 10 & 3 != 3:
            missing.append("characters do not have 8 bits (CTRL bits 11:10)")
        if control >> 4 & 1 or control >> 12 & 1:
            missing.append("parity or a second stop bit is on (CTRL bits 4, 12)")
        return missing

    def _missing_clock(self) -> list[str]:
        clocks = self._around.clocks
        source, divider = self.values["CTRL"] >> 16 & 3, self.values["CLKDIV"]
        missing = []
        if source == CLOCK_IBRO and not clocks.is_running("IBRO"):
            missing.append("IBRO is off (GCR CLKCTRL bit 20)")
        if self._number:
            return missing
        if source not in (CLOCK_PCLK, CLOCK_IBRO):
            missing.append(f"its clock source {source} is not modelled (CTRL bits 17:16)")
        clock_hz = 7_372_800 if source == CLOCK_IBRO else clocks.peripheral_clock_hz
        baud = clock_hz / divider if divider else 0.0
        if abs(baud - BAUD) > TOLERANCE * BAUD:
            missing.append(f"it runs at {baud:.0f} baud instead of {BAUD} (CLKDIV is {divider})")
        return missing

    def _missing_pins(self) -> list[str]:
        port, rx_pin, tx_pin, function = PINS[self._number]
        return [
            f"pin P{port}.{pin} ({role}) does not have alternate function {function}"
            for role, pin in (("RX", rx_pin), ("TX", tx_pin))
            if self._around.ports[port].function(pin) != function
        ]
