"""Notices that a program only waits: it goes round and round and touches nothing but memory.

A wait loop comes back to the same registers again and again. Once it has done so a few times
without a load or store of a device, only an interrupt can end it, and time may go straight to the
next event.
"""

from collections import deque

N_KEPT = 16  # a slice may end anywhere in a loop
N_RETURNS = 4


class WaitDetector:
    """Looks at registers between slices."""

    def __init__(self) -> None:
        self._kept: deque[tuple[int, ...]] = deque(maxlen=N_KEPT)
        self._n_returns = 0

    def forget(self) -> None:
        """Something has happened that the program could notice."""
        self._kept.clear()
        self._n_returns = 0

    def see(self, registers: tuple[int, ...]) -> None:
        """A slice without a load or store of a device is over."""
        self._n_returns = self._n_returns + 1 if registers in self._kept else 0
        self._kept.append(registers)

    @property
    def is_waiting(self) -> bool:
        """Whether the program does nothing else."""
        return self._n_returns >= N_RETURNS
