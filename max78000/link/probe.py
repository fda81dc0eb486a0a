"""What a way to the chip must be able to do, and what all of them check alike."""

from collections.abc import Callable
from typing import Protocol

from max78000.errors import BoardError
from max78000.link.flash_plan import FlashPlan, Verify

Progress = Callable[[int, int, str], None]
"""Called with steps done, steps in all, and what is being done."""

CPUID_ADDR = 0xE000_ED00
CORTEX_M4_CPUID = 0x410F_C241  # r0p1; the debug port offers no word that names the chip itself


class Probe(Protocol):
    """A way to bring an image into the flash of one chip."""

    @property
    def name(self) -> str:
        """The word by which the user chooses it."""

    @property
    def can_verify(self) -> bool:
        """It can read the flash back."""

    def carry_out(self, plan: FlashPlan, on_progress: Progress) -> None:
        """Connect, do the steps in their order, and start the image.

        Raises:
            BoardError: no probe, no chip, the wrong chip, or a step failed; with a way out.
        """


def no_progress(n_done: int, n_all: int, what: str) -> None:
    """Say nothing."""


def wrong_chip(cpuid: int, where: str) -> BoardError:
    """Refuse a core that is not the one of a MAX78000."""
    why = f"this is not a MAX78000: CPUID is {cpuid:#010x} instead of {CORTEX_M4_CPUID:#010x}"
    fix = "check which board the adapter is wired to, or choose the adapter with --uid"
    return BoardError(why, where=where, fix=fix)


def first_difference(step: Verify, got: bytes, where: str) -> BoardError | None:
    """Compare what was read with what should be there; the first byte that differs is named."""
    pairs = enumerate(zip(step.data, got, strict=True))
    at = next((at for at, (want, have) in pairs if want != have), None)
    if at is None:
        return None
    n_wrong = sum(want != have for want, have in zip(step.data, got, strict=True))
    return mismatch(step.addr + at, step.data[at], got[at], f"{n_wrong} bytes", where)


def mismatch(addr: int, want: int, have: int, extent: str, where: str) -> BoardError:
    """Refuse a flash that does not hold what was written."""
    why = f"{extent} differ after writing: {addr:#010x} holds {have:#04x} instead of {want:#04x}"
    fix = "flash again; if the address stays the same, the page is worn out or protected"
    return BoardError(why, where=where, fix=fix)
