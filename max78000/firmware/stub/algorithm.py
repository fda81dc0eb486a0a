"""Where the flash algorithm lies in RAM and how it is called: one frozen value for all debuggers.

The words come from words.py, so that flashing needs no compiler.
"""

from dataclasses import dataclass

from max78000.firmware.stub import words

# What the functions return in r0; the numbers are those of flash_algorithm.c.
RESULTS = (
    "done",
    "the flash controller stays busy",
    "the flash controller refuses (access failure): is the page write-protected?",
    "the system clock is one that cannot time the flash",
)


@dataclass(frozen=True, slots=True)
class FlashAlgorithm:
    """Code, entry points and RAM layout. All addresses are absolute, without the Thumb bit.

    The first word of the code is a breakpoint; calls return there. Each buffer holds a page.
    """

    load_addr: int
    words: tuple[int, ...]
    init_addr: int
    uninit_addr: int
    erase_sector_addr: int
    erase_chip_addr: int
    program_page_addr: int
    stack_end_addr: int  # lowest address of the stack
    stack_top_addr: int
    buffer_addrs: tuple[int, ...]

    @property
    def code(self) -> bytes:
        """The words as bytes, as they lie in RAM."""
        return b"".join(word.to_bytes(4, "little") for word in self.words)


def result_text(code: int) -> str:
    """Say in words what a function returned."""
    return RESULTS[code] if code < len(RESULTS) else f"the flash algorithm returned {code:#x}"


ALGORITHM = FlashAlgorithm(
    load_addr=words.LOAD_ADDR,
    words=words.WORDS,
    init_addr=words.ENTRIES["Init"],
    uninit_addr=words.ENTRIES["UnInit"],
    erase_sector_addr=words.ENTRIES["EraseSector"],
    erase_chip_addr=words.ENTRIES["EraseChip"],
    program_page_addr=words.ENTRIES["ProgramPage"],
    stack_end_addr=words.LOAD_ADDR + 0x800,
    stack_top_addr=words.LOAD_ADDR + 0x1000,
    buffer_addrs=(words.LOAD_ADDR + 0x4000, words.LOAD_ADDR + 0x8000),
)
