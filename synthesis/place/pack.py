"""Integer weights -> 72-bit kernel words per processor, where the engine's mask counter reads them.

For every output pixel the engine steps through the output columns, and in each through the input
passes (of a flattened layer: pixels and passes). A column is a place for an output channel: there
is one for every processor from the data memory of the first output to the last output, anew in
every output pass, used or not. A step's taps are consecutive bytes, last tap first; weights below 8
bits share these bytes with the steps that follow. Bytes fill a word from its last (d8) to its first
(d0). Equal to the vendor generator's words wherever those are what the engine reads.

Source: docs/hardware/memories.md#output-columns; docs/hardware/memories.md#kernel-words;
docs/hardware/registers.md#mcnt.
"""

from dataclasses import dataclass
from math import ceil, prod

import numpy as np
from numpy.typing import NDArray

from max78000.facts.fixed import DATA_BITS
from synthesis.place.placed import PlacedLayer, highest, lowest, members


@dataclass(frozen=True, slots=True)
class KernelSize:
    """Kernels the engine counts and words the layer takes, in every processor."""

    count: int
    n_words: int


@dataclass(frozen=True, slots=True)
class PackedKernels:
    """Words of all processors of a layer: uint8 (processors, n, 9), d0 first.

    `columns` are their indices, ascending; words of unused output columns are left out.
    """

    columns: NDArray[np.int64]
    words: NDArray[np.uint8]


def output_columns(placed: PlacedLayer) -> NDArray[np.int64]:
    """The column of every output channel, in all passes; int64 (K,), ascending."""
    # Quirk lead-columns: counted from the first processor of a data memory, in every pass.
    processors = np.array(members(placed.output_processors))
    n_outputs, width = placed.layer.out_shape.channels, placed.out_passes.width
    passes, ranks = np.divmod(np.arange(n_outputs), width)
    columns: NDArray[np.int64] = processors[ranks] - _first_processor(placed)
    columns += passes * _columns_per_pass(placed)
    return columns


def kernel_size(placed: PlacedLayer) -> KernelSize:
    """How much kernel memory a layer takes in each of its processors.

    Weights below 8 bits fill whole bytes for whole groups of output columns; those of a flattened
    layer are one sequence over all columns. The vendor's generator stores some words more than the
    engine reads, and so it is here: equal words are wanted.
    """
    n_columns, steps = _n_columns(placed), _steps_per_column(placed)
    taps, bits, word_bytes = placed.hardware.n_taps, placed.bits, placed.chip.kernel_word_bytes
    per_byte = DATA_BITS // bits
    groups = ceil(n_columns / per_byte) * steps * taps
    if placed.layer.flatten:
        groups = _group_bytes(placed, n_columns * steps)
    kernels = (n_columns - (placed.lead if placed.out_passes.n == 1 else 0)) * steps
    # Quirk kernel-slack: zeros that nothing reads; kept so that programs stay equal.
    slack = kernels % per_byte * taps * (per_byte - 1)
    estimate = ceil((kernels * taps * bits + slack) / (DATA_BITS * word_bytes)) + placed.lead
    return KernelSize(n_columns * steps, max(ceil(groups / word_bytes), estimate))


def pack_kernels(placed: PlacedLayer) -> PackedKernels:
    """Pack one layer's weights for each of its processors."""
    size, word_bytes = kernel_size(placed), placed.chip.kernel_word_bytes
    count, n_words = size.count, size.n_words
    n_processors = placed.in_passes.width
    kernels = np.zeros((n_processors, _n_columns(placed), *_step_shape(placed)), np.uint8)
    kernels[:, output_columns(placed)] = _by_processor(placed)
    taps = placed.hardware.n_taps
    data = np.zeros((n_processors, n_words * word_bytes), np.uint8)
    shared = _share_bytes(kernels.reshape(n_processors, count, taps), placed.bits)
    data[:, : shared.shape[1]] = shared
    used = np.flatnonzero(used_words(placed, n_words))
    # Quirk kernel-bytes: a word is filled from its last byte to its first.
    words = data.reshape(n_processors, n_words, word_bytes)[:, used, ::-1]
    return PackedKernels(used, words)


# -- counting --------------------------------------------------------------------------------------


def _first_processor(placed: PlacedLayer) -> int:
    return lowest(placed.output_processors) - placed.lead


def _columns_per_pass(placed: PlacedLayer) -> int:
    return highest(placed.output_processors) + 1 - _first_processor(placed)


def _n_columns(placed: PlacedLayer) -> int:
    """Columns the engine counts: whole passes, but a flattened layer ends with its last output."""
    if placed.layer.flatten:
        return int(output_columns(placed)[-1]) + 1
    return _columns_per_pass(placed) * placed.out_passes.n


def _step_shape(placed: PlacedLayer) -> tuple[int, int, int]:
    """Pixels (of a flattened layer), input passes and taps of one column."""
    n_pixels = prod(placed.hardware.pooled) if placed.layer.flatten else 1
    return n_pixels, placed.in_passes.n, placed.hardware.n_taps


def _steps_per_column(placed: PlacedLayer) -> int:
    return prod(_step_shape(placed)[:2])


def _group_bytes(placed: PlacedLayer, n_steps: int) -> int:
    """Bytes of consecutive steps, the first of which starts a byte."""
    return ceil(n_steps * placed.bits / DATA_BITS) * placed.hardware.n_taps


# -- filling ---------------------------------------------------------------------------------------


def _by_processor(placed: PlacedLayer) -> NDArray[np.uint8]:
    """Weights as (processors, K, pixels, input passes, taps), low bits only; 0 where none is."""
    weights = placed.hardware.weights_oihw
    assert weights is not None
    n_pixels, n_passes, taps = _step_shape(placed)
    width, n_outputs = placed.in_passes.width, len(weights)
    masked = (weights & ((1 << placed.bits) - 1)).astype(np.uint8)
    by_channel = masked.reshape(n_outputs, -1, n_pixels, taps)
    missing = n_passes * width - by_channel.shape[1]
    padded = np.pad(by_channel, ((0, 0), (0, missing), (0, 0), (0, 0)))
    split = padded.reshape(n_outputs, n_passes, width, n_pixels, taps)
    return split.transpose(2, 0, 3, 1, 4)


def _share_bytes(kernels: NDArray[np.uint8], bits: int) -> NDArray[np.uint8]:
    """(processors, steps, taps) -> (processors, bytes): neighbouring steps share bytes."""
    # Quirk narrow-last-pass: stored where the engine reads; [tool] stores some elsewhere.
    per_byte = DATA_BITS // bits
    n_processors, n_steps, taps = kernels.shape
    padded = np.pad(kernels, ((0, 0), (0, -n_steps % per_byte), (0, 0)))
    groups = padded.reshape(n_processors, -1, per_byte, taps)
    shifts = (np.arange(per_byte) * bits).astype(np.uint8)
    shared: NDArray[np.uint8] = np.bitwise_or.reduce(groups << shifts[:, None], axis=2)
    return shared[..., ::-1].reshape(n_processors, -1)


def used_words(placed: PlacedLayer, n_words: int) -> NDArray[np.bool_]:
    """Which words hold kernels of output columns in use, or lie behind the last one; bool (n,)."""
    steps, taps, bits = _steps_per_column(placed), placed.hardware.n_taps, placed.bits
    columns, word_bytes = _columns_in_use(placed), placed.chip.kernel_word_bytes
    if len(columns) == _n_columns(placed):
        return np.ones(n_words, bool)
    is_used = np.zeros(n_words, bool)
    end = 0
    for column in columns:
        first_byte = column * steps * bits // DATA_BITS * taps
        end = _group_bytes(placed, (column + 1) * steps)
        is_used[first_byte // word_bytes : ceil(end / word_bytes)] = True
    is_used[ceil(end / word_bytes) :] = True
    return is_used


def _columns_in_use(placed: PlacedLayer) -> list[int]:
    """Columns of the output map in all passes, also those of the last pass beyond the outputs."""
    first = _first_processor(placed)
    offsets = [p - first for p in members(placed.output_processors)]
    n_passes, width = placed.out_passes.n, _columns_per_pass(placed)
    every = [e * width + offset for e in range(n_passes) for offset in offsets]
    n_columns = _n_columns(placed)
    return [column for column in every if column < n_columns]
