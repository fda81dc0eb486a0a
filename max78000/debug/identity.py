"""Who the parts of the debug system say they are: fixed words, no behaviour.

Source: docs/hardware/firmware.md#debug-port; [ADI] IDCODE, DPIDR, IDR; [CoreSight] CIDR, PIDR, ROM
table; [Armv7-M] CPUID, FPB, DWT; [Cortex-M4].
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

ROM_TABLE_ADDR = 0xE00F_F000
SCS_ADDR = 0xE000_E000
DWT_ADDR = 0xE000_1000
FPB_ADDR = 0xE000_2000

_ARM_PIDR4, _ARM_PIDR2 = 0x04, 0x0B  # JEP106 continuation 4, identity 0x3B
_ID_START = 0xFD0


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells one chip from another on the debug port; the defaults are the MAX78000."""

    jtag_idcode: int = 0x4BA0_0477
    dpidr: int = 0x2BA0_1477
    ap_idr: int = 0x2477_0011  # AHB-AP of a Cortex-M4
    cpuid: int = 0x410F_C241  # Cortex-M4 r0p1


# component address -> part number and component class (1 ROM table, 0xE generic)
COMPONENTS: Mapping[int, tuple[int, int]] = MappingProxyType(
    {
        ROM_TABLE_ADDR: (0x4C4, 0x1),
        SCS_ADDR: (0x00C, 0xE),
        DWT_ADDR: (0x002, 0xE),
        FPB_ADDR: (0x003, 0xE),
    }
)

# ID_PFR0 to ID_ISAR5, then CLIDR to CSSELR, which say that there are no caches.
_FEATURES = (
    *(0x0000_0030, 0x0000_0200, 0x0010_0000, 0x0000_0000),  # processor, debug, auxiliary
    *(0x0010_0030, 0x0000_0000, 0x0100_0000, 0x0000_0000),  # memory model
    *(0x0114_1110, 0x0211_2000, 0x2123_2231, 0x0111_1131, 0x0131_0102, 0x0000_0000),  # instructions
    *(0x0000_0000, 0x0000_0000, 0x0000_0000, 0x0000_0000),
)

# Words that never change: the ROM table's entries (offset | present), and the core's features.
FIXED_WORDS: Mapping[int, int] = MappingProxyType(
    {
        ROM_TABLE_ADDR + 0x0: 0xFFF0_F003,  # SCS
        ROM_TABLE_ADDR + 0x4: 0xFFF0_2003,  # DWT
        ROM_TABLE_ADDR + 0x8: 0xFFF0_3003,  # FPB
        ROM_TABLE_ADDR + 0xC: 0x0000_0000,  # end
        ROM_TABLE_ADDR + 0xFCC: 0x0000_0001,  # MEMTYPE: system memory is on this bus
        SCS_ADDR + 0x004: 0x0000_0003,  # ICTR: 128 interrupt lines
        SCS_ADDR + 0xF40: 0x1011_0021,  # MVFR0: single-precision FPU
        SCS_ADDR + 0xF44: 0x1100_0011,  # MVFR1
        SCS_ADDR + 0xF48: 0x0000_0000,  # MVFR2
    }
    | {SCS_ADDR + 0xD40 + 4 * index: word for index, word in enumerate(_FEATURES)}
)


def identification_word(addr: int) -> int | None:
    """Return the PIDR or CIDR word at an address; None where no component keeps one."""
    base, offset = addr & ~0xFFF, addr & 0xFFF
    if base not in COMPONENTS or offset < _ID_START:
        return None
    part, component_class = COMPONENTS[base]
    words = {
        0xFD0: _ARM_PIDR4,
        0xFE0: part & 0xFF,
        0xFE4: 0xB0 | part >> 8,
        0xFE8: _ARM_PIDR2,
        0xFF0: 0x0D,
        0xFF4: component_class << 4,
        0xFF8: 0x05,
        0xFFC: 0xB1,
    }
    return words.get(offset, 0)
