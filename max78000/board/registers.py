"""Peripheral registers as tables: names, offsets, and which bits exist. Knows no peripheral.

Strict where silicon is silent: an offset without a register, or a bit that no table names, is a
`BoardError`. What is not in a table is not modelled, and firmware that needs it shall be told.
"""

from dataclasses import dataclass

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
        self.values = {word.name: word.reset for word in words}
        self._words = {word.offset: word for word in words}

    def load(self, offset: int) -> int:
        """Return the word at a byte offset.

        Raises:
            BoardError: no register is there.
        """
        return self.loaded(self._word(offset, "loads").name)

    def store(self, offset: int, value: int) -> None:
        """Take a word at a byte offset.

        Raises:
            BoardError: no register is there, a bit that does not exist is set, or whatever the
                device objects to.
        """
        word = self._word(offset, "stores")
        unknown = value & ~(word.writable | word.read_only)
        if unknown:
            why = f"{value:#010x} sets bits {unknown:#010x}, which are not modelled"
            raise BoardError(why, where=f"{self.name} {word.name}")
        kept = self.values[word.name] & word.read_only
        self.stored(word.name, value & word.writable | kept)

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

    def _word(self, offset: int, verb: str) -> Word:
        word = self._words.get(offset)
        if word is None:
            why = f"the program {verb} offset {offset:#x}, where no register is modelled"
            raise self.fault(why)
        return word
