"""What the virtual board asks of a peripheral.

Devices know their own registers and nothing of the processor core; the board puts them on the bus.
"""

from typing import Protocol

WINDOW_BYTES = 0x200  # the bus finds devices in steps of this size


class Device(Protocol):
    """Registers in one window of the address space, loaded and stored as 32-bit words.

    Attributes:
        name: as the documents call it, for example "UART0"; it appears in fault messages.
        base_addr: address of the first register.
        size_bytes: length of the window; both are multiples of `WINDOW_BYTES`.
    """

    name: str
    base_addr: int
    size_bytes: int

    def load(self, offset: int) -> int:
        """Return the word at a byte offset.

        Raises:
            BoardError: no register is there.
        """

    def store(self, offset: int, value: int) -> None:
        """Take a word at a byte offset.

        Raises:
            BoardError: no register is there, or what is stored is not allowed.
        """

    def reset(self) -> None:
        """Return to the state after a system reset."""
