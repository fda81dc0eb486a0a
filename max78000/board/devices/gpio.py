"""General-purpose pins: what they drive, what they are connected to, and what interrupts.

A pin without a driver reads its pull resistor. Edges are seen whoever makes them, the program or
something outside.

Source: docs/hardware/firmware.md#gpio; [MSDK] gpio_regs.h, gpio_reva.c.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from max78000.board.placement import Placement, Surroundings
from max78000.board.registers import ALL, RegisterBlock, Word

N_PINS = 32
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
    "EN3":    (0x80,   0),
})
PLAIN = (
    #    name       offset  writable  read-only
    Word("OUT",      0x18), Word("OUT_SET", 0x1C), Word("OUT_CLR", 0x20),
    Word("IN",       IN,    0,        ALL),
    Word("INTMODE",  0x28), Word("INTPOL",   0x2C),
    Word("INEN",     0x30,  reset=ALL),  # drivers that never set it load inputs nevertheless
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
LEVELS = ("OUT", "OUTEN", "EN0", "PADCTRL0", "PADCTRL1")  # registers that may change a level


class GpioPort(RegisterBlock):
    """One port of up to 32 pins; pins that change are noted."""

    def __init__(self, place: Placement, around: Surroundings) -> None:
        super().__init__(place.name, place.base_addr, place.size_bytes, WORDS)
        self._number = place.number
        self._timeline = around.timeline
        self._held = self._held_high = 0  # pins that something outside holds, and which high
        self._pulled = self._pulled_high = 0  # pins with a resistor outside, and which to high
        self._looks: list[Callable[[], None]] = []  # to call when the program loads IN
        self._actions: dict[int, list[Callable[[bool], None]]] = {}
        self._edge_actions: list[Callable[[int], None]] = []
        for (port, pin), level in around.world.pins.items():
            if port == place.number:
                self._hold(pin, level)
        self._seen = self._levels

    @property
    def asserted(self) -> int:
        """The interrupt line."""
        if not self.values["INTEN"]:
            return 0
        return int(bool(self._flags & self.values["INTEN"]))

    def function(self, pin: int) -> int:
        """What a pin is connected to: 0 the port, 1 or 2 an alternate function."""
        if self.values["EN0"] >> pin & 1:
            return 0
        return 2 if self.values["EN1"] >> pin & 1 else 1

    def level(self, pin: int) -> bool:
        """The level at a pin."""
        return bool(self._levels >> pin & 1)

    def press(self, pin: int, *, is_pressed: bool = True) -> None:
        """Pull a pin to ground, as a button does, or let go of it."""
        self.drive(pin, False if is_pressed else None)

    def drive(self, pin: int, level: bool | None) -> None:
        """Hold a pin at a level from outside; None lets go of it."""
        self._hold(pin, level)
        self._see_edges()
        self._timeline.end_polling()

    def pull(self, pin: int, *, is_high: bool) -> None:
        """Put a resistor on a pin, outside the chip."""
        bit = 1 << pin
        self._pulled |= bit
        self._pulled_high = self._pulled_high | bit if is_high else self._pulled_high & ~bit
        self._see_edges()

    def on_look(self, action: Callable[[], None]) -> None:
        """Call `action` once, when the program next asks for the levels of the pins."""
        self._looks.append(action)

    def on_change(self, pin: int, action: Callable[[bool], None]) -> None:
        """Call `action` with the level whenever the program changes or lets go of a pin."""
        self._actions.setdefault(pin, []).append(action)

    def on_edge(self, action: Callable[[int], None]) -> None:
        """Call `action` with the bits of pins whose level has changed, whoever changed it."""
        self._edge_actions.append(action)

    def loaded(self, name: str) -> int:
        """What a load of a register gives."""
        if name == "IN":
            looks, self._looks = self._looks, []
            for look in looks:
                look()
            return self._levels & self.values["INEN"]
        if name == "INTFL":
            return self._flags
        return self.values[_base(name)]

    def awaits(self, offset: int) -> str:
        """Another level, if the program asks for levels."""
        return f"another level at a pin of {self.name}" if offset == IN else ""

    def stored(self, name: str, value: int) -> None:
        """What a store of a register does."""
        if name == "INTFL_CLR":
            self.values["INTFL"] &= ~value
            return
        base = _base(name)
        if name.endswith("_SET"):
            value = self.values[base] | value
        elif name.endswith("_CLR"):
            value = self.values[base] & ~value
        if base not in LEVELS:
            self.values[base] = value
            return
        before = self._driven, self.values["OUT"]
        self.values[base] = value
        self._note_changes(*before)
        self._see_edges()

    def reset(self) -> None:
        """Return to the state after a system reset; what is outside stays."""
        super().reset()
        self._seen = self._levels

    @property
    def _driven(self) -> int:
        return self.values["OUTEN"] & self.values["EN0"]

    @property
    def _levels(self) -> int:
        driven, pulled_up = self._driven, self.values["PADCTRL0"] & ~self.values["PADCTRL1"]
        pulled_up = pulled_up & ~self._pulled | self._pulled_high
        inside = driven & self.values["OUT"] | pulled_up & ~driven
        return inside & ~self._held | self._held_high

    @property
    def _flags(self) -> int:
        """INTFL: edges that were, and levels that are."""
        is_level = ~self.values["INTMODE"] & self.values["INTEN"]
        wanted = ~(self._levels ^ self.values["INTPOL"])
        return (self.values["INTFL"] | is_level & wanted) & ALL

    def _hold(self, pin: int, level: bool | None) -> None:
        bit = 1 << pin
        self._held = self._held & ~bit if level is None else self._held | bit
        self._held_high = self._held_high | bit if level else self._held_high & ~bit

    def _see_edges(self) -> None:
        """Flag edges that are asked for, and tell who asked for all of them."""
        levels = self._levels
        changed, self._seen = levels ^ self._seen, levels
        if not changed:
            return
        values = self.values
        wanted = values["DUALEDGE"] | ~(levels ^ values["INTPOL"])
        values["INTFL"] |= changed & wanted & values["INTMODE"] & values["INTEN"]
        for action in self._edge_actions:
            action(changed)

    def _note_changes(self, driven: int, out: int) -> None:
        """Note pins that are driven now and were not, or to another level."""
        changed = self._driven & (~driven | out ^ self.values["OUT"])
        for pin in range(N_PINS) if changed and self._timeline.is_watched else ():
            if changed >> pin & 1:
                level = "high" if self.values["OUT"] >> pin & 1 else "low"
                self._timeline.note(self.name, f"P{self._number}.{pin} {level}")
        changed |= driven & ~self._driven
        for pin, actions in self._actions.items():
            if changed >> pin & 1:
                for action in actions:
                    action(self._seen_from_outside(pin))

    def _seen_from_outside(self, pin: int) -> bool:
        """The level that the program drives; else that of the resistor, which mostly pulls up."""
        bit = 1 << pin
        if self._driven & bit:
            return bool(self.values["OUT"] & bit)
        return bool(self._pulled_high & bit or not self._pulled & bit)


def _base(name: str) -> str:
    return name.removesuffix("_SET").removesuffix("_CLR")
