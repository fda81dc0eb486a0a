"""Timers TMR0..3 in virtual time, as 32-bit counters: one-shot, continuous, compare.

The 16-bit halves, capture and PWM are refused.

Source: docs/hardware/firmware.md#timers; [MSDK] tmr_regs.h, tmr_revb.c.
"""

from max78000.board.placement import Placement, Surroundings
from max78000.board.registers import RegisterBlock, Word
from max78000.board.timeline import NS_PER_S, Event

ONE_SHOT, CONTINUOUS, COMPARE = 0, 1, 5
COUNTER_MASK = 0xFFFF_FFFF
LARGEST_PRESCALE = 12  # 2^12
CLOCK_SOURCES = ("PCLK", "ISO", "IBRO", "ERTCO")  # CTRL1 bits 1:0
CTRL0_CLOCK_ON, CTRL0_ENABLE = 1 << 14, 1 << 15
CTRL1_IS_ON, CTRL1_IS_READY, CTRL1_INTERRUPT, CTRL1_CASCADE = 1 << 2, 1 << 3, 1 << 8, 1 << 31
FLAG_COMPARE, FLAG_WRITE_DONE = 1 << 0, 1 << 8

# fmt: off
WORDS = (
    #    name      offset  writable, read-only
    Word("CNT",     0x00),
    Word("CMP",     0x04),
    Word("PWM",     0x08),
    Word("INTFL",   0x0C,  0x0301_0301),
    Word("CTRL0",   0x10,  0xFFFF_FFFF),
    Word("NOLCMP",  0x14),
    Word("CTRL1",   0x18,  3 | CTRL1_INTERRUPT | CTRL1_CASCADE, CTRL1_IS_ON | CTRL1_IS_READY),
    Word("WKFL",    0x1C),
)
# fmt: on


class Timer(RegisterBlock):
    """One timer; it counts from 1 to CMP, as the part does."""

    def __init__(self, place: Placement, around: Surroundings) -> None:
        super().__init__(place.name, place.base_addr, place.size_bytes, WORDS)
        self._clocks = around.clocks
        self._timeline = around.timeline
        self._started_ns = 0  # while it counts, CNT holds the count at this time
        self._match: Event | None = None

    @property
    def asserted(self) -> int:
        """The interrupt line."""
        is_enabled = self.values["CTRL1"] & CTRL1_INTERRUPT
        return int(bool(is_enabled and self.values["INTFL"] & FLAG_COMPARE))

    def loaded(self, name: str) -> int:
        """What a load of a register gives."""
        value = self.values[name]
        if name == "CNT":
            return self._count()
        if name == "CTRL1" and self.values["CTRL0"] & CTRL0_CLOCK_ON:
            return value | CTRL1_IS_ON | CTRL1_IS_READY
        return value

    def stored(self, name: str, value: int) -> None:
        """What a store of a register does."""
        match name:
            case "INTFL":
                self.values[name] &= ~value
            case "CNT":
                self._restart(value)
                self.values["INTFL"] |= FLAG_WRITE_DONE
            case "CTRL0":
                self._check_mode(value)
                count = self._count()
                self.values[name] = value
                self._restart(count)
            case "PWM" | "NOLCMP" if value:
                raise self.fault(f"{name} is {value:#x}: pulse widths are not modelled")
            case _:
                count = self._count()
                self.values[name] = value
                self._restart(count)

    def reset(self) -> None:
        """Return to the state after a system reset."""
        super().reset()
        self._restart(0)

    @property
    def _is_counting(self) -> bool:
        return bool(self.values["CTRL0"] & CTRL0_ENABLE)

    @property
    def _clock_hz(self) -> int:
        """Input clock before the prescaler."""
        source = CLOCK_SOURCES[self.values["CTRL1"] & 3]
        if source == "PCLK":
            return self._clocks.peripheral_clock_hz
        return self._clocks.frequency_hz(source)

    @property
    def _prescale_bits(self) -> int:
        return self.values["CTRL0"] >> 4 & 0xF

    def _count(self) -> int:
        if not self._is_counting:
            return self.values["CNT"]
        elapsed = (self._timeline.now_ns - self._started_ns) * self._clock_hz // NS_PER_S
        return self.values["CNT"] + (elapsed >> self._prescale_bits) & COUNTER_MASK

    def _restart(self, count: int) -> None:
        """Count on from here, and expect the match again."""
        self.values["CNT"] = count
        self._started_ns = self._timeline.now_ns
        if self._match is not None:
            self._match.cancel()
            self._match = None
        if self._is_counting:
            ticks = (self.values["CMP"] - count) & COUNTER_MASK or COUNTER_MASK + 1
            cycles = ticks << self._prescale_bits
            delay_ns = -(-cycles * NS_PER_S // self._clock_hz)
            self._match = self._timeline.at(
                self._timeline.now_ns + delay_ns,
                self._on_match,
                is_alarm=bool(self.values["CTRL1"] & CTRL1_INTERRUPT),
            )

    def _on_match(self) -> None:
        """The counter reached CMP."""
        self.values["INTFL"] |= FLAG_COMPARE
        mode = self.values["CTRL0"] & 0xF
        if mode == ONE_SHOT:
            self.values["CTRL0"] &= ~CTRL0_ENABLE
        # Quirk timer-from-one: the next period begins at 1.
        self._restart(self.values["CMP"] if mode == COMPARE else 1)

    def _check_mode(self, control: int) -> None:
        if not control & CTRL0_ENABLE:
            return
        mode, prescale_bits = control & 0xF, control >> 4 & 0xF
        if mode not in (ONE_SHOT, CONTINUOUS, COMPARE):
            raise self.fault(f"mode {mode} is not modelled")
        if prescale_bits > LARGEST_PRESCALE:
            raise self.fault(f"there is no prescaler of 2^{prescale_bits}")
        if not control & CTRL0_CLOCK_ON:
            raise self.fault("is enabled without a clock", "set CTRL0 bit 14 first")
        if not self.values["CTRL1"] & CTRL1_CASCADE:
            raise self.fault("16-bit timers are not modelled", "set CTRL1 bit 31 (CASCADE)")
