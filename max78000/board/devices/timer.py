"""Timers TMR0 to TMR5 in virtual time: a counter of 32 bits, or two of 16 bits, A and B.

One-shot, continuous, compare, pulse width (its period) and capture by software; modes that count
or gate by a pin are objected to. Pulses are not shown at pins.

Source: docs/hardware/firmware.md#timers; [MSDK] tmr_regs.h, tmr_revb.c, tmr_ai85.c.
"""

from max78000.board.placement import Placement, Surroundings
from max78000.board.registers import RegisterBlock, Word
from max78000.board.timeline import NS_PER_S, Event

ONE_SHOT, CONTINUOUS, PULSES, CAPTURE, COMPARE, CAPTURE_COMPARE = 0, 1, 3, 4, 5, 7
MODES = (ONE_SHOT, CONTINUOUS, PULSES, CAPTURE, COMPARE, CAPTURE_COMPARE)
LARGEST_PRESCALE = 12  # 2^12
# by CTRL1.CLKSEL: TMR0..3, then the low-power timers
CLOCK_SOURCES = ("PCLK", "ISO", "IBRO", "ERTCO")
LOW_CLOCK_SOURCES = ("IBRO", "ERTCO", "INRO", "PCLK")
N_NORMAL = 4
# of A; those of B are 16 bits higher
CTRL0_RESET, CTRL0_CLOCK_ON, CTRL0_ENABLE = 1 << 13, 1 << 14, 1 << 15
CTRL1_IS_ON, CTRL1_IS_READY, CTRL1_INTERRUPT = 1 << 2, 1 << 3, 1 << 8
CTRL1_CAPTURE, CTRL1_CASCADE = 1 << 11, 1 << 31
FLAG_COMPARE, FLAG_WRITE_DONE = 1 << 0, 1 << 8
STATUS_BITS = CTRL1_IS_ON | CTRL1_IS_READY

# fmt: off
WORDS = (
    #    name      offset  writable,    read-only
    Word("CNT",     0x00),
    Word("CMP",     0x04),
    Word("PWM",     0x08),
    Word("INTFL",   0x0C,  0x0301_0301),
    Word("CTRL0",   0x10,  0xFFFF_FFFF),
    Word("NOLCMP",  0x14),
    Word("CTRL1",   0x18,  0x9FF3_FFF3, STATUS_BITS | STATUS_BITS << 16),
    Word("WKFL",    0x1C,  0x0001_0001),
)
# fmt: on


class Counter:
    """One counter of a timer: all 32 bits, or one half.

    Args:
        timer: whose registers it uses.
        shift: 0 for A and for all of it, 16 for B.
    """

    def __init__(self, timer: "Timer", shift: int) -> None:
        self._timer = timer
        self._shift = shift
        self._count = 0  # at `_started_ns`
        self._started_ns = 0
        self._match: Event | None = None

    def bits(self, name: str) -> int:
        """The part of a register that is about this counter, from bit 0 on."""
        return self._timer.values[name] >> self._shift

    @property
    def mask(self) -> int:
        """What the counter can hold; nothing if the other one has all bits."""
        if self._timer.values["CTRL1"] & CTRL1_CASCADE:
            return 0 if self._shift else 0xFFFF_FFFF
        return 0xFFFF

    @property
    def is_counting(self) -> bool:
        """Whether it is enabled."""
        return bool(self.mask and self.bits("CTRL0") & CTRL0_ENABLE)

    @property
    def count(self) -> int:
        """What it has counted, shifted to its place."""
        if not self.is_counting:
            return (self._count & self.mask) << self._shift
        elapsed_ns = self._timer.timeline.now_ns - self._started_ns
        n_cycles = elapsed_ns * self._timer.clock_hz(self.bits("CTRL1") & 3) // NS_PER_S
        return (self._count + (n_cycles >> self._prescale_bits) & self.mask) << self._shift

    def restart(self, shifted_count: int) -> None:
        """Count on from here, and expect the match again."""
        now_ns = self._timer.timeline.now_ns
        self._count = shifted_count >> self._shift & self.mask
        self._started_ns = now_ns
        if self._match is not None:
            self._match.cancel()
            self._match = None
        if self.is_counting:
            n_ticks = (self.bits("CMP") - self._count) & self.mask or self.mask + 1
            n_cycles = n_ticks << self._prescale_bits
            delay_ns = -(-n_cycles * NS_PER_S // self._timer.clock_hz(self.bits("CTRL1") & 3))
            is_alarm = bool(self.bits("CTRL1") & CTRL1_INTERRUPT)
            at = self._timer.timeline.at
            self._match = at(now_ns + delay_ns, self._on_match, is_alarm=is_alarm)

    def capture(self) -> None:
        """Keep the count in PWM, as an event does."""
        values = self._timer.values
        values["PWM"] = values["PWM"] & ~(self.mask << self._shift) | self.count
        values["INTFL"] |= FLAG_COMPARE << self._shift

    @property
    def _prescale_bits(self) -> int:
        return min(self.bits("CTRL0") >> 4 & 0xF, LARGEST_PRESCALE)

    def _on_match(self) -> None:
        """The counter reached CMP."""
        values, shift = self._timer.values, self._shift
        values["INTFL"] |= FLAG_COMPARE << shift
        mode = self.bits("CTRL0") & 0xF
        if mode == ONE_SHOT:
            values["CTRL0"] &= ~(CTRL0_ENABLE << shift)
        # Quirk timer-from-one: the next period begins at 1.
        self.restart(values["CMP"] if mode in (COMPARE, CAPTURE) else 1 << shift)


class Timer(RegisterBlock):
    """One timer; it counts from 1 to CMP, as the part does."""

    def __init__(self, place: Placement, around: Surroundings) -> None:
        super().__init__(place.name, place.base_addr, place.size_bytes, WORDS)
        self.timeline = around.timeline
        self._clocks = around.clocks
        self._sources = CLOCK_SOURCES if place.number < N_NORMAL else LOW_CLOCK_SOURCES
        self._counters = (Counter(self, 0), Counter(self, 16))

    @property
    def asserted(self) -> int:
        """The interrupt line."""
        control, flags = self.values["CTRL1"], self.values["INTFL"]
        enabled = control & (CTRL1_INTERRUPT | CTRL1_INTERRUPT << 16)
        return int(bool(enabled >> 8 & flags))

    def clock_hz(self, select: int) -> int:
        """Input clock before the prescaler.

        Raises:
            BoardError: it is off.
        """
        source = self._sources[select]
        if source == "PCLK":
            return self._clocks.peripheral_clock_hz
        return self._clocks.frequency_hz(source)

    def loaded(self, name: str) -> int:
        """What a load of a register gives."""
        if name == "CNT":
            return self._counters[0].count | self._counters[1].count
        value = self.values[name]
        if name == "CTRL1":
            for shift in (0, 16):
                if self.values["CTRL0"] >> shift & CTRL0_CLOCK_ON:
                    value |= STATUS_BITS << shift
        return value

    def stored(self, name: str, value: int) -> None:
        """What a store of a register does."""
        match name:
            case "INTFL" | "WKFL":
                self.values[name] &= ~value
            case "CNT":
                for counter in self._counters:
                    counter.restart(value)
                self.values["INTFL"] |= FLAG_WRITE_DONE | FLAG_WRITE_DONE << 16
            case "PWM" | "NOLCMP":
                self.values[name] = value
                self.values["INTFL"] |= FLAG_WRITE_DONE | FLAG_WRITE_DONE << 16
            case "CTRL0":
                self._go_on(name, self._accepted(value))
            case "CTRL1":
                self._capture(value)
                self._go_on(name, value & ~(CTRL1_CAPTURE | CTRL1_CAPTURE << 16))
            case _:
                self._go_on(name, value)

    def reset(self) -> None:
        """Return to the state after a system reset."""
        super().reset()
        for counter in self._counters:
            counter.restart(0)

    def _go_on(self, name: str, value: int) -> None:
        """Change a register that the counters depend on."""
        counts = [counter.count for counter in self._counters]
        self.values[name] = value
        for counter, count in zip(self._counters, counts, strict=True):
            counter.restart(count)

    def _capture(self, control: int) -> None:
        for counter, shift in zip(self._counters, (0, 16), strict=True):
            is_capturing = counter.bits("CTRL0") & 0xF in (CAPTURE, CAPTURE_COMPARE)
            if control >> shift & CTRL1_CAPTURE and counter.is_counting and is_capturing:
                counter.capture()

    def _accepted(self, control: int) -> int:
        """CTRL0 as it takes effect; both resets are over at once."""
        for shift in (0, 16):
            if control >> shift & CTRL0_ENABLE:
                self._check_mode(control >> shift)
        return control & ~(CTRL0_RESET | CTRL0_RESET << 16)

    def _check_mode(self, control: int) -> None:
        mode, prescale_bits = control & 0xF, control >> 4 & 0xF
        if mode not in MODES:
            self.object_to(f"mode {mode} is not modelled")
        if prescale_bits > LARGEST_PRESCALE:
            self.object_to(f"there is no prescaler of 2^{prescale_bits}")
        if not control & CTRL0_CLOCK_ON:
            self.object_to("is enabled without a clock", "set CTRL0 bit 14 first")
