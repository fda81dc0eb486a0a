"""What the virtual board asks of a peripheral.

Devices know their own registers and nothing of the processor core; the board puts them on the bus.
`devices` holds them, `devices.table` says where each is in the chip and what leads to it.
"""

from typing import Protocol

from max78000.board.objections import Objections

INTERRUPT = -1  # for `awaits`: instead of an offset
WINDOW_BYTES = 0x200  # the bus finds devices in steps of this size


class Device(Protocol):
    """Registers in one window of the address space, loaded and stored as 32-bit words.

    Attributes:
        name: as the documents call it, for example "UART0"; it appears in fault messages.
        base_addr: address of the first register.
        size_bytes: length of the window; both are multiples of `WINDOW_BYTES`.
        objections: takes what silicon would pass over in silence; the board sets it.
    """

    name: str
    base_addr: int
    size_bytes: int
    objections: Objections

    @property
    def asserted(self) -> int:
        """Interrupt lines that are up: bit n is the n-th of `Placement.irqs`."""

    @property
    def requests(self) -> int:
        """DMA requests that are up: bit n is the n-th of `Placement.requests`."""

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

    def load_part(self, offset: int, n_bytes: int) -> int:
        """Return a byte or halfword; FIFOs may give another one than a word's part.

        Raises:
            BoardError: as `load`.
        """

    def store_part(self, offset: int, n_bytes: int, value: int) -> None:
        """Take a byte or halfword, where registers are that take one.

        Raises:
            BoardError: as `store`.
        """

    def awaits(self, offset: int) -> str:
        """What from outside would change the register at an offset, if it waits for that.

        For example "input on UART0", for a program that only polls this register; or, for
        `INTERRUPT`, for one that sleeps until the device interrupts. Empty if nothing would.
        """

    def reset(self) -> None:
        """Return to the state after a system reset."""
