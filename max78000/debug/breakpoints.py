"""The comparators of the core: breakpoints of the FPB, and the DWT as far as a debugger looks.

Breakpoints stop the target; watchpoints are not modelled and setting one is an error, never a
watchpoint that does not fire. Source: [Armv7-M] C1.8 (DWT), C1.11 (FPB).
"""

from max78000.errors import BoardError

N_BREAKPOINTS = 6
N_WATCHPOINTS = 4
CODE_END = 0x2000_0000  # the FPB compares addresses of the code region only

FP_CTRL, FP_REMAP, FP_COMP0 = 0x000, 0x004, 0x008
FP_COMP_END = FP_COMP0 + 4 * (N_BREAKPOINTS + 2)  # two literal comparators follow, never used
FP_CTRL_COUNTS = N_BREAKPOINTS << 4 | 2 << 8
FP_CTRL_KEY, FP_CTRL_ENABLE = 2, 1
FP_COMP_WRITABLE = 0xDFFF_FFFD
FP_COMP_ADDR = 0x1FFF_FFFC

DWT_CTRL, DWT_CYCCNT = 0x000, 0x004
DWT_CTRL_COUNTS = N_WATCHPOINTS << 28
DWT_COMP0, DWT_STRIDE, DWT_FUNCTION = 0x20, 0x10, 0x8
DWT_END = DWT_COMP0 + DWT_STRIDE * N_WATCHPOINTS


class BreakpointUnit:
    """The FPB, version 1: six instruction comparators."""

    def __init__(self) -> None:
        self._is_enabled = False
        self._comparators = [0] * (N_BREAKPOINTS + 2)

    def load(self, offset: int) -> int:
        """Return the word at a byte offset; reserved words read 0."""
        if offset == FP_CTRL:
            return FP_CTRL_COUNTS | int(self._is_enabled)
        if FP_COMP0 <= offset < FP_COMP_END:
            return self._comparators[(offset - FP_COMP0) // 4]
        return 0

    def store(self, offset: int, value: int) -> None:
        """Take a word; writes to reserved words are ignored."""
        if offset == FP_CTRL and value & FP_CTRL_KEY:
            self._is_enabled = bool(value & FP_CTRL_ENABLE)
        elif FP_COMP0 <= offset < FP_COMP_END:
            self._comparators[(offset - FP_COMP0) // 4] = value & FP_COMP_WRITABLE

    def addrs(self) -> frozenset[int]:
        """Addresses of the instructions before which the core shall halt."""
        if not self._is_enabled:
            return frozenset()
        active = (word for word in self._comparators[:N_BREAKPOINTS] if word & 1)
        return frozenset(addr for word in active for addr in _halfwords(word))


def _halfwords(comparator: int) -> tuple[int, ...]:
    """Addresses one comparator matches: REPLACE chooses lower, upper or both halfwords."""
    addr = comparator & FP_COMP_ADDR
    return ((), (addr,), (addr + 2,), (addr, addr + 2))[comparator >> 30]


class WatchUnit:
    """The DWT as a debugger finds it: counts, a cycle counter that stands still, no watchpoints."""

    def __init__(self) -> None:
        self._words: dict[int, int] = {}

    def load(self, offset: int) -> int:
        """Return the word at a byte offset; reserved words read 0."""
        return DWT_CTRL_COUNTS if offset == DWT_CTRL else self._words.get(offset, 0)

    def store(self, offset: int, value: int) -> None:
        """Take a word.

        Raises:
            BoardError: it would set a watchpoint.
        """
        is_comparator = DWT_COMP0 <= offset < DWT_END
        if is_comparator and offset % DWT_STRIDE == DWT_FUNCTION and value:
            why = f"a watchpoint (DWT function {value:#x}) is not modelled"
            raise BoardError(why, where="debug port", fix="use a breakpoint")
        if is_comparator or offset == DWT_CYCCNT:
            self._words[offset] = value
