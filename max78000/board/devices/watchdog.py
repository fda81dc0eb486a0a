"""WDT: interrupts when it is not fed for a while, and resets the chip after a longer one.

With the window on, feeding too early counts as well. The flags that tell of a reset survive it.

Source: [MSDK] wdt_regs.h, wdt_revb.c.
"""

from collections.abc import Callable

from max78000.board.placement import Placement, Surroundings
from max78000.board.registers import RegisterBlock, Word
from max78000.board.timeline import NS_PER_S, Event

ENABLE, LATE_FLAG, INTERRUPT_ON, RESET_ON, EARLY_FLAG = 1 << 8, 1 << 9, 1 << 10, 1 << 11, 1 << 12
WINDOW_ON, RESET_EARLY, RESET_LATE = 1 << 29, 1 << 30, 1 << 31
CLOCK_READY = 1 << 28
FLAGS = LATE_FLAG | EARLY_FLAG | RESET_EARLY | RESET_LATE
FEED = (0xA5, 0x5A)
LONGEST_BITS = 31  # a period is 2^(31 - field) cycles
SOURCES = ("PCLK", "IBRO", "ERTCO", "INRO")  # of WDT0, by CLKSEL
LOW_SOURCES = ("IBRO", "ERTCO", "INRO")  # of WDT1

# fmt: off
WORDS = (
    #    name      offset  writable     read-only
    Word("CTRL",    0x00,  0xE8FF_1FFF, CLOCK_READY),
    Word("RST",     0x04,  0xFF),
    Word("CLKSEL",  0x08,  7),
    Word("CNT",     0x0C,  0,           0xFFFF_FFFF),
)
# fmt: on


class Watchdog(RegisterBlock):
    """One watchdog."""

    def __init__(self, place: Placement, around: Surroundings) -> None:
        super().__init__(place.name, place.base_addr, place.size_bytes, WORDS)
        self._around = around
        self._sources = LOW_SOURCES if place.number else SOURCES
        self._started_ns = 0
        self._fed = 0  # the first half of the feeding, if it was the last store
        self._events: list[Event] = []
        self.n_bites = 0  # resets of the chip

    @property
    def asserted(self) -> int:
        """The interrupt line."""
        control = self.values["CTRL"]
        return int(bool(control & INTERRUPT_ON and control & (LATE_FLAG | EARLY_FLAG)))

    def loaded(self, name: str) -> int:
        """What a load of a register gives."""
        if name == "CNT":
            return self._count()
        return self.values[name] | (CLOCK_READY if name == "CTRL" else 0)

    def stored(self, name: str, value: int) -> None:
        """What a store of a register does."""
        if name == "RST":
            if (self._fed, value) == FEED:
                self._feed()
            self._fed = value
            return
        before = self.values[name]
        if name == "CTRL":
            value = value & ~FLAGS | value & before & FLAGS  # flags can only be cleared
        self.values[name] = value
        is_start = value & ~before & ENABLE
        if name != "CTRL" or is_start or (value ^ before) & (ENABLE | 0xFF | RESET_ON):
            self._start(self._around.timeline.now_ns if is_start else self._started_ns)

    def reset(self) -> None:
        """Return to the state after a system reset, which the flags of a reset survive."""
        kept = self.values["CTRL"] & (RESET_EARLY | RESET_LATE)
        super().reset()
        self.values["CTRL"] = kept
        self._start(0)

    @property
    def _clock_hz(self) -> int:
        select = self.values["CLKSEL"]
        source = self._sources[select] if select < len(self._sources) else "IBRO"
        clocks = self._around.clocks
        return clocks.peripheral_clock_hz if source == "PCLK" else clocks.nominal_hz(source)

    def _count(self) -> int:
        if not self.values["CTRL"] & ENABLE:
            return 0
        elapsed_ns = self._around.timeline.now_ns - self._started_ns
        return elapsed_ns * self._clock_hz // NS_PER_S & 0xFFFF_FFFF

    def _cycles(self, shift: int) -> int:
        return 1 << LONGEST_BITS - (self.values["CTRL"] >> shift & 0xF)

    def _feed(self) -> None:
        control = self.values["CTRL"]
        if control & WINDOW_ON and control & ENABLE:
            if control & RESET_ON and self._count() < self._cycles(20):
                self._bite(RESET_EARLY)
            elif self._count() < self._cycles(16):
                self.values["CTRL"] |= EARLY_FLAG
        self._start(self._around.timeline.now_ns)

    def _start(self, now_ns: int) -> None:
        """Count from here, and expect what comes if nobody feeds it."""
        for event in self._events:
            event.cancel()
        self._events.clear()
        self._started_ns = now_ns
        if not self.values["CTRL"] & ENABLE:
            return
        self._expect(self._cycles(0), self._on_late)
        if self.values["CTRL"] & RESET_ON:
            self._expect(self._cycles(4), lambda: self._bite(RESET_LATE))

    def _expect(self, cycles: int, action: Callable[[], None]) -> None:
        due_ns = self._started_ns + cycles * NS_PER_S // self._clock_hz
        if due_ns >= self._around.timeline.now_ns:
            self._events.append(self._around.timeline.at(due_ns, action))

    def _on_late(self) -> None:
        self.values["CTRL"] |= LATE_FLAG

    def _bite(self, flag: int) -> None:
        """Reset the chip."""
        self.values["CTRL"] |= flag
        self.n_bites += 1
        self._around.timeline.note(self.name, "resets the chip")
        self._around.ask_reset()
