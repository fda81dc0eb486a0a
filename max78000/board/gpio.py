"""General-purpose pins: what they drive, what they are connected to, what hangs on them.

A pin without a driver reads its pull resistor. Edges and levels raise no interrupts here: a program
that enables them is refused.

Source: docs/hardware/firmware.md#gpio; [MSDK] gpio_regs.h, gpio_reva.c.
"""

from collections.abc import Mapping
from types import MappingProxyType

from max78000.board.registers import ALL, RegisterBlock, Word
from max78000.board.timeline import Timeline

# fmt: off
# registers with a companion that sets bits and one that clears them
TRIPLES: Mapping[str, tuple[int, int]] = MappingProxyType({
    #  name    offset  reset
    "EN0":    (0x00,   ALL),
    "OUTEN":  (0x0C,   0),
    "INTEN":  (0x34,   0),
    "WKEN":   (0x4C,   0),
    "EN1":    (0x68,   0),
    "EN2":    (0x74,   0),
})
PLAIN = (
    #    name       offset  writable  read-only
    Word("OUT",      0x18), Word("OUT_SET", 0x1C), Word("OUT_CLR", 0x20),
    Word("IN",       0x24,  0,        ALL),
    Word("INTMODE",  0x28), Word("INTPOL",   0x2C), Word("INEN",     0x30),
    Word("INTFL",    0x40,  0,        ALL),         Word("INTFL_CLR", 0x48),
    Word("DUALEDGE", 0x5C), Word("PADCTRL0", 0x60), Word("PADCTRL1", 0x64),
    Word("HYSEN",    0xA8), Word("SRSEL",    0xAC), Word("DS0",      0xB0), Word("DS1", 0xB4),
    Word("PS",       0xB8), Word("VSSEL",    0xC0),
)
# fmt: on
WORDS = PLAIN + tuple(
    word
    for name, (offset, reset) in TRIPLES.items()
    for word in (
        Word(name, offset, reset=reset),
        Word(f"{name}_SET", offset + 4),
        Word(f"{name}_CLR", offset + 8),
    )
)


class GpioPort(RegisterBlock):
    """One port of up to 32 pins.

    Args:
        number: of the port.
        base_addr: of its registers.
        size_bytes: of its window.
        timeline: pins that change are noted there.
    """

    def __init__(self, number: int, base_addr: int, size_bytes: int, timeline: Timeline) -> None:
        super().__init__(f"GPIO{number}", base_addr, size_bytes, WORDS)
        self._number = number
        self._timeline = timeline
        self._pressed = 0  # pins that something outside holds low

    def function(self, pin: int) -> int:
        """What a pin is connected to: 0 the port, 1 or 2 an alternate function."""
        if self.values["EN0"] >> pin & 1:
            return 0
        return 2 if self.values["EN1"] >> pin & 1 else 1

    def level(self, pin: int) -> bool:
        """The level at a pin."""
        if self._pressed >> pin & 1:
            return False
        if self._driven >> pin & 1:
            return bool(self.values["OUT"] >> pin & 1)
        return bool(self.values["PADCTRL0"] & ~self.values["PADCTRL1"] & 1 << pin)

    def press(self, pin: int, *, is_pressed: bool = True) -> None:
        """Pull a pin to ground, as a button does, or let go of it."""
        self._pressed = self._pressed & ~(1 << pin) | int(is_pressed) << pin

    def loaded(self, name: str) -> int:
        """What a load of a register gives."""
        if name == "IN":
            return sum(self.level(pin) << pin for pin in range(32)) & self.values["INEN"]
        base = name.removesuffix("_SET").removesuffix("_CLR")
        return self.values[base]

    def stored(self, name: str, value: int) -> None:
        """What a store of a register does."""
        base = name.removesuffix("_SET").removesuffix("_CLR")
        if name.endswith("_SET"):
            value = self.values[base] | value
        elif name.endswith("_CLR"):
            value = self.values[base] & ~value
        if base in ("INTEN", "WKEN") and value:
            raise self.fault(f"{base} is {value:#x}: interrupts of pins are not modelled")
        if base not in ("OUT", "OUTEN"):
            self.values[base] = value
            return
        before = self._driven, self.values["OUT"]
        self.values[base] = value
        self._note_changes(*before)

    @property
    def _driven(self) -> int:
        return self.values["OUTEN"] & self.values["EN0"]

    def _note_changes(self, driven: int, out: int) -> None:
        """Note pins that are driven now and were not, or to another level."""
        changed = self._driven & (~driven | out ^ self.values["OUT"])
        for pin in range(32):
            if changed >> pin & 1:
                level = "high" if self.values["OUT"] >> pin & 1 else "low"
                self._timeline.note(self.name, f"P{self._number}.{pin} {level}")
