"""Peripheral registers as tables: names, offsets, and which bits exist. Knows no peripheral.

An offset without a register, or a bit that no table names, is an objection where silicon is silent:
what is not in a table is not modelled, and firmware that needs it shall be told.
"""

from dataclasses import dataclass

from max78000.board.objections import Objections
from max78000.errors import BoardError

ALL = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class Word:
    """One register.

    Bits of `read_only` may be stored, as a read-modify-write does, and do not change; bits in
    neither mask do not exist.
    """

    name: str
    offset: int
    writable: int = ALL
    read_only: int = 0
    reset: int = 0


@dataclass(frozen=True, slots=True)
class Bit:
    """One bit of a register, such as one that gates or resets a device."""

    block: str  # name of the device that has the register
    register: str
    bit: int


class RegisterBlock:
    """A device made of a table: what is stored can be loaded again.

    Devices with a life of their own override `loaded` and `stored`.

    Args:
        name: as the documents call it.
        base_addr: of the first register.
        size_bytes: of the window.
        words: the table.
    """

    def __init__(self, name: str, base_addr: int, size_bytes: int, words: tuple[Word, ...]) -> None:
        self.name = name
        self.base_addr = base_addr
        self.size_bytes = size_bytes
        self.objections = Objections()
        self.values = {word.name: word.reset for word in words}
        self._words = {word.offset: word for word in words}

    @property
    def asserted(self) -> int:
        """Interrupt lines that are up: bit n is the n-th of `Placement.irqs`."""
        return 0

    @property
    def requests(self) -> int:
        """DMA requests that are up: bit n is the n-th of `Placement.requests`."""
        return 0

    def load(self, offset: int) -> int:
        """Return the word at a byte offset; 0 where none is.

        Raises:
            BoardError: no register is there, on a strict board.
        """
        word = self._word(offset, "loads")
        return 0 if word is None else self.loaded(word.name)

    def store(self, offset: int, value: int) -> None:
        """Take a word at a byte offset.

        Raises:
            BoardError: whatever the device cannot go on with; on a strict board, no register is
                there, a bit that does not exist is set, or the device objects.
        """
        word = self._word(offset, "stores")
        if word is None:
            return
        unknown = value & ~(word.writable | word.read_only)
        if unknown:
            why = f"{value:#010x} sets bits {unknown:#010x}, which are not modelled"
            self.objections.raise_or_count(BoardError(why, where=f"{self.name} {word.name}"))
        kept = self.values[word.name] & word.read_only
        self.stored(word.name, value & word.writable | kept)

    def load_part(self, offset: int, n_bytes: int) -> int:
        """Return a byte or halfword.

        Raises:
            BoardError: as `load`.
        """
        return self.load(offset & ~3) >> 8 * (offset & 3) & (1 << 8 * n_bytes) - 1

    def store_part(self, offset: int, n_bytes: int, value: int) -> None:
        """Take a byte or halfword; a tolerant board takes it for a word with zeros around it.

        Raises:
            BoardError: the board is strict, or as `store`.
        """
        addr = self.base_addr + offset
        self.object_to(f"a store of {n_bytes} bytes to {addr:#010x}; registers take words")
        self.store(offset & ~3, value << 8 * (offset & 3))

    def awaits(self, _offset: int) -> str:
        """What from outside would change the register at an offset; nothing would."""
        return ""

    def reset(self) -> None:
        """Return to the state after a system reset."""
        self.values = {word.name: word.reset for word in self._words.values()}

    def loaded(self, name: str) -> int:
        """What a load of a register gives."""
        return self.values[name]

    def stored(self, name: str, value: int) -> None:
        """What a store of a register does."""
        self.values[name] = value

    def fault(self, why: str, fix: str = "") -> BoardError:
        """The refusal of something software asks of this device."""
        return BoardError(why, where=self.name, fix=fix)

    def object_to(self, why: str, fix: str = "") -> None:
        """Meet something that silicon would pass over in silence.

        Raises:
            BoardError: the board is strict.
        """
        self.objections.raise_or_count(self.fault(why, fix))

    def _word(self, offset: int, verb: str) -> Word | None:
        word = self._words.get(offset)
        if word is None:
            why = f"the program {verb} offset {offset:#x}, where no register is modelled"
            self.object_to(why)
        return word
