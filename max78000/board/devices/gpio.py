"""General-purpose pins: what they drive, what they are connected to, what hangs on them.

A pin without a driver reads its pull resistor. Edges and levels raise no interrupts here: a program
that enables them is refused.

Source: docs/hardware/firmware.md#gpio; [MSDK] gpio_regs.h, gpio_reva.c.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from max78000.board.placement import Placement, Surroundings
from max78000.board.registers import ALL, RegisterBlock, Word

IN = 0x24  # offset
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
    Word("INTMODE",  0x28), Word("INTPOL",   0x2C), Word("INEN",     0x30, reset=ALL),
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
    """One port of up to 32 pins; pins that change are noted."""

    def __init__(self, place: Placement, around: Surroundings) -> None:
        super().__init__(place.name, place.base_addr, place.size_bytes, WORDS)
        self._number = place.number
        self._timeline = around.timeline
        self._outside = {  # levels that something outside holds pins at
            pin: level for (port, pin), level in around.world.pins.items() if port == place.number
        }
        self._weak: dict[int, bool] = {}  # levels that resistors outside pull pins to
        self._looks: list[Callable[[], None]] = []  # to call when the program loads IN
        self._actions: dict[int, list[Callable[[bool], None]]] = {}

    def function(self, pin: int) -> int:
        """What a pin is connected to: 0 the port, 1 or 2 an alternate function."""
        if self.values["EN0"] >> pin & 1:
            return 0
        return 2 if self.values["EN1"] >> pin & 1 else 1

    def level(self, pin: int) -> bool:
        """The level at a pin."""
        outside = self._outside.get(pin)
        if outside is not None:
            return outside
        if self._driven >> pin & 1:
            return bool(self.values["OUT"] >> pin & 1)
        if pin in self._weak:
            return self._weak[pin]
        return bool(self.values["PADCTRL0"] & ~self.values["PADCTRL1"] & 1 << pin)

    def press(self, pin: int, *, is_pressed: bool = True) -> None:
        """Pull a pin to ground, as a button does, or let go of it."""
        self.drive(pin, False if is_pressed else None)

    def drive(self, pin: int, level: bool | None) -> None:
        """Hold a pin at a level from outside; None lets go of it."""
        if level is None:
            self._outside.pop(pin, None)
        else:
            self._outside[pin] = level

    def pull(self, pin: int, *, is_high: bool) -> None:
        """Put a resistor on a pin, outside the chip."""
        self._weak[pin] = is_high

    def on_look(self, action: Callable[[], None]) -> None:
        """Call `action` once, when the program next asks for the levels of the pins."""
        self._looks.append(action)

    def on_change(self, pin: int, action: Callable[[bool], None]) -> None:
        """Call `action` with the level whenever the program changes or lets go of a pin."""
        self._actions.setdefault(pin, []).append(action)

    def loaded(self, name: str) -> int:
        """What a load of a register gives."""
        if name == "IN":
            looks, self._looks = self._looks, []
            for look in looks:
                look()
            return sum(self.level(pin) << pin for pin in range(32)) & self.values["INEN"]
        base = name.removesuffix("_SET").removesuffix("_CLR")
        return self.values[base]

    def awaits(self, offset: int) -> str:
        """Another level, if the program asks for levels."""
        return f"another level at a pin of {self.name}" if offset == IN else ""

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
        if self._timeline.is_watched:
            for pin in range(32):
                if changed >> pin & 1:
                    level = "high" if self.values["OUT"] >> pin & 1 else "low"
                    self._timeline.note(self.name, f"P{self._number}.{pin} {level}")
        changed |= driven & ~self._driven
        for pin, actions in self._actions.items():
            if changed >> pin & 1:
                is_high = bool(self.values["OUT"] >> pin & 1)
                is_driven = self._driven >> pin & 1
                for action in actions:
                    action(is_high if is_driven else self._weak.get(pin, True))
