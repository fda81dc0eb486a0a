"""Devices on two wires that are a table of byte registers: address byte, then data.

Source: [UG] I2C; docs/hardware/board.md#camera.
"""

from collections.abc import Mapping

N_REGISTERS = 256


class RegisterTarget:
    """The first byte written is a register's number; further bytes go to it and those after it.

    Args:
        address: its 7 bits.
        values: of registers after power-on; all others are 0.
    """

    def __init__(self, address: int, values: Mapping[int, int]) -> None:
        self.address = address
        self.values = bytearray(N_REGISTERS)
        for number, value in values.items():
            self.values[number] = value
        self._number: int | None = None  # of the register that is next
        self._selected = 0  # register that the last write named

    def start(self, *, is_read: bool) -> bool:
        """A start condition with its address; it always acknowledges."""
        self._number = self._selected if is_read else None
        return True

    def write(self, byte: int) -> bool:
        """The number of a register, or a byte for one."""
        if self._number is None:
            self._number = self._selected = byte
        else:
            self.stored(self._number, byte)
            self._number = (self._number + 1) % N_REGISTERS
        return True

    def read(self) -> int:
        """The byte of the register that is next."""
        number = self._selected if self._number is None else self._number
        self._number = (number + 1) % N_REGISTERS
        return self.loaded(number)

    def stop(self) -> None:
        """A stop condition; the register's number stays."""
        self._number = None

    def loaded(self, number: int) -> int:
        """What a register holds."""
        return self.values[number]

    def stored(self, number: int, value: int) -> None:
        """What a byte for a register does."""
        self.values[number] = value
