"""What the accelerator stores: registers, data, kernels, biases, row buffers. Computes nothing.

Strict where silicon is silent: a store outside a memory, or a register bit that means nothing, is a
fault. Every data byte knows whether anybody gave it a value; `UNDEFINED` marks what silicon would
compute from bytes that nobody wrote.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from max78000.errors import ToolError
from max78000.facts.chip import WORD_BYTES, Chip
from max78000.facts.regmap import Location
from max78000.facts.regs import Register

Bytes = NDArray[np.uint8]
Words = NDArray[np.uint32]
Bools = NDArray[np.bool_]
Ints = NDArray[np.integer[Any]]

LANES = WORD_BYTES  # of a data memory word: a byte for each processor of its instance
LOST = 0xA5  # what memories hold after a loss of power, so that a use of it shows
# the bytes of a kernel word in its four 32-bit words of the plain window; the last holds none
PLAIN_PARTS = (slice(0, 1), slice(1, 5), slice(5, 9), slice(0, 0))


class MachineFault(ToolError):
    """The program makes the accelerator do what no correct program does."""


class UndefinedFault(MachineFault):
    """A result of which nothing is known; what nobody wrote is often many layers before."""

    def name_cause(self, notes: Sequence[str]) -> None:
        """Add the first read of what nobody wrote, from the notes of a run."""
        if notes:
            self.why += f"; it began with {notes[0]}"


class ByteState(IntEnum):
    """Whether a data byte means something."""

    NEVER = 0  # nobody wrote it
    DEFINED = 1
    UNDEFINED = 2  # a layer wrote it, from something nobody wrote


@dataclass(slots=True)
class RegisterFile:
    """Every register that was written; the others read 0, as after reset."""

    chip: Chip
    _values: dict[tuple[str, int, int], int] = field(default_factory=dict)

    def store(self, location: Location, value: int) -> None:
        """Keep a value.

        Raises:
            MachineFault: a bit is set that no field names, or that this machine does not model.
        """
        register = location.register
        forbidden = value & register.forbidden_mask
        if forbidden:
            names = [f.name for f in register.fields if f.mask & forbidden]
            reason = f"sets {', '.join(names)}" if names else f"sets unnamed bits {forbidden:#010x}"
            raise MachineFault(
                f"{value:#010x} {reason}, which is not modelled", where=str(location)
            )
        self._values[_key(register, location.quadrant, location.layer)] = value

    def load(self, register: Register, quadrant: int = 0, layer: int = 0) -> int:
        """Read a register back; 0 if it was never written."""
        return self._values.get(_key(register, quadrant, layer), 0)

    def get(self, register: Register, name: str, quadrant: int = 0, layer: int = 0) -> int:
        """Read one field."""
        return register.field(name).get(self.load(register, quadrant, layer))

    def __deepcopy__(self, _memo: dict[int, Any]) -> "RegisterFile":
        """Copy the values: they are numbers, by keys that never change."""
        return RegisterFile(self.chip, dict(self._values))

    def forget(self, quadrant: int) -> None:
        """A quadrant is reset; the registers the accelerator has once go with quadrant 0."""
        self._values = {key: value for key, value in self._values.items() if key[1] != quadrant}


def _key(register: Register, quadrant: int | None, layer: int | None) -> tuple[str, int, int]:
    return register.name, quadrant or 0, layer or 0


class DataMemory:
    """Data words of all instances: four byte lanes each, with a `ByteState` for every byte.

    Also the endless ring of a streaming layer, then with more words than the chip's instances have.
    """

    def __init__(self, n_instances: int, n_words: int) -> None:
        self.lanes: Bytes = np.zeros((n_instances, n_words, LANES), np.uint8)
        self.states: Bytes = np.zeros((n_instances, n_words, LANES), np.uint8)

    @property
    def n_words(self) -> int:
        """Words of one instance."""
        return int(self.lanes.shape[1])

    def store(self, instance: int, word: int, values: Words) -> None:
        """Store consecutive words.

        Raises:
            MachineFault: they run past the end of the instance.
        """
        self.require_words(instance, word, word + len(values) - 1)
        lanes = values.astype("<u4").view(np.uint8).reshape(-1, LANES)
        self.lanes[instance, word : word + len(values)] = lanes
        self.states[instance, word : word + len(values)] = ByteState.DEFINED

    def load(self, instance: int, word: int) -> int:
        """Read one word, whatever its state."""
        return int.from_bytes(self.lanes[instance, word].tobytes(), "little")

    def clear(self, first: int, n_instances: int) -> None:
        """Fill with zeros, as the self test does."""
        self.lanes[first : first + n_instances] = 0
        self.states[first : first + n_instances] = ByteState.DEFINED

    def forget(self, first: int, n_instances: int) -> None:
        """Lose power: as if nobody had ever written."""
        self.lanes[first : first + n_instances] = LOST
        self.states[first : first + n_instances] = ByteState.NEVER

    def require_words(self, instance: int, first: int, last: int) -> None:
        """Refuse words that an instance does not have."""
        if not 0 <= instance < self.lanes.shape[0]:
            raise MachineFault("there is no such instance", where=f"data memory {instance}")
        if first < 0 or last >= self.n_words:
            reason = f"words {first:#x}..{last:#x} are not in 0..{self.n_words - 1:#x}"
            raise MachineFault(reason, where=f"data memory {instance}")


class KernelMemory:
    """72-bit kernel words, nine bytes d[0]..d[8] each, of every processor."""

    def __init__(self, chip: Chip) -> None:
        self.n_words = chip.kernel_words
        self.word_bytes = chip.kernel_word_bytes
        self.bytes: Bytes = np.zeros((chip.n_processors, self.n_words, self.word_bytes), np.uint8)
        self.is_written: Bools = np.zeros((chip.n_processors, self.n_words), np.bool_)
        self._next_word = np.full(chip.n_processors, -1)
        self._pending = [b""] * chip.n_processors

    def set_pointer(self, processor: int, word: int) -> None:
        """Start a packed run; bytes left over from the run before are dropped."""
        # Quirk packed-rest: up to three bytes of the run before are dropped.
        self._next_word[processor] = word
        self._pending[processor] = b""

    def store_packed(self, processor: int, words: Words) -> None:
        """Shift in four bytes per word, most significant first; every ninth commits a kernel word.

        Raises:
            MachineFault: no pointer was set, or the run leaves the memory.
        """
        first = int(self._next_word[processor])
        if first < 0:
            raise MachineFault(
                "packed kernels without a start word", where=f"processor {processor}"
            )
        stream = self._pending[processor] + words.astype(">u4").tobytes()
        n_words, _ = divmod(len(stream), self.word_bytes)
        end = first + n_words
        if end > self.n_words:
            reason = f"kernel words {first}..{end - 1} are not in 0..{self.n_words - 1}"
            raise MachineFault(reason, where=f"processor {processor}")
        complete = np.frombuffer(stream[: n_words * self.word_bytes], np.uint8)
        self.bytes[processor, first:end] = complete.reshape(n_words, self.word_bytes)
        self.is_written[processor, first:end] = True
        self._next_word[processor] = end
        self._pending[processor] = stream[n_words * self.word_bytes :]

    def store_plain(self, processor: int, word: int, part: int, value: int) -> None:
        """Store one of the four 32-bit parts of a kernel word; the last one commits it."""
        self._require_word(processor, word)
        slot = PLAIN_PARTS[part]
        n_bytes = slot.stop - slot.start
        if value >> 8 * n_bytes:
            raise MachineFault(f"{value:#x} does not fit part {part} of kernel word {word}")
        self.bytes[processor, word, slot] = list(value.to_bytes(n_bytes, "big"))
        if n_bytes == 0:
            self.is_written[processor, word] = True

    def load_plain(self, processor: int, word: int, part: int) -> int:
        """Read one of the four 32-bit parts of a kernel word."""
        self._require_word(processor, word)
        return int.from_bytes(self.bytes[processor, word, PLAIN_PARTS[part]].tobytes(), "big")

    def stream(self, processors: tuple[int, ...], places: NDArray[np.int64]) -> Bytes:
        """Kernel bytes by their places in reading order: d[8] of word 0 is first, then its d[7].

        Args:
            processors: whose memories.
            places: of any shape; the result has the shape (processors, *places).
        """
        # Quirk kernel-bytes: words are filled from the last byte to the first.
        word, behind = np.divmod(places, self.word_bytes)
        at = self.word_bytes * word + (self.word_bytes - 1 - behind)
        return self.bytes[list(processors)].reshape(len(processors), -1)[:, at]

    def clear(self, first: int, n_processors: int) -> None:
        """Fill with zeros, as the self test does."""
        self.bytes[first : first + n_processors] = 0
        self.is_written[first : first + n_processors] = True

    def forget(self, first: int, n_processors: int) -> None:
        """Lose power: as if nobody had ever written."""
        self.bytes[first : first + n_processors] = LOST
        self.is_written[first : first + n_processors] = False
        self._next_word[first : first + n_processors] = -1

    def _require_word(self, processor: int, word: int) -> None:
        if not 0 <= word < self.n_words:
            reason = f"kernel word {word} is not in 0..{self.n_words - 1}"
            raise MachineFault(reason, where=f"processor {processor}")


class EntryMemory:
    """Small entries, one per 32-bit word of address space: bias bytes, row buffer halfwords."""

    def __init__(self, n_banks: int, n_entries: int, width_bits: int) -> None:
        self.width_bits = width_bits
        self.values: NDArray[np.int32] = np.zeros((n_banks, n_entries), np.int32)
        self.is_written: Bools = np.zeros((n_banks, n_entries), np.bool_)

    def store(self, bank: int, entry: int, value: int) -> None:
        """Store one entry.

        Raises:
            MachineFault: no such entry, or the value is too wide.
        """
        self._require_entry(bank, entry)
        if value >> self.width_bits:
            raise MachineFault(f"{value:#x} does not fit {self.width_bits} bits")
        self.values[bank, entry] = value
        self.is_written[bank, entry] = True

    def load(self, bank: int, entry: int) -> int:
        """Read one entry."""
        self._require_entry(bank, entry)
        return int(self.values[bank, entry])

    def clear(self, first: int, n_banks: int) -> None:
        """Fill with zeros, as the self test does."""
        self.values[first : first + n_banks] = 0
        self.is_written[first : first + n_banks] = True

    def forget(self, first: int, n_banks: int) -> None:
        """Lose power: as if nobody had ever written."""
        self.values[first : first + n_banks] = LOST
        self.is_written[first : first + n_banks] = False

    def _require_entry(self, bank: int, entry: int) -> None:
        if not 0 <= entry < self.values.shape[1]:
            last = self.values.shape[1] - 1
            raise MachineFault(f"entry {entry} is not in 0..{last}")
