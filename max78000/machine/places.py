"""Where a layer's results go: one place per output column. Addresses only, no data."""

from dataclasses import dataclass

from max78000.facts.chip import WORD_BYTES, Chip
from max78000.machine.decode import LayerSetup
from max78000.machine.memory import LANES
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
    write = setup.write
    if setup.kernel is not None:
        columns = (divmod(column, write.columns_per_pass) for column in range(setup.n_columns))
        return tuple(_place(setup, write.first_words[0], *column) for column in columns)
    places = []
    for pass_index in range(setup.read.passes):
        n_packed = [0] * chip.n_quadrants
        for processor in setup.read.processors:
            quadrant = processor // chip.processors_per_quadrant
            position = n_packed[quadrant]
            places.append(_place(setup, write.first_words[quadrant], pass_index, position))
            n_packed[quadrant] += 1
    return tuple(places)


def _place(setup: LayerSetup, first_word: int, pass_index: int, position: int) -> ColumnPlace:
    group, lane = divmod(position, LANES)
    word = first_word + group * setup.write.group_step
    offset = pass_index * setup.write.pass_step
    if setup.post.is_wide:
        return ColumnPlace(word, offset + lane, 0)
    return ColumnPlace(word, offset, lane)


def output_map_of(chip: Chip, setup: LayerSetup) -> OutputMap:
    """Describe a layer's output as far as registers tell: channels are output columns."""
    words_per_instance = chip.data_instance_bytes // WORD_BYTES
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
