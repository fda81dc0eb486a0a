"""Kernel memory: one start word per layer, the same in all its processors, first fit in steps of
four.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from max78000.facts.chip import Chip
from synthesis.place.pack import kernel_size, output_columns, pack_kernels, used_words
from synthesis.place.placed import KernelSlot, PlacedLayer, members, packed_map

ALIGNMENT = 4


@dataclass(frozen=True, slots=True)
class KernelImage:
    """What lies in the kernel memories: words (processors, n, 9) uint8, d0 first, and which are
    used (processors, n).

    `n` is at least the chip's size; it is larger only if the network does not fit, which the
    capacity rule then reports with this map at hand.
    """

    words: NDArray[np.uint8]
    is_used: NDArray[np.bool_]


def place_weights(
    layers: Sequence[PlacedLayer], chip: Chip, taken: Sequence[int] = ()
) -> tuple[tuple[PlacedLayer, ...], KernelImage]:
    """Give every layer with weights a slot; equal weights on equal processors are stored once.

    `taken` are words that hold kernels of other networks: bit n of processor p's number is word n.

    Layers on all processors come first, then the others, each group in order (the vendor
    generator's order: programs stay equal word for word). Layers whose maps do not have a processor
    per channel get none; rules P2 and P3 refuse them.
    """
    memory = _Memory(chip, taken)
    slots: dict[int, KernelSlot] = {}
    shared: list[tuple[PlacedLayer, int]] = []
    for placed, owner in _in_order(layers, chip):
        if owner is None:
            slots[placed.layer.index] = memory.store(placed)
        else:
            shared.append((placed, owner))
    for placed, owner in shared:
        slots[placed.layer.index] = slots[owner]
    done = tuple(replace(placed, kernel_slot=slots.get(placed.layer.index)) for placed in layers)
    return done, KernelImage(memory.words, memory.is_used)


@dataclass(frozen=True, slots=True)
class KernelPlaces:
    """Where `place_weights` would store kernels: first words by layer index, and the word behind
    the last one.
    """

    starts: Mapping[int, int]
    end: int


def kernel_places(
    layers: Sequence[PlacedLayer], chip: Chip, taken: Sequence[int] = ()
) -> KernelPlaces:
    """What `place_weights` would do; the weights are not packed."""
    room, starts = _Room(chip, taken), dict[int, int]()
    for placed, owner in _in_order(layers, chip):
        if owner is None:
            starts[placed.layer.index] = room.take(placed, kernel_size(placed).n_words)
    return KernelPlaces(starts, room.end)


def largest_kernels(
    layers: Sequence[PlacedLayer], processor: int
) -> tuple[tuple[PlacedLayer, int], ...]:
    """The layers that store kernels in a processor, with their words, most first."""
    stored = [
        (placed, placed.kernel_slot.n_words)
        for placed in layers
        if placed.kernel_slot is not None
        and placed.kernel_slot.owner == placed.layer.index
        and placed.processors >> processor & 1
    ]
    return tuple(sorted(stored, key=lambda entry: -entry[1]))


def _in_order(
    layers: Sequence[PlacedLayer], chip: Chip
) -> Iterator[tuple[PlacedLayer, int | None]]:
    """Layers with weights in the order of storing, each with the layer whose weights it shares."""
    storable = [
        placed for placed in layers if placed.layer.kernel is not None and placed.has_fitting_maps
    ]
    # Quirk kernel-start: the vendor's order, kept so that programs stay equal.
    every = packed_map(chip.n_processors)
    for placed in sorted(storable, key=lambda placed: placed.processors != every):
        yield placed, _same_weights(placed, storable)


def _same_weights(placed: PlacedLayer, storable: Sequence[PlacedLayer]) -> int | None:
    """An earlier layer with the same packed weights on the same processors and output columns."""
    weights = placed.hardware.weights_oihw
    assert weights is not None
    # Quirk kernel-sharing: [tool] does not compare the output columns.
    for other in storable:
        if other is placed:
            return None
        if (
            other.bits == placed.bits
            and other.processors == placed.processors
            and other.hardware.weights_oihw is not None
            and np.array_equal(other.hardware.weights_oihw, weights)
            and np.array_equal(output_columns(other), output_columns(placed))
        ):
            return other.layer.index
    return None


class _Memory:
    """Kernel memory while it fills; grows past the chip's size so that a refusal can give
    numbers.
    """

    def __init__(self, chip: Chip, taken: Sequence[int]) -> None:
        size = chip.n_processors, chip.kernel_words
        self.words = np.zeros((*size, chip.kernel_word_bytes), np.uint8)
        self.is_used = np.zeros(size, bool)
        self.room = _Room(chip, taken)

    def store(self, placed: PlacedLayer) -> KernelSlot:
        size = kernel_size(placed)
        processors = np.array(members(placed.processors))
        first = self.room.take(placed, size.n_words)
        packed = pack_kernels(placed)
        columns = packed.columns + first
        self._grow(first + size.n_words)
        self.words[np.ix_(processors, columns)] = packed.words
        self.is_used[np.ix_(processors, columns)] = True
        return KernelSlot(
            first_word=first, n_words=size.n_words, count=size.count, owner=placed.layer.index
        )

    def _grow(self, n_words: int) -> None:
        missing = n_words - self.is_used.shape[1]
        if missing > 0:
            self.words = np.pad(self.words, ((0, 0), (0, missing), (0, 0)))
            self.is_used = np.pad(self.is_used, ((0, 0), (0, missing)))


class _Room:
    """Which words of every processor are taken: bit n of a number is word n."""

    def __init__(self, chip: Chip, taken: Sequence[int]) -> None:
        self.taken = list(taken) or [0] * chip.n_processors
        self.end = 0

    def take(self, placed: PlacedLayer, n_words: int) -> int:
        """The first free run of words in all of a layer's processors, from a multiple of four on.

        Words of unused output columns stay free for other layers.
        """
        processors, union = members(placed.processors), 0
        for p in processors:
            union |= self.taken[p]
        run, first = (1 << n_words) - 1, 0
        while clash := union >> first & run:
            first += -(-clash.bit_length() // ALIGNMENT) * ALIGNMENT
        used = sum(1 << int(word) for word in np.flatnonzero(used_words(placed, n_words)))
        for p in processors:
            self.taken[p] |= used << first
        self.end = max(self.end, first + n_words)
        return first
