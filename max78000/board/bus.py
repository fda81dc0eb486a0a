"""Address to device on the peripheral bus; an address without a device is an objection.

Also the home of the rule that a device answers only while its clock runs. No memory is reached
through here.
"""

from dataclasses import dataclass

from max78000.board.device import WINDOW_BYTES, Device
from max78000.board.objections import Objections
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
    """Devices by address.

    Args:
        objections: takes accesses that reach nothing; the program reads zero then.
    """

    def __init__(self, objections: Objections) -> None:
        self._objections = objections
        self._windows: dict[int, tuple[Device, Gate | None]] = {}

    def attach(self, device: Device, gate: Gate | None = None) -> None:
        """Put a device on the bus."""
        first = device.base_addr // WINDOW_BYTES
        for window in range(first, first + device.size_bytes // WINDOW_BYTES):
            self._windows[window] = device, gate

    def load(self, addr: int, n_bytes: int) -> int:
        """Load a word, or a part of one.

        Raises:
            BoardError: nothing is there, or it does not answer, on a strict board.
        """
        device = self._device(addr, n_bytes)
        if device is None:
            return 0
        if n_bytes != WORD_BYTES:
            return device.load_part(addr - device.base_addr, n_bytes)
        return device.load(addr - device.base_addr)

    def store(self, addr: int, n_bytes: int, value: int) -> Device | None:
        """Store a word, or a part of one.

        Returns:
            The device that took it.

        Raises:
            BoardError: nothing is there, or it does not answer, on a strict board.
        """
        device = self._device(addr, n_bytes)
        if device is None:
            return None
        if n_bytes != WORD_BYTES:
            device.store_part(addr - device.base_addr, n_bytes, value)
        else:
            device.store(addr - device.base_addr, value)
        return device

    def awaits(self, addr: int) -> str:
        """What from outside would change the register at an address; empty if nothing would."""
        device, _gate = self._windows.get(addr // WINDOW_BYTES, (None, None))
        return device.awaits((addr & ~3) - device.base_addr) if device is not None else ""

    def _device(self, addr: int, n_bytes: int) -> Device | None:
        found = self._windows.get(addr // WINDOW_BYTES)
        if found is None:
            self._objections.raise_or_count(BoardError(f"no device is modelled at {addr:#010x}"))
            return None
        device, gate = found
        if addr % n_bytes:
            raise BoardError(f"{n_bytes} bytes at {addr:#010x} are not aligned", where=device.name)
        # Quirk clock-gates: on the chip such an access is lost, or worse, without a word.
        if gate is not None and gate.is_closed:
            why = f"is used at {addr:#010x} while its clock is off"
            fix = f"clear {gate} first"
            self._objections.raise_or_count(BoardError(why, where=device.name, fix=fix))
            return None
        return device
