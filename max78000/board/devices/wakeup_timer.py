"""WUT: the wake-up timer, 32 bits from the crystal, which runs in every power mode.

Source: [MSDK] wut_regs.h, wut_reva.c, wut_ai85.c.
"""

from max78000.board.placement import Placement, Surroundings
from max78000.board.registers import ALL, RegisterBlock, Word
from max78000.board.timeline import NS_PER_S, Event

CRYSTAL_HZ = 32_768
ONE_SHOT, CONTINUOUS, COMPARE = 0, 1, 5
ENABLE, PRESCALE_TOP = 1 << 7, 1 << 8

# fmt: off
WORDS = (
    #    name       offset  writable  read-only  reset
    Word("CNT",      0x00,  ALL,      0,         1),
    Word("CMP",      0x04,  ALL,      0,         0xFFFF),
    Word("PWM",      0x08),
    Word("INTFL",    0x0C,  1),
    Word("CTRL",     0x10,  0x3FFF),
    Word("NOLCMP",   0x14,  0xFFFF),
    Word("PRESET",   0x18), Word("RELOAD", 0x1C), Word("SNAPSHOT", 0x20),
)
# fmt: on


class WakeupTimer(RegisterBlock):
    """The timer; it counts from 1 to CMP, as the others do."""

    def __init__(self, place: Placement, around: Surroundings) -> None:
        super().__init__(place.name, place.base_addr, place.size_bytes, WORDS)
        self._timeline = around.timeline
        self._started_ns = 0
        self._match: Event | None = None

    @property
    def asserted(self) -> int:
        """The interrupt line; it has no enable of its own."""
        return self.values["INTFL"] & 1

    def loaded(self, name: str) -> int:
        """What a load of a register gives."""
        return self._count() if name in ("CNT", "SNAPSHOT") else self.values[name]

    def stored(self, name: str, value: int) -> None:
        """What a store of a register does."""
        if name == "INTFL":
            self.values[name] &= ~value
            return
        count = value if name == "CNT" else self._count()
        self.values[name] = value
        self._restart(count)

    def reset(self) -> None:
        """Return to the state after a system reset."""
        super().reset()
        self._restart(self.values["CNT"])

    @property
    def _tick_hz(self) -> float:
        control = self.values["CTRL"]
        bits = control >> 3 & 7 | (8 if control & PRESCALE_TOP else 0)
        return CRYSTAL_HZ / (1 << bits)

    def _count(self) -> int:
        if not self.values["CTRL"] & ENABLE:
            return self.values["CNT"]
        elapsed_ns = self._timeline.now_ns - self._started_ns
        return self.values["CNT"] + int(elapsed_ns * self._tick_hz / NS_PER_S) & ALL

    def _restart(self, count: int) -> None:
        """Count on from here, and expect the match again."""
        self.values["CNT"], self._started_ns = count, self._timeline.now_ns
        if self._match is not None:
            self._match.cancel()
            self._match = None
        if self.values["CTRL"] & ENABLE:
            n_ticks = (self.values["CMP"] - count) & ALL or ALL + 1
            due_ns = self._timeline.now_ns + -int(-n_ticks * NS_PER_S // self._tick_hz)
            self._match = self._timeline.at(due_ns, self._on_match)

    def _on_match(self) -> None:
        self.values["INTFL"] |= 1
        mode = self.values["CTRL"] & 7
        if mode == ONE_SHOT:
            self.values["CTRL"] &= ~ENABLE
        self._restart(self.values["CMP"] if mode == COMPARE else 1)
