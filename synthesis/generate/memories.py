"""Contents of the memories -> operations: kernel blocks, bias bytes, input words, and the known
answer.
"""

import struct
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from max78000.facts.chip import WORD_BYTES, Chip
from max78000.program.program import (
    Copy,
    Expected,
    FastFifo,
    Fifo,
    KernelBlock,
    Operation,
    OutputMap,
)
from synthesis.generate.options import ProgramOptions
from synthesis.graph.ir import Unload
from synthesis.lower.hardware import Passes
from synthesis.place.biases import BiasMemory
from synthesis.place.fifo import feeding_fifos, lanes_of
from synthesis.place.placed import PlacedLayer, instances_of, members
from synthesis.place.weights import KernelImage
from synthesis.read.description import DataFormat
from synthesis.read.source import Tensor

WORD_MASK = 0xFFFF_FFFF
PATTERN = (0x5555_5555, 0xAAAA_AAAA)  # every bit changes from word to word


def kernel_operations(
    memory: KernelImage, options: ProgramOptions, chip: Chip
) -> Iterator[KernelBlock | Copy]:
    """Maximal runs of used words, processor by processor.

    Packed runs are nine bytes a word, big-endian; plain ones four 32-bit words. Words of nothing
    but zeros are left out where the memories have been cleared.
    Source: docs/hardware/memories.md#loading-kernels.
    """
    # Quirk packed-pointer: a packed run has four addresses a word, where a byte store points.
    is_loaded = memory.is_used
    if options.clears_memories:
        is_loaded = is_loaded & memory.words.any(axis=-1)
    for processor in range(chip.n_processors):
        used = np.flatnonzero(is_loaded[processor])
        for run in np.split(used, np.flatnonzero(np.diff(used) > 1) + 1):
            if not run.size:
                continue
            data, first = memory.words[processor, run], int(run[0])
            if options.packs_kernels:
                yield KernelBlock(chip.kernel_addr(processor) + 4 * first, _packed(data))
            else:
                yield Copy(chip.kernel_addr(processor, first), _plain(data))


def _packed(data: NDArray[np.uint8]) -> tuple[int, ...]:
    """Bytes (n, 9) as a stream of big-endian words, zeros at its end."""
    stream = data.tobytes()
    stream += bytes(-len(stream) % WORD_BYTES)
    return struct.unpack(f">{len(stream) // WORD_BYTES}I", stream)


def _plain(data: NDArray[np.uint8]) -> tuple[int, ...]:
    """Bytes (n, 9) as four words each: byte 0; bytes 1 to 4; 5 to 8, big-endian; 0 commits them."""
    words = np.zeros((len(data), 4), np.uint32)
    words[:, 0] = data[:, 0]
    words[:, 1:3] = np.ascontiguousarray(data[:, 1:]).view(">u4")
    return tuple(words.reshape(-1).tolist())


def bias_copies(memory: BiasMemory, chip: Chip) -> Iterator[Copy]:
    """The bytes of each quadrant, one per word."""
    for quadrant, contents in enumerate(memory.contents):
        if contents:
            yield Copy(chip.bias_addr(quadrant, memory.starts[quadrant]), tuple(contents))


def input_copies(first: PlacedLayer, image: Tensor, chip: Chip) -> Iterator[Copy]:
    """The input image in the layout of the first layer.

    Args:
        image: int (C, H, W), channels of all operands one after the other.
    """
    if first.data_format is DataFormat.CHW:
        for rank, processor in enumerate(members(first.processors)):
            addr = chip.data_addr(processor, first.in_offset)
            yield Copy(addr, _pixel_words(image[rank]))
        return
    operands, passes = first.layer.operands, first.in_passes
    channels = first.layer.in_shape.channels
    lanes = np.zeros((chip.n_processors, image[0].size, passes.n, operands), np.int64)
    pixels = image.reshape(len(image), -1)
    for channel in range(channels):
        processor = members(first.processors)[channel % passes.width]
        for operand in range(operands):
            lanes[processor, :, channel // passes.width, operand] = pixels[
                operand * channels + channel
            ]
    n_lanes = chip.processors_per_instance
    for instance in sorted(instances_of(first.processors, chip)):
        processor = n_lanes * instance
        four = lanes[processor : processor + n_lanes].reshape(n_lanes, -1) & 0xFF
        words = (four << np.array([[0], [8], [16], [24]])).sum(axis=0)
        yield Copy(chip.data_addr(processor, first.in_offset), tuple(words.tolist()))


def fixed_words(copies: Iterable[Operation]) -> Iterator[Copy]:
    """Input data of the same sizes that is nothing but a pattern, as `memcpy32_const` writes it."""
    for copy in copies:
        assert isinstance(copy, Copy)
        n_words = len(copy.words)
        pattern = PATTERN * -(-n_words // len(PATTERN))
        yield Copy(copy.addr, pattern[:n_words])


def fixed_image(first: PlacedLayer, shape: tuple[int, ...]) -> Tensor:
    """The image that `fixed_words` holds.

    Args:
        first: tells the layout: which channels are in the odd words.
        shape: of the sample, (C, H, W).
    """
    pixels = np.arange(np.prod(shape[1:]))
    if first.data_format is DataFormat.CHW:
        index = np.broadcast_to(pixels // 4, (shape[0], pixels.size))
    else:
        operands, passes = first.layer.operands, first.in_passes
        operand, channel = np.divmod(np.arange(shape[0])[:, None], first.layer.in_shape.channels)
        index = (pixels * passes.n + channel // passes.width) * operands + operand
    signed = np.array(PATTERN, np.uint32).astype(np.uint8).astype(np.int8).astype(np.int64)
    return signed[index % 2].reshape(shape)


def fifo_feeds(first: PlacedLayer, image: Tensor) -> Iterator[Fifo]:
    """The input image as the words each FIFO is given."""
    if first.data_format is DataFormat.CHW:
        for channel, fifo in enumerate(feeding_fifos(first)):
            yield Fifo(fifo, _pixel_words(image[channel]))
        return
    data = image.reshape(len(image), -1) & 0xFF
    for block, fifo in enumerate(feeding_fifos(first)):
        words = np.zeros(data.shape[1], np.int64)
        for lane in range(4):
            channel = 4 * block + lane
            if lanes_of(first, fifo) >> lane & 1 and channel < len(data):
                words |= data[channel] << (8 * lane)
        yield Fifo(fifo, tuple(words.tolist()))


def fast_fifo_feed(first: PlacedLayer, image: Tensor) -> FastFifo:
    """The input image as the words the fast FIFO is given: a byte for each of four channels."""
    if first.data_format is DataFormat.CHW:
        return FastFifo(_pixel_words(image[0]))
    data = image.reshape(len(image), -1) & 0xFF
    shifts = 8 * np.arange(len(data))[:, None]
    return FastFifo(tuple((data << shifts).sum(axis=0).tolist()))


def _pixel_words(channel: Tensor) -> tuple[int, ...]:
    """Four pixels a word, the first in the low byte."""
    data = (channel.reshape(-1) & 0xFF).astype(np.uint8)
    return tuple(np.pad(data, (0, -data.size % 4)).view("<u4").tolist())


def output_map(placed: PlacedLayer, chip: Chip) -> OutputMap:
    """Where a layer's result lies in data memory."""
    layer = placed.layer
    where = Unload(
        where=layer.where,
        processors=placed.output_processors,
        shape=layer.out_shape,
        offset=placed.out_offset,
        width_bits=layer.output_width,
        write_gap=placed.write_gap,
    )
    return data_map(where, layer.index, layer.name, chip)


def data_map(where: Unload, layer: int, name: str, chip: Chip) -> OutputMap:
    """The addresses of a tensor in data memory."""
    unit, step = where.width_bits // 8, where.write_gap + 1
    passes, processors = Passes.of(where.shape.channels, chip), members(where.processors)
    addrs = []
    for channel in range(where.shape.channels):
        round_index, rank = divmod(channel, passes.width)
        processor = processors[rank]
        lane = processor % chip.processors_per_instance * (1 if unit == 1 else 4)
        base = chip.data_addr(processor, where.offset)
        addrs.append(base + 4 * round_index * unit * step + lane)
    return OutputMap(
        layer=layer,
        name=name,
        shape=(where.shape.channels, *where.shape.dims),
        width_bits=where.width_bits,
        channel_addrs=tuple(addrs),
        pixel_stride_bytes=4 * passes.n * unit * step,
    )


def known_answer(placed: PlacedLayer, result: Tensor, chip: Chip) -> Iterator[Expected]:
    """The words a layer leaves in data memory, in blocks of neighbouring words with the same
    mask.
    """
    addrs, masks, words = _expected_words(placed, result, chip)
    # Quirk answer-masks: sorted by mask first, as the vendor's.
    order = np.lexsort((addrs, masks))
    addrs, masks, words = addrs[order], masks[order], words[order]
    cuts = np.flatnonzero((np.diff(addrs) != 4) | (np.diff(masks) != 0)) + 1
    for run in np.split(np.arange(len(addrs)), cuts):
        yield Expected(
            layer=placed.layer.index,
            addr=int(addrs[run[0]]),
            mask=int(masks[run[0]]),
            words=tuple(words[run].tolist()),
        )


def _expected_words(
    placed: PlacedLayer, result: Tensor, chip: Chip
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Address, mask and value of every word that holds at least one channel."""
    where = output_map(placed, chip)
    pixels = result.reshape(len(result), -1)
    offsets = np.arange(pixels.shape[1]) * where.pixel_stride_bytes
    if placed.layer.output_width == 32:
        addrs = (np.array(where.channel_addrs)[:, None] + offsets).reshape(-1)
        return addrs, np.full(addrs.shape, WORD_MASK), pixels.reshape(-1) & WORD_MASK
    columns = []
    channel_addrs = np.array(where.channel_addrs)
    for base in np.unique(channel_addrs & ~3):
        channels = np.flatnonzero(channel_addrs & ~3 == base)
        lanes = channel_addrs[channels] & 3
        # Quirk answer-masks: the lanes in use, holes and all.
        mask = sum(0xFF << 8 * int(lane) for lane in lanes)
        values = ((pixels[channels] & 0xFF) << (8 * lanes[:, None])).sum(axis=0) & mask
        columns.append((base + offsets, np.full(offsets.shape, mask & WORD_MASK), values))
    addrs, masks, words = (np.concatenate(parts) for parts in zip(*columns, strict=True))
    return addrs, masks, words
