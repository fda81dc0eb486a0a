"""I2S as a master: samples of a microphone into the receive FIFO, samples out of the other one.

The sample clock comes from the 12.288 MHz oscillator on the board. What comes in is worked out when
software looks; the DMA is served some samples at a time. External clocks, PDM and filters are
refused.

Source: docs/hardware/board.md#microphone; [UG] I2S; [MSDK] i2s_regs.h, i2s_reva.c.
"""

from collections import deque

import numpy as np

from max78000.board.devices.i2s_words import Format
from max78000.board.placement import Placement, Surroundings
from max78000.board.registers import RegisterBlock, Word
from max78000.board.timeline import NS_PER_S, Event
from max78000.board.world import SampleSource

FIFO_WORDS = 8
FIFO_OFFSET = 0x40
CLOCK_HZ = 12_288_000
BURST = 16  # samples between two times that the DMA is served
PDM = 0x3C  # CTRL0: all that belongs to PDM
TX_ON, RX_ON, FLUSH, RESET = 1 << 16, 1 << 17, 1 << 18, 1 << 19  # CTRL0
CLOCK_ON = 1 << 8  # CTRL1
TX_DMA, RX_DMA = 1 << 7, 1 << 15  # DMA
RX_OVERRUN, RX_LEVEL, TX_LAST, TX_HALF = 1, 2, 4, 8  # INTFL

# fmt: off
WORDS = (
    #    name       offset  writable     read-only
    Word("CTRL0",    0x00,  0xFF1F_FFFE),
    Word("CTRL1",    0x10,  0xFFFF_BF1F),
    Word("FILT",     0x20),
    Word("DMA",      0x30,  0x0000_FFFF, 0xFFFF_0000),
    Word("FIFO",     FIFO_OFFSET),
    Word("INTFL",    0x50,  0xF),
    Word("INTEN",    0x54,  0xF),
    Word("EXTSETUP", 0x58,  0x1F),
    Word("WKEN",     0x5C), Word("WKFL",  0x60),
)
# fmt: on


class I2s(RegisterBlock):
    """The audio interface; `source` is heard, `played` was sent."""

    def __init__(self, place: Placement, around: Surroundings) -> None:
        super().__init__(place.name, place.base_addr, place.size_bytes, WORDS)
        self.source: SampleSource | None = around.world.microphone
        self.played: list[int] = []  # samples of 16 bits
        self.played_rate_hz = 0.0
        self._around = around
        self._timeline = around.timeline
        self._listening_ns: int | None = None  # since a sample was first taken
        self._started_ns = 0  # of the present sample clock
        self._first = 0  # sample of the source at that time
        self._n_heard = self._n_played = 0  # samples since then
        self._received: deque[int] = deque()
        self._units: list[int] = []  # that do not fill a word yet
        self._to_play: deque[int] = deque()
        self._next: Event | None = None

    @property
    def asserted(self) -> int:
        """The interrupt line."""
        return int(bool(self._flags() & self.values["INTEN"]))

    @property
    def requests(self) -> int:
        """To receive, and to send."""
        control = self.values["DMA"]
        is_receiving = control & RX_DMA and self._received
        is_sending = control & TX_DMA and len(self._to_play) < self._n_room
        return bool(is_receiving) | bool(is_sending) << 1

    @property
    def rate_hz(self) -> float:
        """Samples a second; 0 while the clock is off."""
        control = self.values["CTRL1"]
        if not control & CLOCK_ON:
            return 0.0
        return CLOCK_HZ / (2 * ((control >> 16) + 1)) / (2 * ((control & 0x1F) + 1))

    @property
    def n_heard(self) -> int:
        """Samples of the source that have passed by."""
        self._settle()
        return 0 if self._listening_ns is None else self._first + self._n_heard

    # -- registers ---------------------------------------------------------------------------------

    def loaded(self, name: str) -> int:
        """What a load of a register gives."""
        if name in ("DMA", "INTFL"):
            self._settle()
            if name == "INTFL":
                return self._flags()
            return self.values[name] | len(self._to_play) << 16 | len(self._received) << 24
        if name == "FIFO":
            return self._take()
        return self.values[name]

    def stored(self, name: str, value: int) -> None:
        """What a store of a register does."""
        self._settle()
        match name:
            case "INTFL":
                self.values[name] &= ~value
            case "FIFO":
                self._put(value)
            case "DMA":
                self.values[name] = value & 0xFFFF
                self._around.poke_dma()
            case "CTRL0" | "CTRL1":
                self._control(name, value)
            case _:
                self.values[name] = value
        self._expect()

    def store_part(self, offset: int, n_bytes: int, value: int) -> None:
        """A part of a word for the FIFO is taken for the word, as the DMA gives it."""
        if offset & ~3 == FIFO_OFFSET:
            self.store(FIFO_OFFSET, value)
        else:
            super().store_part(offset, n_bytes, value)

    def reset(self) -> None:
        """Return to the state after a system reset."""
        super().reset()
        self._flush()
        self._expect()

    def _flags(self) -> int:
        n_words = len(self._to_play)
        flags = self.values["INTFL"]
        if self.values["CTRL0"] & TX_ON:
            flags |= (TX_LAST if n_words <= 1 else 0) | (TX_HALF if n_words <= 4 else 0)
        return flags

    def _control(self, name: str, value: int) -> None:
        before = self.rate_hz, self.values["CTRL0"] & (TX_ON | RX_ON)
        if name == "CTRL0":
            if value & PDM or value >> 6 & 3:
                raise self.fault("PDM and external clocks are not modelled", "clear CTRL0 bits 7:2")
            if value & (FLUSH | RESET):
                self._flush()
            value &= ~(FLUSH | RESET)
        self.values[name] = value
        if before != (self.rate_hz, self.values["CTRL0"] & (TX_ON | RX_ON)):
            self._restart()

    def _restart(self) -> None:
        """Another sample clock, or another direction."""
        now_ns, rate_hz = self._timeline.now_ns, self.rate_hz
        self._started_ns = now_ns
        since_ns = 0 if self._listening_ns is None else now_ns - self._listening_ns
        self._first = round(since_ns * rate_hz / NS_PER_S)
        self._n_heard = self._n_played = 0

    def _flush(self) -> None:
        self._received.clear()
        self._units.clear()
        self._to_play.clear()

    # -- samples -----------------------------------------------------------------------------------

    @property
    def _format(self) -> Format:
        control, clock = self.values["CTRL0"], self.values["CTRL1"]
        n_bits = (clock & 0x1F) + 1
        n_sample_bits = (clock >> 9 & 0x1F) + 1
        return Format(
            stereo=control >> 12 & 3,
            n_bits=n_bits,
            n_sample_bits=n_bits if n_sample_bits == 1 else n_sample_bits,
            fifo_bits=(8, 16, 32, 32)[control >> 14 & 3],
            is_right_aligned=bool(control >> 10 & 1),
        )

    def _settle(self) -> None:
        """Let happen what the sample clock has done since the last look."""
        rate_hz = self.rate_hz
        if not rate_hz:
            return
        n_samples = int((self._timeline.now_ns - self._started_ns) * rate_hz / NS_PER_S)
        # counted first, since the DMA looks here again
        first, self._n_heard = self._n_heard, n_samples
        if self.values["CTRL0"] & RX_ON and n_samples > first:
            self._hear(self._first + first, n_samples - first, rate_hz)
        first, self._n_played = self._n_played, n_samples
        if self.values["CTRL0"] & TX_ON and n_samples > first:
            self._play(first, n_samples, rate_hz)

    def _hear(self, first: int, n_samples: int, rate_hz: float) -> None:
        form = self._format
        is_served = bool(self.values["DMA"] & RX_DMA)
        self._lose_surplus()
        most = n_samples
        if not is_served:  # more than the FIFO holds need not be worked out
            most = min(n_samples, (FIFO_WORDS + 1) * form.units_per_word)
        if self.source is None or self._listening_ns is None:
            left: tuple[int, ...] = (0,) * most
        else:
            left = self.source.samples(first, most, rate_hz)
        self._units += form.units(left)
        while len(self._units) >= form.units_per_word:
            self._received.append(form.pack(self._units[: form.units_per_word]))
            del self._units[: form.units_per_word]
        if is_served:  # the FIFO holds more until the DMA has looked
            self._around.poke_dma()
        else:
            self._lose_surplus()
        threshold = max(1, self.values["CTRL0"] >> 24)
        if len(self._received) >= threshold:
            self.values["INTFL"] |= RX_LEVEL

    def _lose_surplus(self) -> None:
        n_lost = len(self._received) - FIFO_WORDS
        if n_lost > 0:
            for _ in range(n_lost):
                self._received.pop()
            self.values["INTFL"] |= RX_OVERRUN
            self._timeline.note(self.name, "samples are lost: the receive FIFO is full")

    def _play(self, first: int, last: int, rate_hz: float) -> None:
        """Take the words that begin between two samples, however often this is looked at."""
        form = self._format
        begun, due = (-(-n * form.n_channels // form.units_per_word) for n in (first, last))
        words = [self._to_play.popleft() for _ in range(min(due - begun, len(self._to_play)))]
        if words:
            self.played_rate_hz = rate_hz
            self.played += form.samples(words)
        if self.values["DMA"] & TX_DMA:
            self._around.poke_dma()

    def _take(self) -> int:
        self._settle()
        self._timeline.end_polling()
        if self._listening_ns is None:  # what is heard begins here
            self._listening_ns, self._first = self._timeline.now_ns, -self._n_heard
        if not self._received:
            self.object_to("the program takes a word from the empty receive FIFO")
            return 0
        return self._received.popleft()

    @property
    def _n_room(self) -> int:
        """Words for the transmit FIFO, which holds more while the DMA fills it some at a time."""
        return 2 * FIFO_WORDS + 2 * BURST if self.values["DMA"] & TX_DMA else FIFO_WORDS

    def _put(self, word: int) -> None:
        if len(self._to_play) >= self._n_room:
            self.object_to("the program sends a word into the full transmit FIFO")
        else:
            self._to_play.append(word)

    # -- events ------------------------------------------------------------------------------------

    def _expect(self) -> None:
        """Schedule the next time that something has to be looked at without being asked."""
        if self._next is not None:
            self._next.cancel()
            self._next = None
        n_samples = self._n_until_wanted()
        if n_samples and self.rate_hz:
            due = (max(self._n_heard, self._n_played) + n_samples) / self.rate_hz
            time_ns = self._started_ns + int(np.ceil(due * NS_PER_S)) + 1
            self._next = self._timeline.at(time_ns, self._on_time)

    def _n_until_wanted(self) -> int:
        """Samples until an interrupt or the DMA; 0: nobody waits."""
        control, dma = self.values["CTRL0"], self.values["DMA"]
        is_served = (control & RX_ON and dma & RX_DMA) or (control & TX_ON and dma & TX_DMA)
        if is_served:
            return BURST
        if control & TX_ON and self.values["INTEN"] & (TX_LAST | TX_HALF):
            return 1
        if control & RX_ON and self.values["INTEN"] & (RX_LEVEL | RX_OVERRUN):
            form = self._format
            n_words = max(1, (control >> 24) - len(self._received))
            n_units = n_words * form.units_per_word - len(self._units)
            return max(1, -(-n_units // form.n_channels))
        return 0

    def _on_time(self) -> None:
        self._next = None
        self._settle()
        self._expect()
