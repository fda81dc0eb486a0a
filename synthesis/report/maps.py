"""Where everything lies, as rectangles in percent of a map: data, kernel and bias memories.

Knows places and sizes; knows no page, no colours and no markup.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from max78000.facts.chip import Chip
from synthesis.place.place import Placement
from synthesis.place.placed import PlacedLayer
from synthesis.report.report import TensorReport

SMALLEST_SPAN_BYTES = 1024

Ticks = tuple[tuple[float, str], ...]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle. `layer` is the one that its content belongs to; -1 the input, -2 the buffer."""

    left: float
    top: float
    width: float
    height: float
    layer: int
    label: str
    title: str


@dataclass(frozen=True, slots=True)
class DataMap:
    """Data memory while one layer runs: instances from left to right, bytes from top to bottom."""

    layer: int
    name: str
    boxes: tuple[Box, ...]
    names: tuple[str, ...]  # of the tensors, for those who do not see the boxes


def shown_bytes(tensors: Sequence[TensorReport], chip: Chip) -> int:
    """Bytes of an instance that the maps have to show: a power of two that covers all tensors."""
    end, shown = max(tensor.end_byte for tensor in tensors), SMALLEST_SPAN_BYTES
    while shown < min(end, chip.data_instance_bytes):
        shown *= 2
    return shown


def data_maps(
    tensors: Sequence[TensorReport], names: Sequence[str], chip: Chip
) -> Iterator[DataMap]:
    """A map for every layer, with all tensors alive while it runs; `names` are the layers'."""
    span = shown_bytes(tensors, chip)
    for layer, name in enumerate(names):
        alive = [tensor for tensor in tensors if tensor.is_alive(layer)]
        boxes = tuple(box for tensor in alive for box in _data_boxes(tensor, span, chip))
        yield DataMap(layer, name, boxes, tuple(tensor.name for tensor in alive))


def _data_boxes(tensor: TensorReport, span_bytes: int, chip: Chip) -> Iterator[Box]:
    """A tensor's span in each run of its instances."""
    column = 100 / chip.n_instances
    title = f"{tensor.name}: bytes 0x{tensor.first_byte:04x} to 0x{tensor.end_byte - 1:04x}"
    for first, count in _runs(sum(1 << instance for instance in tensor.instances)):
        yield Box(
            left=first * column,
            top=100 * tensor.first_byte / span_bytes,
            width=count * column,
            height=100 * (tensor.end_byte - tensor.first_byte) / span_bytes,
            layer=tensor.layer,
            label=tensor.name,
            title=title,
        )


def kernel_boxes(placement: Placement, chip: Chip) -> Iterator[Box]:
    """Processors from left to right, words from top to bottom."""
    column, row = 100 / chip.n_processors, 100 / chip.kernel_words
    for placed, first_word, n_words in kernel_slots(placement):
        last = first_word + n_words - 1
        title = f"{placed.layer.name}: words {first_word} to {last}"
        for first, count in _runs(placed.processors):
            yield Box(
                left=first * column,
                top=first_word * row,
                width=count * column,
                height=n_words * row,
                layer=placed.layer.index,
                label=placed.layer.name,
                title=f"{title} of processors {first} to {first + count - 1}",
            )


def kernel_slots(placement: Placement) -> Iterator[tuple[PlacedLayer, int, int]]:
    """Layers that store kernels, with their first word and number of words."""
    for placed in placement.layers:
        slot = placed.kernel_slot
        if slot is not None and slot.owner == placed.layer.index:
            yield placed, slot.first_word, slot.n_words


def bias_boxes(placement: Placement, chip: Chip) -> Iterator[Box]:
    """Quadrants from left to right, bytes from top to bottom."""
    column, row = 100 / chip.n_quadrants, 100 / chip.bias_bytes_per_quadrant
    for placed in placement.layers:
        slot = placed.bias_slot
        if slot is None or slot.owner != placed.layer.index:
            continue
        last = slot.offset + slot.length - 1
        yield Box(
            left=slot.quadrant * column,
            top=slot.offset * row,
            width=column,
            height=slot.length * row,
            layer=placed.layer.index,
            label=placed.layer.name,
            title=f"{placed.layer.name}: bytes {slot.offset} to {last} of quadrant {slot.quadrant}",
        )


@dataclass(frozen=True, slots=True)
class Axes:
    """What stands beside the maps: shares of their height or width, 0..1, and what lies there.

    Bytes are offsets inside an instance, as `in_offset` of the description gives them.
    """

    data_bytes: Ticks
    instances: Ticks
    kernel_words: Ticks
    processors: Ticks
    bias_bytes: Ticks
    quadrants: Ticks


def map_axes(shown_data_bytes: int, chip: Chip) -> Axes:
    """The axes of all maps, with so many bytes of each data memory instance."""
    return Axes(
        data_bytes=_ticks(shown_data_bytes, 2, "0x{:04x}"),
        instances=_ticks(chip.n_instances, 4),
        kernel_words=_ticks(chip.kernel_words, 6),
        processors=_ticks(chip.n_processors, 4),
        bias_bytes=_ticks(chip.bias_bytes_per_quadrant, 4),
        quadrants=_ticks(chip.n_quadrants, 4),
    )


def _ticks(end: int, n: int, form: str = "{}") -> Ticks:
    return tuple((i / n, form.format(i * end // n)) for i in range(n + 1))


def _runs(bits: int) -> Iterator[tuple[int, int]]:
    """Runs of neighbouring set bits: first bit and length."""
    first = 0
    while bits >> first:
        rest = bits >> first
        first += (rest & -rest).bit_length() - 1
        rest = bits >> first
        length = (~rest & (rest + 1)).bit_length() - 1
        yield first, length
        first += length
