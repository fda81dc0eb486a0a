"""The memory access port (AHB-AP): one window of registers through which memory is reached.

Knows sizes, lanes and the auto-incremented address; what is at an address it asks the core.
Source: [ADI] C2 (MEM-AP); [Cortex-M4] AHB-AP.
"""

from max78000.debug.core import CoreDebug
from max78000.debug.identity import ROM_TABLE_ADDR, Identity

CSW, TAR, DRW, BD0 = 0x00, 0x04, 0x0C, 0x10
CFG, BASE, IDR = 0xF4, 0xF8, 0xFC

CSW_SIZE, CSW_INCREMENT = 0x7, 0x30
CSW_INCREMENT_SINGLE = 0x10
CSW_READ_ONLY_BITS = 0x40  # DeviceEn: the port works
CSW_RESET = 0x2300_0052
CSW_WRITABLE = 0xFF00_0F37
INCREMENT_WRAP_BYTES = 0x1000  # the AHB-AP of a Cortex-M4; the standard promises 1 KB only
BASE_IS_PRESENT = 0x3


class MemoryAccessPort:
    """Access port 0: words, halfwords and bytes, single auto-increment, no packed transfers."""

    def __init__(self, core: CoreDebug, identity: Identity | None = None) -> None:
        self._core = core
        self._idr = (identity or Identity()).ap_idr
        self._csw = CSW_RESET
        self._addr = 0

    def read(self, register: int) -> int:
        """Return a register; DRW and BD0 to BD3 read memory. Unknown registers are 0.

        Raises:
            BoardError: nothing answers at the address.
        """
        self._core.run()
        if register == DRW:
            return self._read_memory()
        if BD0 <= register < BD0 + 16:
            return self._core.read(self._banked(register), 4)
        return {
            CSW: self._csw | CSW_READ_ONLY_BITS,
            TAR: self._addr,
            BASE: ROM_TABLE_ADDR | BASE_IS_PRESENT,
            IDR: self._idr,
        }.get(register, 0)

    def write(self, register: int, value: int) -> None:
        """Set a register; DRW and BD0 to BD3 write memory. Writes to unknown ones are ignored.

        Raises:
            BoardError: nothing answers at the address.
        """
        self._core.run()
        if register == CSW:
            self._csw = _allowed_csw(value)
        elif register == TAR:
            self._addr = value
        elif register == DRW:
            self._write_memory(value)
        elif BD0 <= register < BD0 + 16:
            self._core.write(self._banked(register), value, 4)

    def _read_memory(self) -> int:
        n_bytes = 1 << (self._csw & CSW_SIZE)
        value = self._core.read(self._addr, n_bytes)
        lane_bits = 8 * (self._addr & 3)  # narrow data travels on the byte lanes of its address
        self._advance(n_bytes)
        return value << lane_bits

    def _write_memory(self, value: int) -> None:
        n_bytes = 1 << (self._csw & CSW_SIZE)
        lane_bits = 8 * (self._addr & 3)
        mask = (1 << 8 * n_bytes) - 1
        self._core.write(self._addr, value >> lane_bits & mask, n_bytes)
        self._advance(n_bytes)

    def _advance(self, n_bytes: int) -> None:
        """Increment within a block of 4 KB; at its end a debugger must set TAR anew."""
        if self._csw & CSW_INCREMENT:
            low = (self._addr + n_bytes) % INCREMENT_WRAP_BYTES
            self._addr = self._addr // INCREMENT_WRAP_BYTES * INCREMENT_WRAP_BYTES + low

    def _banked(self, register: int) -> int:
        return (self._addr & ~0xF) + (register & 0xC)


def _allowed_csw(value: int) -> int:
    """Refuse packed transfers and sizes over a word by not taking them, as a port may."""
    value &= CSW_WRITABLE
    if value & CSW_INCREMENT not in (0, CSW_INCREMENT_SINGLE):
        value &= ~CSW_INCREMENT
    return value & ~CSW_SIZE | min(value & CSW_SIZE, 2)
