"""ADC: ten bits of a voltage that the world gives, after the time that a conversion takes.

The external inputs (channels 0 to 7) can be divided by 1 to 4; every input by 2 (SCALE), and the
reference by 2 (REF_SCALE). Internal channels have what `World.volts` says, too. The four limits
are compared at the end of each conversion of their channel.

Source: [MSDK] adc_regs.h (2025, where the limits' enables are bits 29 and 30), adc_reva.c; [DS]
reference. The reference's time to start is chosen.
"""

from max78000.board.placement import Placement, Surroundings
from max78000.board.registers import RegisterBlock, Word
from max78000.board.timeline import NS_PER_S, Event

START, POWER, REFERENCE_POWER, REFERENCE_IS_SUPPLY = 1 << 0, 1 << 1, 1 << 3, 1 << 4
HALF_REFERENCE, HALF_INPUT, CLOCK_ON, IS_ALIGNED_HIGH = 1 << 8, 1 << 9, 1 << 11, 1 << 20
NEEDED = POWER | REFERENCE_POWER | CLOCK_ON
ACTIVE, STARTING, OVERFLOW = 1 << 0, 1 << 2, 1 << 3  # of STATUS
DONE, REFERENCE_READY, TOO_HIGH, TOO_LOW, OVERFLOWED = 1 << 16, 1 << 17, 1 << 18, 1 << 19, 1 << 20
FLAGS, ENABLES, PENDING = 0x1F << 16, 0x1F, 1 << 22  # of INTR
LOW_ON, HIGH_ON = 1 << 29, 1 << 30  # of LIMIT
N_EXTERNAL = 8
N_CHANNELS = 17
N_LIMITS = 4
HIGHEST = 1023
INTERNAL_V, HALF_SUPPLY_V = 1.22, 0.9  # references: the chip's own, and half of VDDA
CONVERSION_CYCLES = 1024
REFERENCE_NS = 10_000

# fmt: off
WORDS = (
    #    name      offset  writable     read-only
    Word("CTRL",    0x00,  0x0017_FB1B),
    Word("STATUS",  0x04,  0,           0xD),
    Word("DATA",    0x08,  0,           0xFFFF),
    Word("INTR",    0x0C,  FLAGS | ENABLES, PENDING),
    *(Word(f"LIMIT{n}", 0x10 + 4 * n, 0x7F3F_F3FF) for n in range(N_LIMITS)),
)
# fmt: on


class Adc(RegisterBlock):
    """The converter."""

    def __init__(self, place: Placement, around: Surroundings) -> None:
        super().__init__(place.name, place.base_addr, place.size_bytes, WORDS)
        self._around = around
        self._event: Event | None = None  # the end of the conversion
        self._reference: Event | None = None  # is ready

    @property
    def asserted(self) -> int:
        """The interrupt line."""
        interrupts = self.values["INTR"]
        return int(bool(interrupts >> 16 & interrupts & ENABLES))

    def loaded(self, name: str) -> int:
        """What a load of a register gives."""
        value = self.values[name]
        if name == "STATUS":
            return value | (ACTIVE if self._event else 0) | (STARTING if self._reference else 0)
        if name == "INTR":
            return value | (PENDING if self.asserted else 0)
        return value

    def stored(self, name: str, value: int) -> None:
        """What a store of a register does; a flag of INTR is cleared by a one."""
        if name == "INTR":
            self.values[name] = value & ENABLES | self.values[name] & FLAGS & ~value
        elif name == "CTRL":
            self._control(value)
        else:
            self.values[name] = value

    def reset(self) -> None:
        """Return to the state after a system reset."""
        super().reset()
        self._forget()

    def _forget(self) -> None:
        """Nothing is under way any more."""
        for event in (self._event, self._reference):
            if event is not None:
                event.cancel()
        self._event = self._reference = None

    def _control(self, value: int) -> None:
        before, self.values["CTRL"] = self.values["CTRL"], value
        timeline, powers = self._around.timeline, POWER | REFERENCE_POWER
        if value & powers != powers:
            self._forget()
        if value & powers == powers != before & powers:
            self._reference = timeline.at(timeline.now_ns + REFERENCE_NS, self._on_reference)
        if not value & START or self._event is not None:
            return
        if value & NEEDED != NEEDED or self._reference is not None:
            self.values["CTRL"] &= ~START
            fix = "set CTRL bits 1, 3 and 11, and wait for INTR bit 17"
            self.object_to("a conversion begins without power, clock or reference", fix)
            return
        self._event = timeline.at(timeline.now_ns + self._conversion_ns(), self._on_end)

    def _conversion_ns(self) -> int:
        clocks = self._around.clocks
        divider = clocks.values["PCLKDIV"] >> 10 & 0xF
        if divider < 2:
            self.object_to(f"GCR PCLKDIV.ADCFRQ is {divider}", "divide the clock by 2 to 15")
            divider = 2
        return CONVERSION_CYCLES * divider * NS_PER_S // clocks.peripheral_clock_hz

    def _on_reference(self) -> None:
        self._reference = None
        self.values["INTR"] |= REFERENCE_READY

    def _on_end(self) -> None:
        self._event = None
        control = self.values["CTRL"] = self.values["CTRL"] & ~START
        channel = control >> 12 & 0x1F
        if channel >= N_CHANNELS:
            raise self.fault(f"CTRL.CH_SEL is {channel}; there are {N_CHANNELS} channels")
        level = self._level(channel)
        code = min(max(level, 0), HIGHEST)
        self.values["DATA"] = code << 6 if control & IS_ALIGNED_HIGH else code
        self.values["STATUS"] = OVERFLOW if level > HIGHEST else 0
        self.values["INTR"] |= DONE | (OVERFLOWED if level > HIGHEST else 0)
        for n in range(N_LIMITS):
            self._compare(self.values[f"LIMIT{n}"], channel, code)

    def _level(self, channel: int) -> int:
        """What the converter would say if it had more bits."""
        control = self.values["CTRL"]
        volts = self._around.world.volts.get(channel, 0.0)
        if channel < N_EXTERNAL:
            volts /= 1 + (control >> 17 & 3)
        volts /= 2 if control & HALF_INPUT else 1
        reference = HALF_SUPPLY_V if control & REFERENCE_IS_SUPPLY else INTERNAL_V
        reference /= 2 if control & HALF_REFERENCE else 1
        return int(volts / reference * (HIGHEST + 1))

    def _compare(self, limit: int, channel: int, code: int) -> None:
        if limit >> 24 & 0x1F != channel:
            return
        if limit & LOW_ON and code < limit & HIGHEST:
            self.values["INTR"] |= TOO_LOW
        if limit & HIGH_ON and code > limit >> 12 & HIGHEST:
            self.values["INTR"] |= TOO_HIGH
