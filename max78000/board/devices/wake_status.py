"""PWRSEQ: which pins and devices may wake the chip, and which did. Storing ones clears a status.

Source: [MSDK] pwrseq_regs.h, lp_ai85.c.
"""

from functools import partial

from max78000.board.placement import Placement, Surroundings
from max78000.board.registers import RegisterBlock, Word

N_PORTS = 4
PINS_MAY_WAKE = 1 << 4  # GCR PM
CLEAR_ALL = 1 << 31  # LPCN
WAS_IN_BACKUP = 1 << 16  # LPPWST
STATUS = (*(f"LPWKST{n}" for n in range(N_PORTS)), "LPPWST")

# fmt: off
WORDS = (
    #    name        offset
    Word("LPCN",     0x00),
    Word("LPWKST0",  0x04), Word("LPWKEN0", 0x08),
    Word("LPWKST1",  0x0C), Word("LPWKEN1", 0x10),
    Word("LPWKST2",  0x14), Word("LPWKEN2", 0x18),
    Word("LPWKST3",  0x1C), Word("LPWKEN3", 0x20),
    Word("LPPWST",   0x30), Word("LPPWEN",  0x34),
    Word("GP0",      0x48), Word("GP1",     0x4C),
)
# fmt: on


class WakeStatus(RegisterBlock):
    """The power sequencer, as far as software sees it."""

    def __init__(self, place: Placement, around: Surroundings) -> None:
        super().__init__(place.name, place.base_addr, place.size_bytes, WORDS)
        self._clocks = around.clocks
        for number, port in around.ports.items():
            port.on_edge(partial(self._on_edge, number))

    @property
    def asserted(self) -> int:
        """The interrupt line: a pin that may wake has changed."""
        values = self.values
        return int(any(values[f"LPWKST{n}"] & values[f"LPWKEN{n}"] for n in range(N_PORTS)))

    def stored(self, name: str, value: int) -> None:
        """What a store of a register does."""
        if name in STATUS:
            self.values[name] &= ~value
            return
        if name == "LPCN" and value & CLEAR_ALL:
            self.values |= dict.fromkeys(STATUS, 0)
        self.values[name] = value & ~CLEAR_ALL if name == "LPCN" else value

    def reset(self) -> None:
        """What woke the chip is told after the reset; the rest begins anew."""
        kept = {name: self.values[name] for name in (*STATUS, "GP0", "GP1")}
        super().reset()
        self.values |= kept

    def _on_edge(self, port: int, pins: int) -> None:
        if self._clocks.values["PM"] & PINS_MAY_WAKE:
            self.values[f"LPWKST{port}"] |= pins & self.values[f"LPWKEN{port}"]
