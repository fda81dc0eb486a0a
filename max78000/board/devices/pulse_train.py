"""Pulse trains: square waves and bit patterns on pins, here only how long they last and how fast.

No pin moves. One train restarting another and the delay between loops are not modelled.

Source: docs/hardware/board.md#camera; [MSDK] ptg_regs.h, pt_regs.h, pt_reva.c.
"""

from max78000.board.placement import Placement, Surroundings
from max78000.board.registers import ALL, RegisterBlock, Word
from max78000.board.timeline import NS_PER_S, Event

N_TRAINS = 4
RATE_BITS = 27  # of RATE_LENGTH; the mode is above
SQUARE_WAVE, LONGEST = 1, 32
LOOPS = 0xFFFF  # of LOOP
PINS = ((18, 1), (19, 1), (16, 2), (17, 2))  # of port 0, and the function they need

# fmt: off
WORDS = (
    #    name       offset  writable
    Word("ENABLE",   0x00,  0xF), Word("RESYNC",  0x04,  0xF),
    Word("INTFL",    0x08,  0xF), Word("INTEN",   0x0C,  0xF),
    Word("SAFE_EN",  0x10,  0xF), Word("SAFE_DIS", 0x14, 0xF),
    *(
        Word(f"{name}{train}", 0x20 * (train + 1) + offset, writable)
        for train in range(N_TRAINS)
        for name, offset, writable in (
            ("RATE_LENGTH", 0x0, ALL), ("TRAIN", 0x4, ALL),
            ("LOOP",        0x8, 0x0FFF_FFFF), ("RESTART", 0xC, 0x9F9F),
        )
    ),
)
# fmt: on


class PulseTrains(RegisterBlock):
    """All four, and the block that starts them."""

    def __init__(self, place: Placement, around: Surroundings) -> None:
        super().__init__(place.name, place.base_addr, place.size_bytes, WORDS)
        self._around = around
        self._timeline = around.timeline
        self._ends: dict[int, Event] = {}

    @property
    def asserted(self) -> int:
        """The interrupt line."""
        return int(bool(self.values["INTFL"] & self.values["INTEN"]))

    def frequency_hz(self, train: int) -> float:
        """Frequency of a square wave at a train's pin; 0 if there is none.

        A pattern counts as the wave that it would be if its bits alternated.
        """
        pin, function = PINS[train]
        if not self.values["ENABLE"] >> train & 1 or self._bit_hz(train) == 0:
            return 0.0
        return self._bit_hz(train) / 2 if self._around.ports[0].function(pin) == function else 0.0

    def loaded(self, name: str) -> int:
        """What a load of a register gives."""
        return 0 if name.startswith("SAFE") else self.values[name]

    def stored(self, name: str, value: int) -> None:
        """What a store of a register does."""
        match name:
            case "INTFL":
                self.values[name] &= ~value
            case "RESYNC":
                self.values[name] = 0  # at once
            case "ENABLE":
                self._enable(value)
            case "SAFE_EN":
                self._enable(self.values["ENABLE"] | value)
            case "SAFE_DIS":
                self._enable(self.values["ENABLE"] & ~value)
            case _:
                if name.startswith("RESTART") and value & 0x8080:
                    self.object_to("trains that restart each other are not modelled")
                self.values[name] = value

    def reset(self) -> None:
        """Return to the state after a system reset."""
        super().reset()
        for event in self._ends.values():
            event.cancel()
        self._ends.clear()

    def _bit_hz(self, train: int) -> float:
        """Bits a second; a rate of 0 means none."""
        rate = self.values[f"RATE_LENGTH{train}"] & (1 << RATE_BITS) - 1
        return self._around.clocks.peripheral_clock_hz / rate if rate else 0.0

    def _enable(self, value: int) -> None:
        before, self.values["ENABLE"] = self.values["ENABLE"], value
        for train in range(N_TRAINS):
            is_on, was_on = value >> train & 1, before >> train & 1
            if was_on and not is_on and train in self._ends:
                self._ends.pop(train).cancel()
            if is_on and not was_on:
                self._start(train)

    def _start(self, train: int) -> None:
        """Expect the end of a train that is repeated a number of times."""
        n_loops = self.values[f"LOOP{train}"] & LOOPS
        mode = self.values[f"RATE_LENGTH{train}"] >> RATE_BITS
        bit_hz = self._bit_hz(train)
        if not n_loops or mode == SQUARE_WAVE or not bit_hz:
            return
        delay_ns = round(n_loops * (mode or LONGEST) * NS_PER_S / bit_hz)
        self._ends[train] = self._timeline.at(
            self._timeline.now_ns + delay_ns, lambda: self._on_end(train)
        )

    def _on_end(self, train: int) -> None:
        self._ends.pop(train)
        self.values["ENABLE"] &= ~(1 << train)
        self.values["INTFL"] |= 1 << train
