"""The operations of a register program: what a store, a copy, a wait is. Values only.

What a program is made of them, and how it is written down, is in `program`.
"""

from dataclasses import dataclass
from typing import TypeAlias

from max78000.errors import InternalError


@dataclass(frozen=True, slots=True)
class Write:
    """Store one 32-bit word."""

    addr: int
    value: int

    def __post_init__(self) -> None:
        require_word_addr(self.addr)
        require_words((self.value,))


@dataclass(frozen=True, slots=True)
class Copy:
    """Store the words from `addr` upwards: biases (one byte a word), input data."""

    addr: int
    words: tuple[int, ...]

    def __post_init__(self) -> None:
        require_word_addr(self.addr)
        require_words(self.words)


@dataclass(frozen=True, slots=True)
class KernelBlock:
    """Store the byte 1 at `addr | 1`, then the words from `addr` upwards: packed kernels.

    `addr` is the processor's kernel window plus 4 bytes for every 72-bit word before the first.
    """

    addr: int
    words: tuple[int, ...]

    def __post_init__(self) -> None:
        require_word_addr(self.addr)
        require_words(self.words)


@dataclass(frozen=True, slots=True)
class Fifo:
    """Push the words into one FIFO; all FIFOs of a phase are fed in lock step, word by word."""

    fifo_index: int
    words: tuple[int, ...]

    def __post_init__(self) -> None:
        require_words(self.words)


@dataclass(frozen=True, slots=True)
class FastFifo:
    """Push the words into the fast FIFO, which only the RISC-V core reaches."""

    words: tuple[int, ...]

    def __post_init__(self) -> None:
        require_words(self.words)


@dataclass(frozen=True, slots=True)
class _Look:
    """The word at `addr` against `value` under `mask`; what follows of it is the operation's."""

    addr: int
    mask: int
    value: int

    def __post_init__(self) -> None:
        require_word_addr(self.addr)
        require_words((self.mask, self.value))


@dataclass(frozen=True, slots=True)
class Poll(_Look):
    """Wait until the word at `addr` equals `value` under `mask`."""


@dataclass(frozen=True, slots=True)
class Require(_Look):
    """Fail unless the word at `addr` equals `value` under `mask`: looks once, waits for nothing."""


Operation: TypeAlias = Write | KernelBlock | Copy | Fifo | FastFifo | Poll | Require


def require_word_addr(addr: int) -> None:
    """Refuse what is no address of a word."""
    if addr % 4 or not 0 <= addr < 1 << 32:
        raise InternalError(f"{addr:#x} is no address of a 32-bit word")


def require_words(words: tuple[int, ...]) -> None:
    """Refuse what 32 bits cannot hold."""
    if words and (min(words) < 0 or max(words) >= 1 << 32):
        raise InternalError("a word does not fit 32 bits")
