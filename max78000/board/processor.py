"""The running chip as a debugger sees it: halt, step, registers, memory, breakpoints."""

from max78000.board.cpu import Stop
from max78000.board.execution import Execution


class Processor(Execution):
    """A MAX78000 at power-on: flash erased, core in reset, time 0; a `debug.target.Target`."""

    @property
    def is_halted(self) -> bool:
        """The core waits for the debugger."""
        return self._is_halted

    def halt(self) -> None:
        """Stop the core; it is awake then."""
        self._is_halted = True
        self.is_asleep = False

    def resume(self) -> None:
        """Let the core run; it does so inside `run_slice`."""
        self._is_halted = False

    def step(self) -> None:
        """Execute one instruction, breakpoint or not."""
        self._core.is_ignoring_breakpoints = True
        self._n_careful_steps = 1
        try:
            self.advance()
        finally:
            self._core.is_ignoring_breakpoints = False

    def run_slice(self) -> None:
        """Let a running core execute for a while; a `bkpt` or a breakpoint halts it."""
        if not self._is_halted and not self.is_idle:
            self._is_halted = self.advance() in (Stop.BKPT, Stop.BREAKPOINT)

    def read_memory(self, addr: int, n_bytes: int) -> bytes:
        """Read memory or, as aligned words, device registers.

        Raises:
            BoardError: nothing answers at this address.
        """
        return self.memories.read(addr, n_bytes)

    def write_memory(self, addr: int, data: bytes) -> None:
        """Write memory or, as aligned words, device registers; flash is not written this way.

        Raises:
            BoardError: nothing answers at this address, or it is flash.
        """
        self.memories.write(addr, data)
        self._core.drop_translations()

    def read_register(self, number: int) -> int:
        """Read a core register, by its number of DCRSR."""
        return self._core.read(number)

    def write_register(self, number: int, value: int) -> None:
        """Write a core register, by its number of DCRSR."""
        self._core.write(number, value)
        if number == 15:
            self._is_locked_up = False

    def set_breakpoints(self, addrs: frozenset[int]) -> None:
        """Halt before executing at any of these addresses."""
        self._core.set_breakpoints(addrs)
