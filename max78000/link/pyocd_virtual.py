"""A pyOCD adapter whose chip is a model: the way to flash and debug the virtual board.

Does what the firmware of a CMSIS-DAP adapter does: collects posted reads and reports faults.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from pyocd.core import exceptions
from pyocd.probe.debug_probe import DebugProbe

from max78000.debug.debug_port import RDBUFF, DebugPort
from max78000.debug.swd import Acknowledge, Answer, SerialWirePort

_Result = TypeVar("_Result")


class VirtualAdapter(DebugProbe):  # type: ignore[misc]  # pyOCD is not typed
    """SWD to one modelled chip."""

    vendor_name = "max78000"
    product_name = "virtual board"
    unique_id = "virtual"
    supported_wire_protocols = (DebugProbe.Protocol.DEFAULT, DebugProbe.Protocol.SWD)
    wire_protocol = DebugProbe.Protocol.SWD
    capabilities: frozenset[DebugProbe.Capability] = frozenset()

    def __init__(self, port: DebugPort) -> None:
        super().__init__()
        self._core = port.core
        self._wire = SerialWirePort(port)
        self._is_open = False
        self._is_reset_held = False

    @property
    def is_open(self) -> bool:
        """Somebody uses the adapter."""
        return self._is_open

    def open(self) -> None:
        """Begin to use the adapter."""
        self._is_open = True

    def close(self) -> None:
        """End the use of the adapter."""
        self._is_open = False

    def connect(self, protocol: DebugProbe.Protocol | None = None) -> None:
        """Turn to the chip; there is no line to set up."""

    def disconnect(self) -> None:
        """Turn away from the chip."""

    def set_clock(self, frequency: float) -> None:
        """Take a clock that nothing needs."""

    def flush(self) -> None:
        """Send what waits: nothing does."""

    def reset(self) -> None:
        """Pulse the reset pin."""
        self.assert_reset(True)
        self.assert_reset(False)

    def assert_reset(self, asserted: bool) -> None:
        """Hold the reset pin, or let it go."""
        self._is_reset_held = asserted
        self._core.hold_reset(asserted)

    def is_reset_asserted(self) -> bool:
        """Tell whether the reset pin is held."""
        return self._is_reset_held

    def read_dp(self, addr: int, now: bool = True) -> int | Callable[[], int]:
        """Read a register of the debug port."""
        return _given(_checked(self._wire.read(addr & 0xC, is_ap=False)), now)

    def write_dp(self, addr: int, data: int) -> None:
        """Write a register of the debug port."""
        _checked(self._wire.write(addr & 0xC, data, is_ap=False))

    def read_ap(self, addr: int, now: bool = True) -> int | Callable[[], int]:
        """Read a register of the access port: a posted read, then the result from RDBUFF."""
        _checked(self._wire.read(addr & 0xC, is_ap=True))
        return _given(_checked(self._wire.read(RDBUFF, is_ap=False)), now)

    def write_ap(self, addr: int, data: int) -> None:
        """Write a register of the access port; its fault shows with the next transfer."""
        _checked(self._wire.write(addr & 0xC, data, is_ap=True))
        _checked(self._wire.read(RDBUFF, is_ap=False))

    def read_ap_multiple(
        self, addr: int, count: int = 1, now: bool = True
    ) -> Sequence[int] | Callable[[], Sequence[int]]:
        """Read one register of the access port many times, each read collecting the one before."""
        answers = [self._wire.read(addr & 0xC, is_ap=True) for _ in range(count)]
        answers.append(self._wire.read(RDBUFF, is_ap=False))
        return _given([_checked(answer) for answer in answers][1:], now)

    def write_ap_multiple(self, addr: int, values: Sequence[int]) -> None:
        """Write one register of the access port many times."""
        for value in values:
            _checked(self._wire.write(addr & 0xC, value, is_ap=True))
        _checked(self._wire.read(RDBUFF, is_ap=False))


def _checked(answer: Answer) -> int:
    if answer.acknowledge is not Acknowledge.OK:
        raise exceptions.TransferFaultError("the chip answers FAULT")
    return answer.word


def _given(result: _Result, now: bool) -> _Result | Callable[[], _Result]:
    """Return the result, or a function that does, as pyOCD wishes."""
    return result if now else lambda: result
