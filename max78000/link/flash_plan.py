"""What to erase, write and compare, in which order: the plan of every probe but daplink.

The first line of the flash holds initial stack pointer and reset vector. Its page is erased first,
and the line is written last, after everything else has been compared: an image that was not
finished, for whatever reason, has no entry and never starts. Talks to no probe. A DAPLink drive
takes the image whole and keeps an order of its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from max78000.errors import CapacityError, InputError
from max78000.facts.memory_map import (
    FLASH_ADDR,
    FLASH_BYTES,
    LINE_BYTES,
    PAGE_BYTES,
    RAM_ADDR,
    RAM_BYTES,
)
from max78000.firmware.image import ERASED

_BUILD = "flash an ELF that max78000 build has made"


@dataclass(frozen=True, slots=True)
class FlashImage:
    """Bytes of the flash from its first address on; whole lines, gaps filled as erased.

    Raises:
        InputError: not whole lines, or not an image that could start.
        CapacityError: larger than the flash.
    """

    data: bytes
    name: str = "image"

    def __post_init__(self) -> None:
        if not self.data or len(self.data) % LINE_BYTES:
            raise InputError(f"{len(self.data)} bytes are not whole lines of 16", where=self.name)
        if len(self.data) > FLASH_BYTES:
            why = f"needs {len(self.data)} of {FLASH_BYTES} bytes of flash"
            raise CapacityError(
                why, where=self.name, fix="use smaller weights or a smaller network"
            )
        stack, entry = (int.from_bytes(self.data[at : at + 4], "little") for at in (0, 4))
        if not RAM_ADDR < stack <= RAM_ADDR + RAM_BYTES:
            raise InputError(
                f"the stack pointer {stack:#010x} is not in RAM", where=self.name, fix=_BUILD
            )
        if not entry & 1 or not 0 <= entry - FLASH_ADDR < len(self.data):
            why = f"the reset vector {entry:#010x} is not code of the image"
            raise InputError(why, where=self.name, fix=_BUILD)

    @property
    def page_addrs(self) -> tuple[int, ...]:
        """Address of every page the image touches."""
        return tuple(range(FLASH_ADDR, FLASH_ADDR + len(self.data), PAGE_BYTES))


def flash_image(content: bytes, name: str) -> FlashImage:
    """Fill the content of the flash, from its first address on, up to a whole line.

    Raises:
        InputError: not an image that could start.
        CapacityError: larger than the flash.
    """
    return FlashImage(content + ERASED * (-len(content) % LINE_BYTES), name)


@dataclass(frozen=True, slots=True)
class Erase:
    """Erase the page at an address."""

    addr: int

    def __str__(self) -> str:
        return f"erase {self.addr:#010x}"


@dataclass(frozen=True, slots=True)
class WriteLines:
    """Write whole lines inside one page."""

    addr: int
    data: bytes

    def __str__(self) -> str:
        return f"write {self.addr:#010x} {len(self.data)} bytes"


@dataclass(frozen=True, slots=True)
class Verify:
    """Compare the flash with what it should be."""

    addr: int
    data: bytes

    def __str__(self) -> str:
        return f"verify {self.addr:#010x} {len(self.data)} bytes"


Step = Erase | WriteLines | Verify


@dataclass(frozen=True, slots=True)
class FlashPlan:
    """An image and the steps that bring it into the flash. `str()` is one line per step."""

    image: FlashImage
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        return "\n".join(map(str, self.steps))

    @property
    def is_verified(self) -> bool:
        """The plan compares what it has written."""
        return any(isinstance(step, Verify) for step in self.steps)


def flash_plan(image: FlashImage, *, verify: bool = True) -> FlashPlan:
    """Order the steps: erase from the entry on, write and compare the rest, then the entry."""
    # Quirk entry-last: an image without its first line never starts.
    entry, rest = image.data[:LINE_BYTES], image.data[LINE_BYTES:]
    rest_addr = FLASH_ADDR + LINE_BYTES
    steps: list[Step] = [Erase(addr) for addr in image.page_addrs]
    steps += _writes(rest_addr, rest)
    if verify and rest:
        steps.append(Verify(rest_addr, rest))
    steps.append(WriteLines(FLASH_ADDR, entry))
    if verify:
        steps.append(Verify(FLASH_ADDR, entry))
    return FlashPlan(image, tuple(steps))


def _writes(addr: int, data: bytes) -> Iterator[WriteLines]:
    """Cut data at page borders; what is erased anyway is left out."""
    at = 0
    while at < len(data):
        n_bytes = PAGE_BYTES - (addr + at) % PAGE_BYTES
        chunk = data[at : at + n_bytes]
        if chunk.strip(ERASED):
            yield WriteLines(addr + at, chunk)
        at += n_bytes
