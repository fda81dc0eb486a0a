"""Flash and RAM by address, for everybody but the core, which works on the same buffers.

Source: docs/hardware/firmware.md#memory-map.
"""

from collections.abc import Callable
from dataclasses import dataclass

from max78000.board.engine import Region
from max78000.errors import BoardError
from max78000.facts.chip import WORD_BYTES
from max78000.facts.memory_map import FLASH_ADDR, FLASH_BYTES, RAM_ADDR, RAM_BYTES

# Quirk filled-ram: anything but the zeros that start-up code must make.
RAM_AT_POWER_ON = b"\xa5"
INFO_ADDR, INFO_BYTES = 0x1080_0000, 0x4000  # the information block of the flash


@dataclass(frozen=True, slots=True)
class Words:
    """How registers, and the accelerator, are loaded and stored."""

    load: Callable[[int], int]
    store: Callable[[int, int], None]


class AddressMap:
    """The buffers, and a way to all addresses for masters of the bus other than the core.

    Args:
        words: for addresses that are no plain memory.
    """

    def __init__(self, words: Words) -> None:
        self.flash = bytearray(b"\xff" * FLASH_BYTES)
        self.info = bytearray(b"\xff" * INFO_BYTES)
        self.ram = bytearray(RAM_AT_POWER_ON * RAM_BYTES)
        self._words = words

    @property
    def regions(self) -> tuple[Region, ...]:
        """What the core maps."""
        return (
            Region(FLASH_ADDR, self.flash, False),
            Region(INFO_ADDR, self.info, False),
            Region(RAM_ADDR, self.ram, True),
        )

    def find(self, addr: int, n_bytes: int) -> tuple[bytearray, int] | None:
        """Buffer and offset of plain memory; None if it is not all in one."""
        for region in self.regions:
            if region.addr <= addr and addr + n_bytes <= region.addr + len(region.buffer):
                return region.buffer, addr - region.addr
        return None

    def word_at(self, addr: int) -> int | None:
        """A word of plain memory; None where none is."""
        place = self.find(addr, WORD_BYTES)
        if place is None:
            return None
        buffer, offset = place
        return int.from_bytes(buffer[offset : offset + WORD_BYTES], "little")

    def read(self, addr: int, n_bytes: int) -> bytes:
        """Read memory or, as aligned words, device registers.

        Raises:
            BoardError: nothing answers at this address.
        """
        place = self.find(addr, n_bytes)
        if place is not None:
            buffer, offset = place
            return bytes(buffer[offset : offset + n_bytes])
        _require_words(addr, n_bytes)
        words = (self._words.load(word_addr) for word_addr in range(addr, addr + n_bytes, 4))
        return b"".join(word.to_bytes(WORD_BYTES, "little") for word in words)

    def write(self, addr: int, data: bytes) -> None:
        """Write memory or, as aligned words, device registers; flash is not written this way.

        Raises:
            BoardError: nothing answers at this address, or it is flash.
        """
        place = self.find(addr, len(data))
        if place is None:
            _require_words(addr, len(data))
            for offset in range(0, len(data), WORD_BYTES):
                word = int.from_bytes(data[offset : offset + WORD_BYTES], "little")
                self._words.store(addr + offset, word)
            return
        buffer, offset = place
        if buffer is not self.ram:
            raise BoardError(f"a store to flash at {addr:#010x}", fix="use the flash controller")
        buffer[offset : offset + len(data)] = data


def _require_words(addr: int, n_bytes: int) -> None:
    if addr % WORD_BYTES or n_bytes % WORD_BYTES:
        raise BoardError(f"{n_bytes} bytes at {addr:#010x} are no memory and no words")
