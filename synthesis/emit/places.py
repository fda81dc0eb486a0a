"""Output maps -> tables of C: how results are read, and which value lies at an address.

Up to four neighbouring channels share a word (8 bits) or lie in four (32 bits): one row each.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from max78000.facts import regmap
from max78000.facts.chip import Chip
from max78000.facts.regmap import locate_memory, quadrant_register_addr
from max78000.program.program import OutputMap
from max78000.program.strict_json import hex_word
from synthesis.emit.rows import Array
from synthesis.generate.unload import channel_runs

GATHERED_PIXELS = 4  # bytes that one read of the gather returns


@dataclass(frozen=True, slots=True)
class ChannelBlock:
    """Up to four neighbouring channels of an output: where they are and how to step.

    `control` is the address of the control register through which the bytes are gathered, 0 if
    software sorts them; `pointer` is then the gather's start address.
    """

    layer: int
    name: str
    addr: str
    n_pixels: int
    n_columns: int
    step_words: int
    first_channel: int
    first_lane: int
    n_lanes: int
    is_wide: int
    control: str = "0"
    pointer: str = "0"


def channel_blocks(outputs: Iterable[OutputMap]) -> Iterator[ChannelBlock]:
    """Blocks of the outputs, channel by channel."""
    # Quirk unload-places: a table, where the vendor's code goes by lane numbers.
    for output in outputs:
        group_bytes, lane_bytes = (16, 4) if output.width_bits == 32 else (4, 1)
        for run in channel_runs(output):
            addr = output.channel_addrs[run[0]]
            yield ChannelBlock(
                layer=output.layer,
                name=plain_name(output.name),
                addr=hex_word(addr - addr % group_bytes),
                n_pixels=output.shape[1] * output.shape[2],
                n_columns=output.shape[2],
                step_words=output.pixel_stride_bytes // 4,
                first_channel=run[0],
                first_lane=addr % group_bytes // lane_bytes,
                n_lanes=len(run),
                is_wide=int(output.width_bits == 32),
            )


def plain_name(name: str) -> str:
    """A layer's name that C comments and strings can hold."""
    return re.sub(r"[^\w .+-]", "_", name, flags=re.ASCII)


def places_array(outputs: Iterable[OutputMap]) -> Array:
    """The blocks of all outputs, by which a difference is named."""
    lines = [
        f"{{ {b.addr}, {b.n_pixels}, {b.n_columns}, {b.step_words}, {b.first_lane}, {b.n_lanes}, "
        f'{b.is_wide}, {b.layer}, {b.first_channel}, "{b.name}" }},'
        for b in channel_blocks(outputs)
    ]
    return Array("SAMPLE_PLACES", tuple(lines))


# -- byte gather -----------------------------------------------------------------------------------


def gather_problem(output: OutputMap) -> str:
    """Why an output's bytes are sorted by software (rule O7); empty if the gather can do it."""
    n_pixels = output.shape[1] * output.shape[2]
    if output.width_bits == 32:
        return "its values have 32 bits"
    if n_pixels % GATHERED_PIXELS:
        return f"{n_pixels} pixels are no multiple of {GATHERED_PIXELS}"
    if output.pixel_stride_bytes != GATHERED_PIXELS:
        return f"its pixels are {output.pixel_stride_bytes // 4} words apart, the gather needs 1"
    return ""


def gathered_blocks(output: OutputMap, chip: Chip) -> Iterator[ChannelBlock]:
    """Like `channel_blocks`, with the gather if it can be used."""
    can_gather = not gather_problem(output)
    for block in channel_blocks([output]):
        yield _gathered(block, chip) if can_gather else block


def _gathered(block: ChannelBlock, chip: Chip) -> ChannelBlock:
    place = locate_memory(chip, int(block.addr, 16))
    assert place is not None
    quadrant = place.bank // (chip.n_instances // chip.n_quadrants)
    pointer = regmap.WPTR_BASE.pack(instance=place.bank, word=place.byte // 4)
    return replace(
        block,
        control=hex_word(quadrant_register_addr(chip, regmap.CTL, quadrant)),
        pointer=hex_word(pointer),
    )
