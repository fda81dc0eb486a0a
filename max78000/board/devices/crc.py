"""CRC: a checksum of any polynomial over what is stored to DATAIN, bit by bit; done at once.

With MSB clear a word is taken from its lowest bit upwards and the register shifts right, so POLY
and VAL are reflected; with MSB set it is the other way round.

Source: [MSDK] crc_regs.h, crc_reva.c.
"""

from max78000.board.placement import Placement, Surroundings
from max78000.board.registers import ALL, RegisterBlock, Word

ENABLE, DMA_ENABLE, MSB_FIRST, SWAP_IN, SWAP_OUT = 1, 2, 4, 8, 16
DATA = 0x04  # offset

# fmt: off
WORDS = (
    #    name      offset  writable  read-only  reset
    Word("CTRL",    0x00,  0x1F,     1 << 16),
    Word("DATAIN",  DATA),
    Word("POLY",    0x08,  ALL,      0,         0xEDB8_8320),
    Word("VAL",     0x0C),
)
# fmt: on


class CrcEngine(RegisterBlock):
    """The engine."""

    def __init__(self, place: Placement, _around: Surroundings) -> None:
        super().__init__(place.name, place.base_addr, place.size_bytes, WORDS)

    @property
    def requests(self) -> int:
        """It takes whatever the DMA has."""
        wanted = ENABLE | DMA_ENABLE
        return int(self.values["CTRL"] & wanted == wanted)

    def stored(self, name: str, value: int) -> None:
        """What a store of a register does."""
        if name == "DATAIN":
            self._take(value, 4)
        else:
            self.values[name] = value

    def store_part(self, offset: int, n_bytes: int, value: int) -> None:
        """Take bytes and halfwords of data."""
        if offset & ~3 == DATA:
            self._take(value, n_bytes)
        else:
            super().store_part(offset, n_bytes, value)

    def loaded(self, name: str) -> int:
        """What a load of a register gives."""
        value = self.values[name]
        is_swapped = name == "VAL" and self.values["CTRL"] & SWAP_OUT
        return _swapped(value, 4) if is_swapped else value

    def _take(self, data: int, n_bytes: int) -> None:
        control, polynomial = self.values["CTRL"], self.values["POLY"]
        if not control & ENABLE:
            self.object_to("data is stored while it is off", "set CTRL bit 0 first")
            return
        if control & SWAP_IN:
            data = _swapped(data, n_bytes)
        value = self.values["VAL"]
        for bit in range(8 * n_bytes):
            if control & MSB_FIRST:
                is_set = value >> 31 ^ data >> (8 * n_bytes - 1 - bit) & 1
                value = (value << 1 & ALL) ^ (polynomial if is_set else 0)
            else:
                is_set = value & 1 ^ data >> bit & 1
                value = value >> 1 ^ (polynomial if is_set else 0)
        self.values["VAL"] = value


def _swapped(value: int, n_bytes: int) -> int:
    return int.from_bytes(value.to_bytes(n_bytes, "little"), "big")
