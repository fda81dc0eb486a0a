"""How deep the stack of a firmware has been, for `max78000 simulate`.

Firmware on this toolchain's package says where its stack ends and paints it; others do not.
"""

from dataclasses import dataclass
from pathlib import Path

from max78000.board.board import VirtualBoard
from max78000.facts.memory_map import RAM_ADDR, RAM_BYTES
from max78000.firmware.image import STACK_LIMIT, read_image

PAINT = b"\xa5"


@dataclass(frozen=True, slots=True)
class StackUse:
    """What a stack has taken at most, and what there is for it; bytes."""

    used_bytes: int
    available_bytes: int

    def __str__(self) -> str:
        return f"stack: {self.used_bytes:,} of {self.available_bytes:,} bytes"


def stack_use(elf: Path, board: VirtualBoard) -> StackUse | None:
    """Measure the stack of a program that has run; None if it is not known where that is."""
    symbol = read_image(elf).symbol(STACK_LIMIT)
    if symbol is None:
        return None
    limit = int.from_bytes(board.read_memory(symbol.addr, 4), "little")
    end = RAM_ADDR + RAM_BYTES
    if not RAM_ADDR <= limit < end:  # it has not come to that
        return None
    stack = board.read_memory(limit, end - limit)
    return StackUse(len(stack.lstrip(PAINT)), len(stack))
