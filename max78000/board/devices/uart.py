"""UART0, the console: bytes from the program, bytes for the program.

The line is infinitely fast and the host never overruns the receiver: it hands over a byte when
there is room. But the program must have set everything up; what goes wrong on a real board in
silence is refused by name.

Source: docs/hardware/firmware.md#uart; [MSDK] uart_regs.h, uart_ai85.c, uart_revb.c.
"""

from collections import deque
from collections.abc import Callable

from max78000.board.device import INTERRUPT
from max78000.board.placement import Placement, Surroundings
from max78000.board.registers import RegisterBlock, Word

BAUD = 115_200
TOLERANCE = 0.03
FIFO_BYTES = 8
STATUS, INT_FL = 0x04, 0x0C  # offsets
RX_PIN, TX_PIN = 0, 1  # of port 0
CLOCK_PCLK, CLOCK_IBRO = 0, 2  # CTRL.BCLKSRC
RX_OVERRUN, RX_THRESHOLD, TX_HALF_EMPTY = 1 << 3, 1 << 4, 1 << 6

# fmt: off
WORDS = (
    #    name      offset  writable     read-only
    Word("CTRL",    0x00,  0x0023_BFFF, 1 << 19),
    Word("STATUS",  0x04,  0,           0xFFFF),
    Word("INT_EN",  0x08,  0x7F),
    Word("INT_FL",  0x0C,  0x7F),
    Word("CLKDIV",  0x10,  0xF_FFFF),
    Word("OSR",     0x14,  7),
    Word("PNR",     0x1C,  0xF),
    Word("FIFO",    0x20,  0xFF),
    Word("DMA",     0x30,  0x3FF),
    Word("WKEN",    0x34,  7),
    Word("WKFL",    0x38,  7),
)
# fmt: on


class Uart(RegisterBlock):
    """The registers, and the two queues behind them: `sent` and what `feed` brings."""

    def __init__(self, place: Placement, around: Surroundings) -> None:
        super().__init__(place.name, place.base_addr, place.size_bytes, WORDS)
        self.sent = bytearray()  # all the program ever sent
        self.on_sent: Callable[[], None] | None = None  # called after every byte
        self._clocks = around.clocks
        self._port = around.ports[0]
        self._timeline = around.timeline
        self._waiting: deque[int] = deque()

    @property
    def asserted(self) -> int:
        """The interrupt line."""
        return int(bool(self.loaded("INT_FL") & self.values["INT_EN"]))

    def feed(self, data: bytes) -> None:
        """Bytes from the host, for the program to receive when it likes."""
        self._waiting.extend(data)
        self._timeline.end_polling()

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
                threshold = max(self.values["CTRL"] & 0xF, 1)
                return value | (RX_THRESHOLD if len(self._waiting) >= threshold else 0)
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
                self._require_line("sends")
                self.sent.append(value)
                if self.on_sent is not None:
                    self.on_sent()
            case _:
                self.values[name] = value

    def reset(self) -> None:
        """Return to the state after a system reset; bytes on the line are lost."""
        super().reset()
        self._waiting.clear()

    def _receive(self) -> int:
        self._require_line("receives")
        if not self._waiting:
            self.object_to("the program takes a byte from the empty receive FIFO")
            return 0
        self._timeline.end_polling()
        return self._waiting.popleft()

    def _require_line(self, verb: str) -> None:
        """Refuse to move a byte while something is not set up.

        Raises:
            BoardError: names all that is missing, on a strict board.
        """
        missing = self._missing()
        if missing:
            self.object_to(f"the program {verb}, but {'; '.join(missing)}")

    def _missing(self) -> list[str]:
        clocks, port = self._clocks, self._port
        control, divider = self.values["CTRL"], self.values["CLKDIV"]
        missing = []
        if not control >> 15 & 1:
            missing.append("its clock is not enabled (CTRL bit 15)")
        if control >> 10 & 3 != 3:
            missing.append("characters do not have 8 bits (CTRL bits 11:10)")
        if control >> 4 & 1 or control >> 12 & 1:
            missing.append("parity or a second stop bit is on (CTRL bits 4, 12)")
        source = control >> 16 & 3
        if source == CLOCK_IBRO and not clocks.is_running("IBRO"):
            missing.append("IBRO is off (GCR CLKCTRL bit 20)")
        if source not in (CLOCK_PCLK, CLOCK_IBRO):
            missing.append(f"its clock source {source} is not modelled (CTRL bits 17:16)")
        clock_hz = 7_372_800 if source == CLOCK_IBRO else clocks.peripheral_clock_hz
        baud = clock_hz / divider if divider else 0.0
        if abs(baud - BAUD) > TOLERANCE * BAUD:
            missing.append(f"it runs at {baud:.0f} baud instead of {BAUD} (CLKDIV is {divider})")
        for role, pin in (("RX", RX_PIN), ("TX", TX_PIN)):
            if port.function(pin) != 1:
                missing.append(f"pin P0.{pin} ({role}) does not have alternate function 1")
        return missing
