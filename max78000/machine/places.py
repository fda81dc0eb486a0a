"""Where a layer's results go: one place per output column. Addresses only, no data."""

from collections.abc import Iterator
from dataclasses import dataclass

from max78000.facts.chip import WORD_BYTES, Chip
from max78000.machine.memory import LANES, MachineFault
from max78000.machine.setup import LayerSetup
from max78000.program.program import OutputMap


@dataclass(frozen=True, slots=True)
class ColumnPlace:
    """Word and byte lane of an output column's first pixel.

    `word` counts over all instances and carries from one to the next; `offset` more words must stay
    inside the instance.
    """

    word: int
    offset: int
    lane: int


def column_places(chip: Chip, setup: LayerSetup) -> tuple[ColumnPlace, ...]:
    """Place every output column, in the order in which the engine numbers them.

    A convolution fills consecutive processors, pass after pass. In a pass-through each quadrant
    packs its own processors, four to a time slot. With 32-bit output a column has its own words.
    """
    if setup.kernel is not None:
        return tuple(_sum_places(setup, 0))
    write = setup.write
    places = []
    for pass_index in range(setup.read.passes):
        n_packed = [0] * chip.n_quadrants
        for processor in setup.read.processors:
            quadrant = processor // chip.processors_per_quadrant
            position = n_packed[quadrant]
            places.append(_place(setup, write.first_words[quadrant], pass_index, position))
            n_packed[quadrant] += 1
    return tuple(places)


def _sum_places(setup: LayerSetup, quadrant: int) -> Iterator[ColumnPlace]:
    """Where a quadrant points with every column of a convolution."""
    write = setup.write
    for column in range(setup.n_columns):
        yield _place(setup, write.first_words[quadrant], *divmod(column, write.columns_per_pass))


def require_reach(chip: Chip, setup: LayerSetup) -> None:
    """Refuse local writes that leave their quadrant, or whose data nobody knows.

    A data memory then has one source, the bus of its own quadrant [UG LCTRL0.sramlsrc]. Quadrant 0
    has the sum of a convolution and reaches its own memories only; any other quadrant that runs has
    a sum of its own, which matters if it points at one of its own memories. In a pass-through every
    quadrant has its own data.

    Raises:
        MachineFault: with the quadrant and the data memory.
    """
    # Quirk local-pointer: what other quadrants than the first point at makes no sense.
    n_words = chip.data_instance_words
    for quadrant, place in _local_writes(chip, setup):
        instance = place.word // n_words
        is_own = instance * chip.processors_per_instance // chip.processors_per_quadrant == quadrant
        if is_own == (setup.kernel is None or quadrant == 0):
            continue
        where = f"local write of quadrant {quadrant} to data memory {instance}"
        if is_own:
            raise MachineFault("a sum of its own, which is not modelled", where=where)
        raise MachineFault("the memory takes no data from that quadrant", where=where)


def _local_writes(chip: Chip, setup: LayerSetup) -> Iterator[tuple[int, ColumnPlace]]:
    """What every quadrant points at with local writes; nothing without."""
    if not setup.write.local_quadrants:
        return
    if setup.kernel is None:
        sources = [p // chip.processors_per_quadrant for p in setup.read.processors]
        yield from zip(sources * setup.read.passes, column_places(chip, setup), strict=True)
        return
    for quadrant in setup.write.local_quadrants:
        yield from ((quadrant, place) for place in _sum_places(setup, quadrant))


def _place(setup: LayerSetup, first_word: int, pass_index: int, position: int) -> ColumnPlace:
    group, lane = divmod(position, LANES)
    word = first_word + group * setup.write.group_step
    offset = pass_index * setup.write.pass_step
    if setup.post.is_wide:
        return ColumnPlace(word, offset + lane, 0)
    return ColumnPlace(word, offset, lane)


def output_map_of(chip: Chip, setup: LayerSetup) -> OutputMap:
    """Describe a layer's output as far as registers tell: channels are output columns."""
    words_per_instance = chip.data_instance_words
    addrs = []
    for place in column_places(chip, setup):
        instance, word = divmod(place.word, words_per_instance)
        offset_bytes = WORD_BYTES * (word + place.offset) + place.lane
        addrs.append(chip.data_addr(instance * chip.processors_per_instance, offset_bytes))
    return OutputMap(
        layer=setup.index,
        name="",
        shape=(len(addrs), *setup.out_shape),
        width_bits=32 if setup.post.is_wide else 8,
        channel_addrs=tuple(addrs),
        pixel_stride_bytes=WORD_BYTES * setup.write.pixel_step,
    )
