"""Results in data memory: read an output tensor, compare with the known answer. Runs nothing."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from max78000.facts.chip import WORD_BYTES, Chip
from max78000.facts.regmap import Memory, describe_addr, locate_memory
from max78000.machine.bus import MemoryMap
from max78000.machine.memory import LANES, ByteState, MachineFault
from max78000.machine.places import output_map_of
from max78000.machine.setup import LayerSetup
from max78000.program.program import Expected, OutputMap, RegisterProgram


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The first byte (or 32-bit word) that is not what the known answer says."""

    addr: int
    lane: int
    expected: int
    found: int | None  # None: nobody gave it a value
    output: OutputMap | None  # the tensor it belongs to, if known
    place: str  # where it is in memory, in words
    n_words: int  # words of the known answer that differ

    def __str__(self) -> str:
        found = "has no value" if self.found is None else f"is {self.found}"
        where = f"{self.addr:#010x} lane {self.lane} ({self.place})"
        element = self.output.find(self.addr, self.lane) if self.output else None
        if self.output is not None and element is not None:
            channel, row, column = element
            layer = f"layer {self.output.layer} {self.output.name}".rstrip()
            where = f"{layer} channel {channel} row {row} column {column}, {where}"
        return f"{where} {found}, the known answer is {self.expected}; {self.n_words} words differ"


def check_known_answer(
    chip: Chip, memories: MemoryMap, program: RegisterProgram, setups: tuple[LayerSetup, ...]
) -> Mismatch | None:
    """Compare data memory with the program's known answer.

    Args:
        chip: its address map.
        memories: as the run left them.
        program: the known answer, and where its outputs lie.
        setups: layers as the machine read them; they name what no output of the program holds.
    Returns:
        The first difference in the order of the known answer, or None.
    Raises:
        MachineFault: the known answer names an address outside data memory.
    """
    first: tuple[Expected, int] | None = None
    n_words = 0
    for expected in program.known_answer:
        differs = np.flatnonzero(_differs(chip, memories, expected))
        n_words += len(differs)
        if len(differs) and first is None:
            first = expected, int(differs[0])
    if first is None:
        return None
    outputs = (*program.outputs, *(output_map_of(chip, setup) for setup in reversed(setups)))
    return _mismatch(chip, memories, first, outputs, n_words)


def read_output(chip: Chip, memories: MemoryMap, output: OutputMap) -> NDArray[np.int64]:
    """Collect an output tensor: signed values, shape (channels, rows, columns).

    Raises:
        MachineFault: the map leaves data memory, or a value in it was never defined.
    """
    n_bytes = output.width_bits // 8
    n_pixels = output.shape[1] * output.shape[2]
    span = output.pixel_stride_bytes * (n_pixels - 1)  # from the first pixel to the last
    raw = np.empty((output.shape[0], n_pixels, n_bytes), np.uint8)
    for channel, addr in enumerate(output.channel_addrs):
        bank, first = _data_place(chip, addr)
        memories.data.require_words(bank, first // LANES, (first + span) // LANES)
        for byte in range(n_bytes):
            at = slice(first + byte, first + byte + span + 1, output.pixel_stride_bytes)
            if (memories.data.states[bank].reshape(-1)[at] != ByteState.DEFINED).any():
                raise MachineFault(
                    "nobody gave all of it a value", where=f"{output.name} channel {channel}"
                )
            raw[channel, :, byte] = memories.data.lanes[bank].reshape(-1)[at]
    return raw.view(f"<i{n_bytes}").astype(np.int64).reshape(output.shape)


def _differs(chip: Chip, memories: MemoryMap, expected: Expected) -> NDArray[np.bool_]:
    """For every expected word: another value under the mask, or no value at all."""
    lanes, states = _words_at(chip, memories, expected)
    mask = _lanes_of((expected.mask,))
    is_undefined = (states != ByteState.DEFINED) & (mask != 0)
    is_other = (lanes & mask) != (_lanes_of(expected.words) & mask)
    found: NDArray[np.bool_] = (is_undefined | is_other).any(axis=1)
    return found


def _mismatch(
    chip: Chip,
    memories: MemoryMap,
    first: tuple[Expected, int],
    outputs: tuple[OutputMap, ...],
    n_words: int,
) -> Mismatch:
    """Describe one differing word: the tensor element, or else the byte, that differs first."""
    expected, index = first
    addr = expected.addr + WORD_BYTES * index
    lanes, states = (x[index] for x in _words_at(chip, memories, expected))
    mask, wanted = _lanes_of((expected.mask,))[0], _lanes_of((expected.words[index],))[0]
    is_bad = ((states != ByteState.DEFINED) & (mask != 0)) | ((lanes & mask) != (wanted & mask))
    lane = int(np.argmax(is_bad))
    output = next((o for o in outputs if o.find(addr, lane) is not None), None)
    is_wide = output is not None and output.width_bits == 32
    kind, part = ("<i4", slice(0, LANES)) if is_wide else ("i1", slice(lane, lane + 1))
    has_value = bool((states[part] == ByteState.DEFINED).all())
    return Mismatch(
        addr=addr,
        lane=lane,
        expected=int(wanted[part].view(kind)[0]),
        found=int(lanes[part].view(kind)[0]) if has_value else None,
        output=output,
        place=describe_addr(chip, addr),
        n_words=n_words,
    )


def _words_at(
    chip: Chip, memories: MemoryMap, expected: Expected
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Lanes and states of the expected words: two arrays of shape (words, lanes)."""
    bank, byte = _data_place(chip, expected.addr)
    first, end = byte // LANES, byte // LANES + len(expected.words)
    memories.data.require_words(bank, first, end - 1)
    return memories.data.lanes[bank, first:end], memories.data.states[bank, first:end]


def _data_place(chip: Chip, addr: int) -> tuple[int, int]:
    place = locate_memory(chip, addr)
    if place is None or place.memory is not Memory.DATA:
        raise MachineFault(
            "no output can be there", where=f"{addr:#010x}, {describe_addr(chip, addr)}"
        )
    return place.bank, place.byte


def _lanes_of(words: tuple[int, ...]) -> NDArray[np.uint8]:
    """Bytes of words: shape (words, lanes)."""
    return np.array(words, "<u4").view(np.uint8).reshape(-1, LANES)
