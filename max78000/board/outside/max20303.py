"""The MAX20303, the Feather board's supply: has its identity and takes commands. Powers nothing.

A command is carried out at once; what it sets can be read back.

Source: docs/hardware/board.md#supply; [MSDK] max20303.c.
"""

from max78000.board.outside.two_wire import RegisterTarget

ADDRESS = 0x28
HARDWARE_ID = 0x02
DATA_OUT, COMMAND, RESPONSE, DATA_IN = 0x0F, 0x17, 0x18, 0x19
N_DATA = 6
READS = 1  # a command of this bit reads what the one below writes


class Max20303(RegisterTarget):
    """The supply."""

    def __init__(self) -> None:
        super().__init__(ADDRESS, {0x00: HARDWARE_ID, 0x01: 0x02})
        self._settings: dict[int, bytes] = {}

    def stored(self, number: int, value: int) -> None:
        """What a byte for a register does."""
        super().stored(number, value)
        if number != COMMAND:
            return
        self.values[RESPONSE] = value
        if value & READS and value - 1 in self._settings:
            self.values[DATA_IN : DATA_IN + N_DATA] = self._settings[value - 1]
        elif not value & READS:
            self._settings[value] = bytes(self.values[DATA_OUT : DATA_OUT + N_DATA])
