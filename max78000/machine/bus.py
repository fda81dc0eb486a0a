"""Addresses to memories: stores and loads outside the registers. Nothing runs here."""

import numpy as np

from max78000.facts.chip import WORD_BYTES, Chip
from max78000.facts.regmap import Memory, MemoryPlace, locate_memory
from max78000.machine.memory import (
    PLAIN_PARTS,
    ByteState,
    DataMemory,
    EntryMemory,
    KernelMemory,
    MachineFault,
    UndefinedFault,
)

PARTS = len(PLAIN_PARTS)
BIAS_BITS = 8
TRAM_ENTRY_BITS = 16


class MemoryMap:
    """The memories of one accelerator, reached by address."""

    def __init__(self, chip: Chip) -> None:
        self.chip = chip
        self.data = DataMemory(chip.n_instances, chip.data_instance_words)
        self.kernels = KernelMemory(chip)
        n_biases = chip.bias_bytes_per_quadrant
        self.biases = EntryMemory(chip.n_quadrants, n_biases, BIAS_BITS)
        self.tram = EntryMemory(chip.n_processors, chip.tram_words, TRAM_ENTRY_BITS)

    def store(self, addr: int, words: tuple[int, ...], *, is_packed: bool) -> None:
        """Store 32-bit words upwards; packed kernels go where the last start word pointed.

        Raises:
            MachineFault: no memory there, words past its end, values too wide.
        """
        place = self._place(addr)
        values = np.array(words, np.uint32)
        if place.memory is Memory.DATA:
            self.data.store(place.bank, place.byte // WORD_BYTES, values)
        elif place.memory is Memory.KERNEL and is_packed:
            self.kernels.store_packed(place.bank, values)
        else:
            self._store_entries(place, words)

    def _store_entries(self, place: MemoryPlace, words: tuple[int, ...]) -> None:
        """Store words that each have an entry of their own."""
        for entry, word in enumerate(words, place.byte // WORD_BYTES):
            match place.memory:
                case Memory.KERNEL:
                    self.kernels.store_plain(place.bank, *divmod(entry, PARTS), word)
                case Memory.BIAS:
                    self.biases.store(place.bank, entry, word)
                case _:
                    self.tram.store(place.bank, entry, word)

    def store_byte(self, addr: int, value: int) -> None:
        """Set the start word of a packed kernel run: 1 stored to an address one above a word's.

        Raises:
            MachineFault: any other byte.
        """
        # Quirk packed-pointer: the only byte store that means something.
        place = locate_memory(self.chip, addr)
        if place is None or place.memory is not Memory.KERNEL or addr & 3 != 1 or value != 1:
            raise MachineFault(
                f"byte {value:#04x} means nothing there", where=f"store to {addr:#010x}"
            )
        self.kernels.set_pointer(place.bank, place.byte // WORD_BYTES)

    def load(self, addr: int) -> int:
        """Load a 32-bit word.

        Raises:
            MachineFault: no memory there, or a data word of which no byte is defined.
        """
        place = self._place(addr)
        entry = place.byte // WORD_BYTES
        match place.memory:
            case Memory.DATA:
                if not (self.data.states[place.bank, entry] == ByteState.DEFINED).any():
                    raise UndefinedFault("nobody gave this word a value", where=f"{place}")
                return self.data.load(place.bank, entry)
            case Memory.KERNEL:
                return self.kernels.load_plain(place.bank, *divmod(entry, PARTS))
            case Memory.BIAS:
                return self.biases.load(place.bank, entry)
            case Memory.TRAM:
                return self.tram.load(place.bank, entry)

    def clear(self, memory: Memory, quadrant: int) -> None:
        """Fill one memory of a quadrant with zeros."""
        banks, n_banks = self._banks(memory)
        banks.clear(quadrant * n_banks, n_banks)

    def forget(self, memory: Memory, quadrant: int) -> None:
        """Let one memory of a quadrant lose power."""
        banks, n_banks = self._banks(memory)
        banks.forget(quadrant * n_banks, n_banks)

    def _banks(self, memory: Memory) -> tuple[DataMemory | KernelMemory | EntryMemory, int]:
        """A memory, and how many of its banks belong to a quadrant."""
        match memory:
            case Memory.DATA:
                return self.data, self.chip.n_instances // self.chip.n_quadrants
            case Memory.KERNEL:
                return self.kernels, self.chip.processors_per_quadrant
            case Memory.BIAS:
                return self.biases, 1
            case Memory.TRAM:
                return self.tram, self.chip.processors_per_quadrant

    def _place(self, addr: int) -> MemoryPlace:
        place = locate_memory(self.chip, addr)
        if place is None or addr % WORD_BYTES:
            raise MachineFault("there is no word", where=f"{addr:#010x}")
        return place
