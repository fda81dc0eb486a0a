"""What the debug port asks of the chip behind it: memory, core registers, halt and go."""

from typing import Protocol


class Target(Protocol):
    """A processor core as a debugger sees it.

    Register numbers are those of DCRSR (Armv7-M): 0 to 15, 16 xPSR, 17 MSP, 18 PSP,
    20 CONTROL with FAULTMASK, BASEPRI and PRIMASK, 0x21 FPSCR, 0x40 to 0x5f S0 to S31.
    """

    @property
    def is_halted(self) -> bool:
        """The core waits for the debugger."""

    def halt(self) -> None:
        """Stop the core."""

    def resume(self) -> None:
        """Let the core run; it does so inside `run_slice`."""

    def step(self) -> None:
        """Execute one instruction."""

    def run_slice(self) -> None:
        """Let a running core execute for a while; return at once if it is halted.

        A `bkpt` instruction or a breakpoint halts it.
        """

    def reset(self, *, is_halting: bool) -> None:
        """Reset chip and core; with `is_halting` stop before the first instruction."""

    def read_memory(self, addr: int, n_bytes: int) -> bytes:
        """Read memory or, as aligned words, device registers.

        Raises:
            BoardError: nothing answers at this address.
        """

    def write_memory(self, addr: int, data: bytes) -> None:
        """Write memory or, as aligned words, device registers; flash is not written this way.

        Raises:
            BoardError: nothing answers at this address, or it is flash.
        """

    def read_register(self, number: int) -> int:
        """Read a core register of the halted core."""

    def write_register(self, number: int, value: int) -> None:
        """Write a core register of the halted core."""

    def set_breakpoints(self, addrs: frozenset[int]) -> None:
        """Halt before executing at any of these addresses."""
