"""Run one layer: read data, pool, combine, convolve, scale, write, as a `LayerSetup` says.

Sees a setup and memories, never registers, other layers or a network. Whatever is computed from
bytes that nobody wrote is marked as unknown on its way to the output; whether that matters is
decided by whoever reads it. A kernel that is zero makes its input irrelevant. Row buffers
and the interleaving of streaming layers are not modelled: a layer reads, computes, then writes.
"""

from dataclasses import dataclass
from functools import reduce
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from max78000.facts import fixed
from max78000.facts.chip import Chip
from max78000.machine import ops
from max78000.machine.memory import (
    LANES,
    Bools,
    Bytes,
    ByteState,
    DataMemory,
    EntryMemory,
    Ints,
    KernelMemory,
    MachineFault,
    UndefinedFault,
)
from max78000.machine.places import column_places, require_reach
from max78000.machine.setup import KernelSetup, LayerSetup, ReadSetup


@dataclass(frozen=True, slots=True)
class Memories:
    """Where a layer finds and leaves its data; ring of a streaming neighbour, or data memory."""

    kernels: KernelMemory
    biases: EntryMemory
    source: DataMemory
    target: DataMemory


@dataclass(frozen=True, slots=True)
class Tensor:
    """Values and, for each, whether it comes from something nobody wrote; None: none does."""

    values: Ints
    is_unknown: Bools | None = None


@dataclass(frozen=True, slots=True)
class LayerRun:
    """What a layer read and made, for traces.

    `data` has shape (processors, passes, operands, rows, columns); `output` (output columns, rows,
    columns), where a pass-through counts its processors, then its passes.
    """

    setup: LayerSetup
    data: Tensor
    output: Tensor
    notes: tuple[str, ...]  # what was read although nobody wrote it


def run_layer(chip: Chip, setup: LayerSetup, memories: Memories) -> LayerRun:
    """Execute a layer on the memories.

    Raises:
        MachineFault: an access outside a memory, output over input that is still to be read, or
            output of which nothing is known, because kernels or input were never written.
    """
    try:
        return _run_layer(chip, setup, memories)
    except MachineFault as fault:
        fault.where = ", ".join(filter(None, (f"layer {setup.index}", fault.where)))
        raise


def _run_layer(chip: Chip, setup: LayerSetup, memories: Memories) -> LayerRun:
    data = read_data(chip, setup.read, memories.source)
    notes = _input_notes(chip, setup.read, data)
    pooled = _pool_and_combine(data, setup)
    if setup.kernel is None:
        output = _flat_columns(pooled)
    else:
        weights = _fetch_kernels(setup, setup.kernel, memories.kernels)
        notes += _kernel_notes(setup, weights)
        output = _convolve(setup, setup.kernel, pooled, weights, memories.biases)
    if output.is_unknown is not None and output.is_unknown.all():
        reason = "; ".join(notes) or "its biases were never written"
        raise UndefinedFault(f"the whole output is undefined: {reason}")
    _write(chip, setup, output, memories)
    return LayerRun(setup, data, output, notes)


def read_data(chip: Chip, read: ReadSetup, source: DataMemory) -> Tensor:
    """Gather what the enabled processors read: (processors, passes, operands, rows, columns)."""
    first, last = read.first_word, read.first_word + read.n_words - 1
    values: list[Bytes] = []
    states: list[Bytes] = []
    for processor in read.processors:
        instance, lane = divmod(processor, chip.processors_per_instance)
        source.require_words(instance, first, last)
        for memory, taken in ((source.lanes, values), (source.states, states)):
            words = memory[instance, first : last + 1]
            taken.append(words.reshape(-1) if read.is_chw else words[:, lane])
    n_pixels = read.rows * read.columns
    n_values = n_pixels * read.words_per_pixel
    shape = (len(read.processors), n_pixels, read.passes, read.operands)

    def arrange(taken: NDArray[Any]) -> NDArray[Any]:
        moved = taken[:, :n_values].reshape(shape).transpose(0, 2, 3, 1)
        return moved.reshape(*moved.shape[:3], read.rows, read.columns)

    unknown = _if_any(np.stack(states)[:, :n_values] != ByteState.DEFINED)
    return Tensor(
        arrange(np.stack(values).view(np.int8)), None if unknown is None else arrange(unknown)
    )


def _if_any(is_unknown: Bools) -> Bools | None:
    """None if everything is known: what follows then has nothing to look at."""
    return is_unknown if is_unknown.any() else None


def _pool_and_combine(data: Tensor, setup: LayerSetup) -> Tensor:
    """Pool each operand and combine them, in the order the registers ask for.

    Returns shape (processors, passes, pooled rows, pooled columns).
    """
    pool = setup.pool
    unknown: Bools | None = None
    if data.is_unknown is not None:
        windows = ops.pool_windows(data.is_unknown, pool)
        unknown = _if_any(np.any(reduce(np.logical_or, windows), axis=2))
    operands = list(np.moveaxis(data.values, 2, 0))
    if pool.combine is None:
        return Tensor(ops.pool(operands[0], pool), unknown)
    if pool.is_pooled_first:
        pooled = [ops.pool(operand, pool) for operand in operands]
        return Tensor(fixed.combine(pooled, pool.combine), unknown)
    return Tensor(ops.pool(fixed.combine(operands, pool.combine), pool), unknown)


def _flat_columns(pooled: Tensor) -> Tensor:
    """Pass-through: passes outside, processors inside."""
    shape, is_unknown = (-1, *pooled.values.shape[2:]), pooled.is_unknown
    return Tensor(
        pooled.values.swapaxes(0, 1).reshape(shape),
        None if is_unknown is None else is_unknown.swapaxes(0, 1).reshape(shape),
    )


# -- convolution -----------------------------------------------------------------------------------


def _fetch_kernels(setup: LayerSetup, kernel: KernelSetup, memory: KernelMemory) -> Tensor:
    """Cut out all kernels: (output columns, processors x passes, taps).

    Raises:
        MachineFault: the mask addresses leave the memory.
    """
    places = ops.kernel_bytes(kernel)
    words = places // memory.word_bytes
    if words.max() >= memory.n_words:
        raise MachineFault(f"kernel word {words.max()} is not in 0..{memory.n_words - 1}")
    processors = setup.read.processors
    weights = ops.kernels_of(kernel, memory.stream(processors, places))
    unwritten = _if_any(~memory.is_written[list(processors)][:, words])
    return Tensor(
        _by_column(setup, weights), None if unwritten is None else _by_column(setup, unwritten)
    )


def _convolve(
    setup: LayerSetup, kernel: KernelSetup, pooled: Tensor, weights: Tensor, biases: EntryMemory
) -> Tensor:
    """Sum kernels and biases over processors and passes, then scale and clamp.

    Returns shape (output columns, rows, columns).
    """
    image_shape = (-1, *pooled.values.shape[2:])
    total = ops.convolve(pooled.values.reshape(image_shape), weights.values, kernel)
    bias_of_column = _biases(setup, biases)
    total += fixed.BIAS_ONE * bias_of_column.values[:, None, None]

    is_unknown = np.zeros(total.shape, np.bool_)
    if weights.is_unknown is not None:
        of_column: Bools = np.any(weights.is_unknown, axis=(1, 2))
        is_unknown |= of_column[:, None, None]
    if bias_of_column.is_unknown is not None:
        is_unknown |= bias_of_column.is_unknown[:, None, None]
    if pooled.is_unknown is not None:
        sources = pooled.is_unknown.reshape(image_shape).astype(np.int8)
        is_unknown |= ops.convolve(sources, (weights.values != 0).astype(np.int8), kernel) > 0
    post = setup.post
    if not post.is_wide:
        total = fixed.requantize(total, post.shift, post.activation)
    return Tensor(total, _if_any(is_unknown))


def _by_column(setup: LayerSetup, steps: NDArray[Any]) -> NDArray[Any]:
    """(processors, column steps of all passes, taps) -> (columns, processors x passes, taps)."""
    n_processors, n_steps, n_taps = steps.shape
    passes = setup.read.passes
    split = steps.reshape(n_processors, n_steps // passes, passes, n_taps)
    return split.transpose(1, 0, 2, 3).reshape(n_steps // passes, -1, n_taps)


def _biases(setup: LayerSetup, memory: EntryMemory) -> Tensor:
    """Take the bias byte of every output column; what lies behind the memory is unknown."""
    post, n_columns = setup.post, setup.n_columns
    if post.bias_quadrant is None:
        return Tensor(np.zeros(n_columns, np.int64))
    # Quirk stream-bias-byte: a streaming first layer skips one; the vendor puts a dummy there.
    skipped = 1 if setup.index == 0 and setup.read.ring_words else 0
    entries = post.bias_offset + skipped + np.arange(n_columns)
    last = memory.values.shape[1] - 1
    bank, inside = post.bias_quadrant, np.minimum(entries, last)
    values = memory.values[bank, inside].astype(np.int8).astype(np.int64)
    return Tensor(values, _if_any((entries > last) | ~memory.is_written[bank, inside]))


# -- write -----------------------------------------------------------------------------------------


def _write(chip: Chip, setup: LayerSetup, output: Tensor, memories: Memories) -> None:
    """Store all columns; up to four share a word, whose other lanes become undefined."""
    require_reach(chip, setup)
    places = column_places(chip, setup)
    if len(set(places)) < len(places):
        raise MachineFault("two output columns have the same place")
    is_taken = np.zeros(memories.target.lanes.shape[:2], np.bool_)
    is_wide = setup.post.is_wide
    values = output.values.astype("<i4" if is_wide else np.uint8).reshape(len(places), -1)
    words = [(place.word, place.offset) for place in places]
    for place, columns in groupby(range(len(places)), key=words.__getitem__):
        chosen = list(columns)
        at = _target_words(chip, setup, memories, *place)
        if is_taken[at].any():
            raise MachineFault(f"two output columns share words of data memory {at[0]}")
        is_taken[at] = True
        lanes = list(range(LANES)) if is_wide else [places[column].lane for column in chosen]
        new_lanes = np.zeros((values.shape[1], LANES), np.uint8)
        new_lanes[:, lanes] = values[chosen].T.copy().view(np.uint8)
        memories.target.lanes[at] = new_lanes
        # Quirk whole-words: lanes without a channel lose their value; silicon may keep it.
        memories.target.states[at] = ByteState.UNDEFINED
        memories.target.states[at][:, lanes] = _states(output.is_unknown, chosen)


def _states(is_unknown: Bools | None, columns: list[int]) -> Bytes | ByteState:
    """What to mark the bytes of some output columns with: (pixels, columns), or all alike."""
    if is_unknown is None:
        return ByteState.DEFINED
    chosen = is_unknown[columns].reshape(len(columns), -1).T
    return np.where(chosen, np.uint8(ByteState.UNDEFINED), np.uint8(ByteState.DEFINED))


def _target_words(
    chip: Chip, setup: LayerSetup, memories: Memories, word: int, offset: int
) -> tuple[int, slice]:
    """Find instance and word of every output pixel; refuse missing words and live input."""
    rows, columns = setup.out_shape
    instance, word = divmod(word, chip.data_instance_words)
    first = word + offset
    last = first + setup.write.pixel_step * (rows * columns - 1)
    try:
        memories.target.require_words(instance, first, last)
    except MachineFault as fault:
        fault.where = f"output to {fault.where}"
        raise
    words = slice(first, last + 1, setup.write.pixel_step)
    read = setup.read
    is_near = first < read.first_word + read.n_words and last >= read.first_word
    if memories.target is memories.source and is_near:
        _require_dead(chip, setup, instance, np.arange(words.start, words.stop, words.step))
    return instance, words


def _require_dead(chip: Chip, setup: LayerSetup, instance: int, words: Ints) -> None:
    """Refuse to write over input that a later output pixel still needs.

    Args:
        chip: how many processors share an instance.
        setup: the layer.
        instance: data memory that is written.
        words: the word written with each output pixel.
    """
    read = setup.read
    if instance not in {p // chip.processors_per_instance for p in read.processors}:
        return
    is_input = (words >= read.first_word) & (words < read.first_word + read.n_words)
    if not is_input.any():
        return
    pixels = np.flatnonzero(is_input)
    last_read, last_use = _progress(setup)
    per_word = 1 if read.is_chw else read.words_per_pixel
    inputs = (words[pixels] - read.first_word) // per_word
    is_live = last_use[inputs] > last_read[pixels]
    if is_live.any():
        pixel = int(pixels[np.argmax(is_live)])
        row, column = divmod(pixel, setup.out_shape[1])
        where = f"word {int(words[pixel]):#06x} of data memory {instance}"
        reason = f"output row {row} column {column} overwrites {where}, input that is still needed"
        raise MachineFault(reason)


def _progress(setup: LayerSetup) -> tuple[Ints, Ints]:
    """How far reading is when each output pixel is written, and when each input is used last.

    Both count pooled pixels in raster order; the second is per input pixel (CHW: per word).
    """
    (rows, columns), (out_rows, out_columns) = setup.pooled_shape, setup.out_shape
    kernel, pool, read = setup.kernel, setup.pool, setup.read

    def reached(n_out: int, n_in: int, pad: int, size: int) -> Ints:
        scale = 2 if kernel and kernel.is_transposed else 1
        return np.clip((np.arange(n_out) - pad + size - 1) // scale, 0, n_in - 1)

    def used(n_in: int, n_pooled: int, window: int) -> Ints:
        last = np.minimum(np.arange(n_in) // pool.step, n_pooled - 1)
        return np.where(np.arange(n_in) < last * pool.step + window, last, -1)

    last_row = reached(out_rows, rows, *(kernel.pad_rows, kernel.rows) if kernel else (0, 1))
    last_column = reached(
        out_columns, columns, *(kernel.pad_columns, kernel.columns) if kernel else (0, 1)
    )
    reads = (last_row[:, None] * columns + last_column).reshape(-1)
    last_read: Ints = np.maximum.accumulate(reads)  # rows of padding follow what has been read
    used_row, used_column = (
        used(read.rows, rows, pool.rows),
        used(read.columns, columns, pool.columns),
    )
    last_use = used_row[:, None] * columns + used_column
    last_use = np.where((used_row[:, None] < 0) | (used_column < 0), -1, last_use).reshape(-1)
    if read.is_chw:
        fill = -len(last_use) % LANES
        last_use = np.pad(last_use, (0, fill), constant_values=-1).reshape(-1, LANES).max(axis=1)
    return last_read, last_use


# -- notes -----------------------------------------------------------------------------------------


def _input_notes(chip: Chip, read: ReadSetup, data: Tensor) -> tuple[str, ...]:
    """Say which input nobody wrote."""
    if data.is_unknown is None:
        return ()
    rank, pass_index, operand, row, column = np.argwhere(data.is_unknown)[0]
    where = f"processor {read.processors[rank]} pass {pass_index} operand {operand}"
    first = f"{where} row {row} column {column} in data memory "
    first += str(read.processors[rank] // chip.processors_per_instance)
    return (f"{int(data.is_unknown.sum())} undefined input values, first {first}",)


def _kernel_notes(setup: LayerSetup, weights: Tensor) -> tuple[str, ...]:
    """Say which kernels nobody wrote."""
    if weights.is_unknown is None:
        return ()
    columns = np.flatnonzero(weights.is_unknown.any(axis=(1, 2)))
    first = np.argwhere(weights.is_unknown[columns[0]])[0][0]
    processor = setup.read.processors[first // setup.read.passes]
    where = f"first output column {columns[0]} processor {processor}"
    return (f"kernels of {len(columns)} output columns were never written, {where}",)
