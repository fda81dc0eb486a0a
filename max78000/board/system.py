"""Clocks, resets, gates and supplies: the blocks that other devices depend on.

Global control (GCR), low-power global control (LPGCR), CNN power (GCFR); and, as tables only, the
instruction cache (ICC), the supply (SIMO), miscellaneous (MCR) and function control (FCR). Voltages
and caches have no effect here.

Source: docs/hardware/firmware.md#clocks; docs/hardware/firmware.md#accelerator-power; [MSDK]
gcr_regs.h, lpgcr_regs.h, gcfr_regs.h, mcr_regs.h, icc_regs.h, simo_regs.h, fcr_regs.h; [qemu]
reset values.
"""

from collections.abc import Callable
from dataclasses import dataclass

from max78000.board.power import MODE_MASK, Mode
from max78000.board.registers import ALL, Bit, RegisterBlock, Word
from max78000.board.timeline import NS_PER_S, Timeline


@dataclass(frozen=True, slots=True)
class Oscillator:
    """A clock source: its number in SYSCLK_SEL and its bits of CLKCTRL."""

    name: str
    select: int
    clock_hz: int
    enable_bit: int | None  # None: always on
    ready_bit: int


# fmt: off
OSCILLATORS = (
    #          name     select  clock_hz     enable  ready
    Oscillator("ISO",   0,      60_000_000,  18,     26),
    Oscillator("INRO",  3,           8_000,  None,   29),
    Oscillator("IPO",   4,     100_000_000,  19,     27),
    Oscillator("IBRO",  5,       7_372_800,  20,     28),
    Oscillator("ERTCO", 6,          32_768,  17,     25),
)
ENABLES = sum(1 << o.enable_bit for o in OSCILLATORS if o.enable_bit is not None)
READY_BITS = sum(1 << o.ready_bit for o in OSCILLATORS)
SYSCLK_READY = 1 << 13
START_UP_NS = 1_000  # chosen so that a missing wait is noticed; not measured

GCR = (
    #    name       offset  writable     read-only                   reset
    Word("SYSCTRL",  0x00),
    Word("RST0",     0x04),
    Word("CLKCTRL",  0x08,  0x001E_0FC8, READY_BITS | SYSCLK_READY,  0x0014_0008),
    Word("PM",       0x0C),
    Word("PCLKDIV",  0x18,  0x0003_FFFF),
    Word("PCLKDIS0", 0x24,  ALL,         0,                          ALL),
    Word("MEMCTRL",  0x28,  ALL,         0,                          5),
    Word("MEMZ",     0x2C,  0),
    Word("SYSST",    0x40,  0,           ALL),
    Word("RST1",     0x44),
    Word("PCLKDIS1", 0x48,  ALL,         0,                          ALL),
    Word("EVENTEN",  0x4C,  7),
    Word("REVISION", 0x50,  0,           0xFFFF,                     0xA1),
)
LPGCR = (
    Word("RST",      0x08,  0x5F),
    Word("PCLKDIS",  0x0C,  0x7F,        0,                          0x7F),
)
GCFR = (
    Word("REG0",     0x00,  0xF),                             # power of quadrant q
    Word("REG1",     0x04,  0xF),                             # power of its kernel memory
    Word("REG2",     0x08,  0xF),                             # isolation
    Word("REG3",     0x0C,  0xF),                             # reset
)
ICC_READY = 1 << 16
ICC = (
    Word("CTRL",       0x100, 1, ICC_READY, ICC_READY),
    Word("INVALIDATE", 0x700),
)
SIMO = (
    Word("VREGO_A",  0x04, 0xFF), Word("VREGO_B",  0x08, 0xFF),
    Word("VREGO_C",  0x0C, 0xFF), Word("VREGO_D",  0x10, 0xFF),
    Word("BUCK_OUT_READY", 0x40, 0, 0xF, 0xF),
)
MCR = (
    Word("ECCEN",    0x00, 1), Word("IPO_MTRIM", 0x04, 0x1FF), Word("OUTEN", 0x08, 3),
    Word("CMP_CTRL", 0x0C, 0xC061), Word("CTRL", 0x10, 0x30C), Word("GPIO3_CTRL", 0x20, 0xFF),
)
FCR = (
    Word("FCTRL0", 0x00), Word("AUTOCAL0", 0x04), Word("AUTOCAL1", 0x08), Word("AUTOCAL2", 0x0C),
)
CNN_DIVIDERS = (2, 4, 8, 16, 1)  # by PCLKDIV.CNNCLKDIV
# fmt: on


class GlobalControl(RegisterBlock):
    """GCR: which clocks run, and how fast.

    Args:
        timeline: oscillators need time to start.
        on_reset: called with every bit of RST0 and RST1 that is set.
    """

    def __init__(self, timeline: Timeline, on_reset: Callable[[Bit], None]) -> None:
        super().__init__("GCR", 0x4000_0000, 0x400, GCR)
        self._timeline = timeline
        self._on_reset = on_reset
        self._ready_ns: dict[str, int] = {}

    @property
    def system_clock_hz(self) -> int:
        """Clock of the core."""
        control = self.values["CLKCTRL"]
        return self._selected(control).clock_hz >> (control >> 6 & 7)

    @property
    def peripheral_clock_hz(self) -> int:
        """PCLK, the clock of most devices."""
        return self.system_clock_hz // 2

    @property
    def cnn_clock_hz(self) -> int:
        """Clock of the accelerator."""
        control = self.values["PCLKDIV"]
        divider = control >> 14 & 7
        if divider >= len(CNN_DIVIDERS):
            raise self.fault(f"PCLKDIV.CNNCLKDIV is {divider}, which divides by nothing known")
        is_iso = control >> 17 & 1
        clock_hz = self.frequency_hz("ISO") if is_iso else self.peripheral_clock_hz
        return clock_hz // CNN_DIVIDERS[divider]

    def is_running(self, name: str) -> bool:
        """Whether an oscillator is on and has started."""
        return self._is_ready(next(o for o in OSCILLATORS if o.name == name))

    def frequency_hz(self, name: str) -> int:
        """Frequency of an oscillator that runs.

        Raises:
            BoardError: it is off.
        """
        oscillator = next(o for o in OSCILLATORS if o.name == name)
        if not self._is_ready(oscillator):
            raise self.fault(f"{name} is used, but it is off (CLKCTRL bit {oscillator.enable_bit})")
        return oscillator.clock_hz

    def nominal_hz(self, name: str) -> int:
        """Frequency of an oscillator, whether it runs or not."""
        return next(o for o in OSCILLATORS if o.name == name).clock_hz

    def is_gated(self, register: str, bit: int) -> bool:
        """Whether PCLKDIS0 or PCLKDIS1 takes the clock from a device."""
        return bool(self.values[register] >> bit & 1)

    def cycles_ns(self, n_cycles: int) -> int:
        """Duration of cycles of the system clock, at least one nanosecond."""
        return max(1, n_cycles * NS_PER_S // self.system_clock_hz)

    def loaded(self, name: str) -> int:
        """What a load of a register gives."""
        value = self.values[name]
        if name == "CLKCTRL":
            ready = sum(1 << o.ready_bit for o in OSCILLATORS if self._is_ready(o))
            value |= ready | SYSCLK_READY
        return value

    def stored(self, name: str, value: int) -> None:
        """What a store of a register does."""
        match name:
            case "CLKCTRL":
                self._select_clock(value)
            case "SYSCTRL":
                value &= ~(1 << 6)  # the cache is flushed at once
            case "RST0" | "RST1":
                for bit in range(32):
                    if value >> bit & 1:
                        self._on_reset(Bit("GCR", name, bit))
                return  # resets are over at once
            case "PM" if value & MODE_MASK not in tuple(Mode):
                raise self.fault(f"PM asks for low-power mode {value & MODE_MASK}, which is none")
        self.values[name] = value

    def reset(self) -> None:
        """Return to the state after a system reset."""
        super().reset()
        self._ready_ns.clear()

    def _select_clock(self, value: int) -> None:
        for oscillator in OSCILLATORS:
            if oscillator.enable_bit is None:
                continue
            is_on = value >> oscillator.enable_bit & 1
            if is_on and not self.values["CLKCTRL"] >> oscillator.enable_bit & 1:
                self._ready_ns[oscillator.name] = self._timeline.now_ns + START_UP_NS
        previous = self.values["CLKCTRL"]
        self.values["CLKCTRL"] = value
        chosen = self._selected(value)
        if not self._is_ready(chosen):
            self.values["CLKCTRL"] = previous
            fix = f"set CLKCTRL bit {chosen.enable_bit} and wait for bit {chosen.ready_bit}"
            raise self.fault(f"SYSCLK_SEL chooses {chosen.name}, which does not run yet", fix)

    def _selected(self, control: int) -> Oscillator:
        number = control >> 9 & 7
        for oscillator in OSCILLATORS:
            if oscillator.select == number:
                return oscillator
        raise self.fault(f"SYSCLK_SEL is {number}, a clock that is not modelled")

    def _is_ready(self, oscillator: Oscillator) -> bool:
        if oscillator.enable_bit is None:
            return True
        is_on = self.values["CLKCTRL"] >> oscillator.enable_bit & 1
        return bool(is_on) and self._timeline.now_ns >= self._ready_ns.get(oscillator.name, 0)


class LowPowerControl(RegisterBlock):
    """LPGCR: gates and resets of the devices that run in low-power modes.

    Args:
        on_reset: called with every bit of RST that is set.
    """

    def __init__(self, on_reset: Callable[[Bit], None]) -> None:
        super().__init__("LPGCR", 0x4008_0000, 0x400, LPGCR)
        self._on_reset = on_reset

    def stored(self, name: str, value: int) -> None:
        """What a store of a register does."""
        if name == "PCLKDIS":
            self.values[name] = value
            return
        for bit in range(32):
            if value >> bit & 1:
                self._on_reset(Bit("LPGCR", name, bit))


class PowerControl(RegisterBlock):
    """GCFR: power, isolation and reset of the accelerator's quadrants.

    Args:
        on_change: called with register, the bits before and the bits now.
    """

    def __init__(self, on_change: Callable[[str, int, int], None]) -> None:
        super().__init__("GCFR", 0x4000_5800, 0x400, GCFR)
        self._on_change = on_change

    def stored(self, name: str, value: int) -> None:
        """What a store of a register does."""
        before, self.values[name] = self.values[name], value
        self._on_change(name, before, value)

    def reset(self) -> None:
        """Return to the state after a system reset: everything off."""
        for name, before in tuple(self.values.items()):
            if before:
                self.stored(name, 0)
