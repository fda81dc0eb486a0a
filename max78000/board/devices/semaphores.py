"""SEMA: eight semaphores and two mailboxes between the cores, of which one is modelled.

Loading a semaphore takes it: it gives what it was. Only a core that does not exist here would be
interrupted.

Source: [MSDK] sema_regs.h, sema_reva.c.
"""

from max78000.board.placement import Placement, Surroundings
from max78000.board.registers import ALL, RegisterBlock, Word

N_SEMAPHORES = 8
INTERRUPT_BITS = 1 | 1 << 16

# fmt: off
WORDS = (
    *(Word(f"SEMAPHORE{n}", 4 * n, 1) for n in range(N_SEMAPHORES)),
    #    name      offset  writable         read-only
    Word("IRQ0",    0x40,  INTERRUPT_BITS), Word("MAIL0", 0x44),
    Word("IRQ1",    0x48,  INTERRUPT_BITS), Word("MAIL1", 0x4C),
    Word("STATUS",  0x100, 0,               ALL),
)
# fmt: on


class Semaphores(RegisterBlock):
    """The semaphores."""

    def __init__(self, place: Placement, _around: Surroundings) -> None:
        super().__init__(place.name, place.base_addr, place.size_bytes, WORDS)

    def loaded(self, name: str) -> int:
        """What a load of a register gives, and does."""
        if name == "STATUS":
            return sum(self.values[f"SEMAPHORE{n}"] << n for n in range(N_SEMAPHORES))
        value = self.values[name]
        if name.startswith("SEMAPHORE"):
            self.values[name] = 1
        return value
