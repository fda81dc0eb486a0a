"""Rules of data flow in a placed network: a layer reads what its producers wrote, where they did.

The registers know addresses only; nothing but these rules ties a layer to its producers.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise

from max78000.errors import InputError
from max78000.facts.chip import WORD_BYTES, Chip
from synthesis.graph.ir import BUFFER, INPUT, Layer, Producer
from synthesis.place.extents import cropped_bytes
from synthesis.place.place import Placement
from synthesis.place.placed import PlacedLayer, highest, instances_of, lowest
from synthesis.rules.rule import Finding, Rule, placed_layer_rule


@placed_layer_rule("P8", InputError, can_be_allowed=True)
def readers_map(placed: PlacedLayer, placement: Placement) -> Iterator[Finding]:
    """A layer reads processors that its producers wrote."""
    if INPUT in placed.layer.sources:
        return
    written = 0
    for source in placed.layer.sources:
        written |= _map_of(source, placement)
    missing = placed.processors & ~written
    if missing:
        yield Finding(
            f"processors 0x{missing:016x} read what no producer writes",
            fix="correct processors, or output_processors of the producers",
        )


@placed_layer_rule("P7", InputError)
def operand_maps(placed: PlacedLayer, placement: Placement) -> Iterator[Finding]:
    """The producers of an element-wise layer write the same processors."""
    maps = {writer.output_processors for writer in placement.placed_graph.writers(placed)}
    if placed.layer.combine is not None and len(maps) > 1:
        yield Finding(
            "operands on different processors: "
            + ", ".join(f"0x{processors:016x}" for processors in sorted(maps)),
            fix="give all producers the same output_processors",
        )


@placed_layer_rule("P9", InputError, can_be_allowed=True)
def joined_maps(placed: PlacedLayer, placement: Placement) -> Iterator[Finding]:
    """Tensors joined along the channels lie on ascending processors, in the order of the list.

    The n-th channel is on the n-th processor of the reader's map, whoever wrote it. Producers that
    share processors become passes of the reader and are written with a gap.
    """
    for first, second in _neighbours(placed, placement):
        if highest(first.output_processors) >= lowest(second.output_processors):
            yield Finding(
                f"joins {first.layer.name} on 0x{first.output_processors:016x} and "
                f"{second.layer.name} on 0x{second.output_processors:016x}",
                fix="list the producers by ascending processors, in the order of the channels",
            )


@placed_layer_rule("P10", InputError, can_be_allowed=True)
def joined_words(placed: PlacedLayer, placement: Placement, chip: Chip) -> Iterator[Finding]:
    """Tensors joined along the channels share no data word: words hold
    {chip.processors_per_instance:word} channels.

    All but the last have a multiple of {chip.processors_per_instance:word} channels, or processors
    that are further apart.
    """
    step = chip.processors_per_instance
    for first, second in _neighbours(placed, placement):
        ends, starts = first.output_processors, second.output_processors
        shared = instances_of(ends, chip) & instances_of(starts, chip)
        if shared:
            n = first.layer.out_shape.channels
            yield Finding(
                f"{first.layer.name} has {n} channels and ends in a word of {second.layer.name}, "
                f"in data memory {min(shared)}",
                fix=f"make {-(-n // step) * step} channels of them, or let the second start at the "
                f"next multiple of {step}",
            )


def _neighbours(
    placed: PlacedLayer, placement: Placement
) -> Iterator[tuple[PlacedLayer, PlacedLayer]]:
    """Every two producers of a layer that joins channels which lie side by side."""
    producers = placement.placed_graph.writers(placed)
    if placed.layer.combine is not None or len(producers) < len(placed.layer.sources):
        return
    n_channels = sum(producer.layer.out_shape.channels for producer in producers)
    if placed.layer.in_shape.channels != n_channels:
        return  # joined along the pixels
    for first, second in pairwise(producers):
        is_pass = first.write_gap > 0 and first.output_processors == second.output_processors
        if not is_pass:
            yield first, second


@placed_layer_rule("E6a", can_be_allowed=True)
def gap_reader(placed: PlacedLayer, placement: Placement) -> Iterator[Finding]:
    """A tensor written with a gap is read by a layer of as many operands or passes: no read gap."""
    for producer in placement.placed_graph.writers(placed):
        words = placed.layer.operands * placed.in_passes.n
        written = producer.out_passes.n * (producer.write_gap + 1)
        if producer.write_gap and words != written:
            yield Finding(
                f"reads {words} words a pixel, {producer.layer.name} writes every {written} words",
                fix="write the tensor a second time without gap (op: passthrough)",
            )


@placed_layer_rule("E6", InputError, can_be_allowed=True)
def operand_gaps(placed: PlacedLayer, placement: Placement) -> Iterator[Finding]:
    """Operands of several producers alternate word by word: n of them have a write_gap of n - 1.

    They follow each other at 4 bytes. Without a gap, neighbouring pixels would be combined.
    """
    n, sources = placed.layer.operands, placed.layer.sources
    if placed.layer.combine is None or len(sources) == 1:
        return
    for producer in (_written(source, placement) for source in sources):
        if producer.gap == 0:
            yield Finding(
                f"reads {n} operands word by word, {producer.name} is written without gap",
                fix=f"give its producers write_gap: {n - 1} and offsets {WORD_BYTES} bytes apart, "
                "or copy the tensor there (op: passthrough)",
            )


@placed_layer_rule("D9", InputError, can_be_allowed=True)
def places(placed: PlacedLayer, placement: Placement, chip: Chip) -> Iterator[Finding]:
    """`in_offset` is where the producers wrote: out_offset, plus rows dropped by `in_crop`.

    Operands, and passes from several producers, follow each other at 4 bytes in list order; parts
    of an image follow each other as a whole.
    """
    start = placed.in_offset - cropped_bytes(placed.layer, chip) - _shifted_bytes(placed)
    producers = [_written(source, placement) for source in placed.layer.sources]
    expected = [start + shift for shift in _shifts(placed, producers)]
    wrong_by = [
        producer.offset - place for producer, place in zip(producers, expected, strict=True)
    ]
    for i, producer in enumerate(producers):
        if wrong_by[i]:
            moved = placed.in_offset + wrong_by[i]
            can_follow = len(set(wrong_by)) == 1
            fix = f"use in_offset: {moved:#x}" if can_follow else _move(placed.layer, i, placement)
            yield Finding(
                f"in_offset {placed.in_offset:#x} expects {producer.name} at {expected[i]:#x}, "
                f"it is at {producer.offset:#x}",
                fix=fix,
            )


def _move(layer: Layer, position: int, placement: Placement) -> str:
    """What puts one of several tensors in its place: no `in_offset` suits them all."""
    source = layer.sources[position]
    writer = placement.placed_graph.layer_of(source)
    if writer is None or len(placement.graph.consumers(source)) > 1:
        return "copy the tensor there (op: passthrough), or leave offsets and processors out"
    return f"move out_offset of {writer.layer.name} there, or leave offsets and processors out"


@dataclass(frozen=True, slots=True)
class _Written:
    """A tensor where it was written."""

    name: str
    offset: int
    n_pixels: int
    gap: int


def _map_of(source: Producer, placement: Placement) -> int:
    """Processors that hold a producer's tensor; for the network input none."""
    buffer = placement.graph.buffer
    if source == BUFFER and buffer is not None:
        return buffer.processors
    writer = placement.placed_graph.layer_of(source)
    return 0 if writer is None else writer.output_processors


def _shifted_bytes(placed: PlacedLayer) -> int:
    """Bytes of the pixels that a shift of the rolling buffer drops."""
    return WORD_BYTES * placed.in_passes.n * placed.layer.buffer_shift


def _written(source: Producer, placement: Placement) -> _Written:
    image = placement.graph.input_shape
    buffer = placement.graph.buffer
    if source == BUFFER and buffer is not None:
        return _Written(buffer.name, buffer.offset, buffer.shape.n_pixels, 0)
    producer = placement.placed_graph.layer_of(source)
    if producer is None:
        return _Written("the input", placement.layers[0].in_offset, image.n_pixels, 0)
    n_pixels = producer.layer.out_shape.n_pixels
    return _Written(producer.layer.name, producer.out_offset, n_pixels, producer.write_gap)


def _shifts(placed: PlacedLayer, producers: list[_Written]) -> list[int]:
    """Bytes from the start of the input to each producer's part."""
    layer = placed.layer
    n_read = layer.in_shape.n_pixels + sum(layer.in_crop) * layer.in_shape.columns
    n_read += layer.buffer_shift
    if n_read != producers[0].n_pixels:  # parts of the image
        ends = accumulate(producer.n_pixels for producer in producers)
        return [WORD_BYTES * placed.in_passes.n * first for first in (0, *ends)][:-1]
    is_interleaved = any(producer.gap for producer in producers)
    return [WORD_BYTES * i * is_interleaved for i in range(len(producers))]


FLOW_RULES: tuple[Rule[Placement], ...] = (
    operand_maps,
    readers_map,
    joined_maps,
    joined_words,
    operand_gaps,
    gap_reader,
    places,
)
