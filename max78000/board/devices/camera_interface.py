"""The parallel camera interface: frames from an image sensor, words into a FIFO.

A frame arrives line by line if the DMA takes it, else as many words at a time as the threshold
says; what finds no room in the FIFO is lost. Embedded timing codes are not modelled.

Source: docs/hardware/board.md#camera; [UG] CAMERAIF; [MSDK] cameraif_regs.h, cameraif_reva.c.
"""

from collections import deque
from collections.abc import Callable
from typing import cast

import numpy as np

from max78000.board.placement import Placement, Surroundings
from max78000.board.registers import ALL, RegisterBlock, Word
from max78000.board.timeline import Event
from max78000.board.world import ImageSensor, SensorFrame
from max78000.facts.chip import WORD_BYTES

FIFO_WORDS = 8
READ_MODE, SINGLE, CONTINUOUS = 3, 1, 2
WIDE = 3 << 2  # DATA_WIDTH is not 8 bits
EMBEDDED, DMA, EXPAND, ENABLE = 1 << 4, 1 << 16, 1 << 30, 1 << 31
DONE, FULL, THRESHOLD, NOT_EMPTY = 1, 2, 4, 8

# fmt: off
WORDS = (
    #    name              offset  writable     read-only  reset
    Word("VER",             0x00,  0,           0xFFFF),
    Word("FIFO_SIZE",       0x04,  0,           0xFF,      FIFO_WORDS),
    Word("CTRL",            0x08,  0xC01F_03FF, 0,         1 << 17 | 1 << 5),
    Word("INT_EN",          0x0C,  0xF),
    Word("INT_FL",          0x10,  DONE,        FULL | THRESHOLD | NOT_EMPTY),
    Word("DS_TIMING_CODES", 0x14,  0xFFFF,      0,         0x9D80),
    Word("FIFO_DATA",       0x30,  0,           ALL),
)
PINS = (
    #  role     port  pins            function
    ("D0..D7",  0,    range(20, 28),  2),
    ("VSYNC",   0,    range(15, 16),  2),
    ("HSYNC",   1,    range(8, 9),    1),
    ("PCLK",    1,    range(9, 10),   1),
)
# fmt: on


class CameraInterface(RegisterBlock):
    """The interface; `sensor` is what hangs on its pins."""

    def __init__(self, place: Placement, around: Surroundings) -> None:
        super().__init__(place.name, place.base_addr, place.size_bytes, WORDS)
        self.sensor: ImageSensor | None = around.world.camera
        self._around = around
        self._timeline = around.timeline
        self._fifo: deque[int] = deque()
        self._line: deque[int] = deque()  # of the present line, not yet at the pins
        self._frame: SensorFrame | None = None
        self._n_lines = 0  # of the frame so far
        self._carry = b""  # bytes that do not fill a word yet
        self._next: Event | None = None

    @property
    def asserted(self) -> int:
        """The interrupt line."""
        return int(bool(self.loaded("INT_FL") & self.values["INT_EN"]))

    @property
    def requests(self) -> int:
        """Both request numbers of the interface ask for the same words."""
        return 3 if self._fifo and self.values["CTRL"] & DMA else 0

    def loaded(self, name: str) -> int:
        """What a load of a register gives."""
        match name:
            case "INT_FL":
                return self._flags()
            case "FIFO_DATA":
                return self._take()
        return self.values[name]

    def stored(self, name: str, value: int) -> None:
        """What a store of a register does."""
        if name == "INT_FL":
            self.values[name] &= ~(value & DONE)
            return
        self.values[name] = value
        if name == "CTRL":
            self._begin_or_stop()

    def reset(self) -> None:
        """Return to the state after a system reset; a frame on its way is lost."""
        super().reset()
        self._stop()
        self._fifo.clear()

    def _flags(self) -> int:
        level = len(self._fifo)
        threshold = max(1, self.values["CTRL"] >> 5 & 0x1F)
        flags = self.values["INT_FL"] & DONE
        flags |= NOT_EMPTY if level else 0
        flags |= THRESHOLD if level >= threshold else 0
        return flags | (FULL if level >= FIFO_WORDS else 0)

    def _take(self) -> int:
        self._timeline.end_polling()
        if not self._fifo:
            self.object_to("the program takes a word from the empty FIFO")
            return 0
        return self._fifo.popleft()

    # -- a frame -----------------------------------------------------------------------------------

    def _begin_or_stop(self) -> None:
        control = self.values["CTRL"]
        is_wanted = control & ENABLE and control & READ_MODE
        if not is_wanted:
            self._stop()
        elif self._frame is None:
            self._begin()

    def _begin(self) -> None:
        """Wait for the next frame of the sensor.

        Raises:
            BoardError: nothing is there, or something is not set up.
        """
        if self.values["CTRL"] & EMBEDDED:
            raise self.fault("embedded timing codes are not modelled", "clear CTRL bit 4")
        if self.sensor is None:
            raise self.fault("the program waits for a frame, but no camera is connected")
        missing = [
            f"{role} (P{port}.{pins.start})"
            for role, port, pins, function in PINS
            if any(self._around.ports[port].function(pin) != function for pin in pins)
        ]
        if missing:
            raise self.fault(f"pins do not have their function: {', '.join(missing)}")
        self._frame = self.sensor.expose()
        self._n_lines = 0
        self._carry = b""
        self._after(self._frame.wait_ns, self._on_line)

    def _stop(self) -> None:
        if self._next is not None:
            self._next.cancel()
        self._next = self._frame = None
        self._line.clear()

    def _after(self, delay_ns: int, action: Callable[[], None]) -> None:
        self._next = self._timeline.at(self._timeline.now_ns + delay_ns, action)

    def _on_line(self) -> None:
        """A line begins; what nobody took of the last one is lost."""
        self._lose_surplus()
        frame = cast("SensorFrame", self._frame)
        if self._n_lines == len(frame.lines):
            self._on_end()
            return
        words = self._frame_words(frame.lines[self._n_lines])
        self._n_lines += 1
        is_last = self._n_lines == len(frame.lines)
        gap_ns = frame.line_ns + (frame.end_ns if is_last else 0)
        if self.values["CTRL"] & DMA:
            self._fifo.extend(words)  # the FIFO holds more until the DMA has looked
            self._around.poke_dma()
            self._after(gap_ns, self._on_line)
        else:
            self._line.extend(words)
            self._deliver(frame.line_ns // max(1, len(words)), gap_ns)

    def _deliver(self, word_ns: int, rest_ns: int) -> None:
        """Let as many words arrive as the threshold says, and the others later."""
        threshold = max(1, self.values["CTRL"] >> 5 & 0x1F)
        n_words = min(threshold, len(self._line))
        self._fifo.extend(self._line.popleft() for _ in range(n_words))
        self._lose_surplus()
        if not self._line:
            self._after(rest_ns, self._on_line)
            return
        used_ns = word_ns * n_words
        self._after(used_ns, lambda: self._deliver(word_ns, rest_ns - used_ns))

    def _lose_surplus(self) -> None:
        n_lost = len(self._fifo) - FIFO_WORDS
        if n_lost > 0:
            for _ in range(n_lost):
                self._fifo.pop()
            self.object_to("a line of the camera does not fit the FIFO", "take words earlier")

    def _frame_words(self, line: bytes) -> list[int]:
        """The bytes of a line as words of the FIFO."""
        control = self.values["CTRL"]
        data = self._carry + line
        n_bytes = 2 if control & (EXPAND | WIDE) else WORD_BYTES
        n_kept = len(data) // n_bytes * n_bytes
        self._carry = data[n_kept:]
        if control & EXPAND:  # a pixel of 5, 6 and 5 bits becomes 8, 8, 8 and a byte of zeros
            first, second = (
                np.frombuffer(data[:n_kept], np.uint8).astype(np.uint32).reshape(-1, 2).T
            )
            red, blue = first & 0xF8, second << 3 & 0xF8
            green = first << 5 & 0xE0 | second >> 3 & 0x1C
            return [int(word) for word in red | green << 8 | blue << 16]
        if control & WIDE:  # each byte is one sample of 16 bits
            wide = np.frombuffer(data[:n_kept], np.uint8).astype("<u2")
            return [int(word) for word in wide.view("<u4")]
        return [int(word) for word in np.frombuffer(data[:n_kept], "<u4")]

    def _on_end(self) -> None:
        """The next frame begins, which tells that this one is over."""
        self._frame = None
        self.values["INT_FL"] |= DONE
        self._timeline.note(self.name, "frame done")
        if self.values["CTRL"] & READ_MODE == SINGLE:
            self.values["CTRL"] &= ~READ_MODE
            self._next = None
        else:
            self._begin()
