"""The MAX78000 as pyOCD sees it: memory map and our flash algorithm; no CMSIS pack is needed.

pyOCD keeps its targets in a table of its own; `register_target` adds ours to it.
"""

from typing import Any

from pyocd.core.memory_map import FlashRegion, MemoryMap, RamRegion
from pyocd.core.session import Session
from pyocd.coresight.coresight_target import CoreSightTarget
from pyocd.target import TARGET

from max78000.facts.memory_map import (
    FLASH_ADDR,
    FLASH_BYTES,
    LINE_BYTES,
    PAGE_BYTES,
    RAM_ADDR,
    RAM_BYTES,
)
from max78000.firmware.stub.algorithm import ALGORITHM

TARGET_NAME = "max78000"


def pyocd_algorithm() -> dict[str, Any]:
    """Our flash algorithm in pyOCD's words; entry points carry the Thumb bit."""
    return {
        "load_address": ALGORITHM.load_addr,
        "instructions": list(ALGORITHM.words),
        "pc_init": ALGORITHM.init_addr | 1,
        "pc_unInit": ALGORITHM.uninit_addr | 1,
        "pc_erase_sector": ALGORITHM.erase_sector_addr | 1,
        "pc_eraseAll": ALGORITHM.erase_chip_addr | 1,
        "pc_program_page": ALGORITHM.program_page_addr | 1,
        "static_base": 0,  # the algorithm has no variables
        "begin_stack": ALGORITHM.stack_top_addr,
        "end_stack": ALGORITHM.stack_end_addr,
        "page_size": PAGE_BYTES,
        "page_buffers": list(ALGORITHM.buffer_addrs),
        "min_program_length": LINE_BYTES,
        "analyzer_supported": False,
        "analyzer_address": 0,
    }


class Max78000Target(CoreSightTarget):  # type: ignore[misc]  # pyOCD is not typed
    """The Cortex-M4 side of the chip: 512 KB of flash in pages of 8 KB, 128 KB of RAM."""

    VENDOR = "Analog Devices"

    def __init__(self, session: Session) -> None:
        flash = FlashRegion(
            start=FLASH_ADDR,
            length=FLASH_BYTES,
            blocksize=PAGE_BYTES,
            page_size=PAGE_BYTES,
            is_boot_memory=True,
            algo=pyocd_algorithm(),
        )
        super().__init__(session, MemoryMap(flash, RamRegion(start=RAM_ADDR, length=RAM_BYTES)))


def register_target() -> str:
    """Make the chip known to pyOCD and return the name it has there."""
    TARGET[TARGET_NAME] = Max78000Target
    return TARGET_NAME
