"""Integer weights -> 72-bit kernel words per processor, relative to the layer's first word.

One stream of bytes per processor fills each word from its last byte (d8) to its first (d0); a
kernel puts its last tap first. Weights below 8 bits share bytes: the same tap of consecutive output
channels. Facts: memory reference, "Kernel memory"; the quirks named there are the vendor
generator's, kept because equal words are wanted.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np

from synthesis.place.placed import Passes, PlacedLayer, highest, lowest, members

WORD_BYTES = 9


@dataclass(frozen=True, slots=True)
class KernelSize:
    """Kernels the engine counts and words the layer asks for, in every processor."""

    count: int
    n_words: int


@dataclass(frozen=True, slots=True)
class PackedKernels:
    """Words of one processor: `words` uint8 (n, 9), d0 first; `columns` their indices,
    ascending.
    """

    processor: int
    columns: np.ndarray
    words: np.ndarray


def kernel_size(placed: PlacedLayer, bits: int | None = None) -> KernelSize:
    """How much kernel memory a layer takes in each of its processors; `bits` overrides the
    width.
    """
    q = bits or placed.bits
    per_byte = 8 // q
    out, passes = placed.out_passes, placed.in_passes
    start = lowest(placed.output_processors) - (placed.lead if out.n > 1 else 0)
    in_passes = 1 if placed.layer.flatten else passes.n
    kernels = (1 + highest(placed.output_processors) - start) * out.n * in_passes
    count = kernels + placed.lead * out.n * in_passes
    if placed.layer.flatten:
        per_output = _flat_taps(placed)
        lanes = placed.output_processors.bit_count()
        unused = (out.n * lanes - placed.layer.out_shape.channels) * per_output
        kernels, count = kernels * per_output - unused, count * per_output - unused
    taps = placed.hardware.n_taps
    slack = (kernels % per_byte) * taps * (per_byte - 1)
    return KernelSize(count, ceil((kernels * taps * q + slack) / (8 * WORD_BYTES)))


def pack_kernels(placed: PlacedLayer) -> tuple[PackedKernels, ...]:
    """Pack one layer's weights for each of its processors."""
    n_words = kernel_size(placed).n_words
    packed = []
    for rank, processor in enumerate(members(placed.processors)):
        stream = _Stream()
        _lead_in(stream, placed)
        for gap, chunk in _chunks(placed, rank):
            stream.skip_words(gap)
            stream.emit(chunk)
        end = stream.fill_up_to(n_words + placed.lead)
        if placed.layer.flatten:
            n_words = end
        columns, words = stream.words()
        packed.append(PackedKernels(processor, columns, words))
    return tuple(packed)


class _Stream:
    """Bytes in emission order with holes; position 9*n is the first byte (d8) of word n."""

    def __init__(self) -> None:
        self.position = 0
        self.parts: list[tuple[int, np.ndarray]] = []

    def emit(self, data: np.ndarray) -> None:
        if data.size:
            self.parts.append((self.position, data))
            self.position += data.size

    def skip_words(self, n: int) -> None:
        if n:
            self.position = (self.position // WORD_BYTES + n) * WORD_BYTES

    def fill_up_to(self, n_words: int) -> int:
        """Close the current word, append zero words; returns the number of words reached."""
        column = ceil(self.position / WORD_BYTES)
        if column < n_words:
            self.position = column * WORD_BYTES
            self.emit(np.zeros((n_words - column) * WORD_BYTES, np.uint8))
        return max(column, n_words)

    def words(self) -> tuple[np.ndarray, np.ndarray]:
        n_words = ceil(self.position / WORD_BYTES)
        data = np.zeros(n_words * WORD_BYTES, np.uint8)
        is_written = np.zeros(n_words, bool)
        for position, part in self.parts:
            data[position : position + part.size] = part
            is_written[position // WORD_BYTES : ceil((position + part.size) / WORD_BYTES)] = True
        columns = np.flatnonzero(is_written)
        return columns, data.reshape(-1, WORD_BYTES)[columns, ::-1]


def _lead_in(stream: _Stream, placed: PlacedLayer) -> None:
    passes = 1 if placed.layer.flatten else placed.in_passes.n
    words, rest = divmod(placed.lead * placed.hardware.n_taps * passes, WORD_BYTES)
    stream.skip_words(words)
    stream.emit(np.zeros(rest * placed.bits // 8, np.uint8))


def _chunks(placed: PlacedLayer, rank: int) -> Iterator[tuple[int, np.ndarray]]:
    """For each output slot of the processor of that rank: words to skip before it, and its
    bytes.
    """
    slots = _flat_slots(placed, rank) if placed.layer.flatten else _kernel_slots(placed, rank)
    gaps = _gaps(placed)
    if not any(gaps):
        yield 0, np.concatenate(list(slots))
        return
    yield from zip(gaps, slots, strict=True)


def _slots_per_pass(placed: PlacedLayer) -> int:
    width = placed.out_passes.width
    return width if placed.layer.flatten else ceil(width * placed.bits / 8)


def _gaps(placed: PlacedLayer) -> list[int]:
    """Unused output columns in front of each slot; the map starts anew in every output pass."""
    per_byte = 8 // placed.bits
    group = (1 << per_byte) - 1
    gaps = []
    for _ in range(placed.out_passes.n):
        rest = placed.output_processors >> lowest(placed.output_processors)
        for _ in range(_slots_per_pass(placed)):
            gap = 0
            while rest and not rest & group:
                gap += 1
                rest >>= per_byte
            rest >>= per_byte
            gaps.append(gap)
    return gaps


def _kernel_slots(placed: PlacedLayer, rank: int) -> Iterator[np.ndarray]:
    """Bytes of each slot: for every input pass the taps, last first, of the outputs that share
    them.
    """
    weights = placed.hardware.weights_oihw
    assert weights is not None
    n_out, channels = weights.shape[:2]
    bits, taps = placed.bits, placed.hardware.n_taps
    per_byte, passes = 8 // bits, placed.in_passes
    kernels = np.zeros((n_out * channels + 1, taps), np.int64)  # the last one stands for "none"
    kernels[:-1] = weights.reshape(-1, taps)
    n_slots = _slots_per_pass(placed) * placed.out_passes.n
    first = np.arange(n_slots) * per_byte * channels + rank  # kernel of the slot's first output
    order = np.arange(per_byte * passes.n)
    step = (order % passes.n) * passes.width + (order // passes.n) * channels
    index = np.minimum(first[:, None] + step, n_out * channels)
    masked = kernels[index].reshape(n_slots, passes.n, per_byte, taps) & ((1 << bits) - 1)
    shared = (masked << (np.arange(per_byte) * bits)[:, None]).sum(axis=2)
    data = shared[..., ::-1].astype(np.uint8)
    is_present = (first[:, None] < n_out * channels) & (
        np.arange(passes.n) * passes.width + rank < channels
    )
    if is_present.all():
        return iter(data.reshape(n_slots, -1))
    absent = np.zeros(taps * bits // 8, np.uint8)
    return (
        np.concatenate([row if here else absent for row, here in zip(rows, present, strict=True)])
        for rows, present in zip(data, is_present, strict=True)
    )


def _flat_taps(placed: PlacedLayer) -> int:
    """Weights per output and processor of a flattened layer."""
    weights = placed.hardware.weights_oihw
    assert weights is not None
    return int(weights.shape[1]) // placed.in_passes.width


def _flat_slots(placed: PlacedLayer, rank: int) -> Iterator[np.ndarray]:
    """Bytes of each slot of a flattened layer: pixel by pixel, input pass innermost."""
    weights = placed.hardware.weights_oihw
    assert weights is not None
    n_out, n_in = weights.shape[:2]
    bits, passes = placed.bits, placed.in_passes
    per_byte, taps = 8 // bits, _flat_taps(placed)
    flat = rank * taps + np.arange(taps)
    neurons = (flat % passes.n) * (n_in // passes.n) + flat // passes.n
    values = weights.reshape(n_out, n_in)[:, neurons] & ((1 << bits) - 1)
    for slot in range(placed.out_passes.n * Passes.of(n_out).width):
        group = values[slot * per_byte : (slot + 1) * per_byte].reshape(-1)
        if group.size:
            shares = np.pad(group, (0, -group.size % per_byte)).reshape(-1, per_byte)
            yield (shares << (np.arange(per_byte) * bits)).sum(axis=1).astype(np.uint8)
        else:
            yield np.zeros(bits // 8, np.uint8)
