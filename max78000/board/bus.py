"""Address to device on the peripheral bus; an address without a device is an error.

Also the home of the rule that a device answers only while its clock runs. No memory is reached
through here.
"""

from dataclasses import dataclass

from max78000.board.device import WINDOW_BYTES, Device
from max78000.board.registers import RegisterBlock
from max78000.errors import BoardError
from max78000.facts.chip import WORD_BYTES


@dataclass(frozen=True, slots=True)
class Gate:
    """The bit that takes the clock from a device while it is set."""

    block: RegisterBlock
    register: str
    bit: int

    @property
    def is_closed(self) -> bool:
        """The device gets no clock."""
        return bool(self.block.values[self.register] >> self.bit & 1)

    def __str__(self) -> str:
        return f"{self.block.name} {self.register} bit {self.bit}"


class PeripheralBus:
    """Devices by address."""

    def __init__(self) -> None:
        self._windows: dict[int, tuple[Device, Gate | None]] = {}

    def attach(self, device: Device, gate: Gate | None = None) -> None:
        """Put a device on the bus."""
        first = device.base_addr // WINDOW_BYTES
        for window in range(first, first + device.size_bytes // WINDOW_BYTES):
            self._windows[window] = device, gate

    def load(self, addr: int, n_bytes: int) -> int:
        """Load a word, or a part of one.

        Raises:
            BoardError: nothing is there, or it does not answer.
        """
        device = self._device(addr, n_bytes)
        word = device.load((addr & ~3) - device.base_addr)
        return word >> 8 * (addr & 3) & (1 << 8 * n_bytes) - 1

    def store(self, addr: int, n_bytes: int, value: int) -> None:
        """Store a word.

        Raises:
            BoardError: nothing is there, it does not answer, or this is no word.
        """
        device = self._device(addr, n_bytes)
        if n_bytes != WORD_BYTES:
            why = f"a store of {n_bytes} bytes to {addr:#010x}; registers take words"
            raise BoardError(why, where=device.name)
        device.store(addr - device.base_addr, value)

    def _device(self, addr: int, n_bytes: int) -> Device:
        found = self._windows.get(addr // WINDOW_BYTES)
        if found is None:
            raise BoardError(f"no device is modelled at {addr:#010x}")
        device, gate = found
        if addr % n_bytes:
            raise BoardError(f"{n_bytes} bytes at {addr:#010x} are not aligned", where=device.name)
        # Quirk clock-gates: on the chip such an access is lost, or worse, without a word.
        if gate is not None and gate.is_closed:
            why = f"is used at {addr:#010x} while its clock is off"
            raise BoardError(why, where=device.name, fix=f"clear {gate} first")
        return device
