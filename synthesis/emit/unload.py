"""The unload buffer's layout -> rows of the C that fills it: a table of blocks, a call an output.

Where values lie in data memory is `places`' work, where they go the layout's.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from max78000.facts import regmap
from max78000.facts.chip import Chip
from max78000.facts.fixed import DATA_BITS
from max78000.facts.regmap import layer_register_addr, quadrant_register_addr
from max78000.program.strict_json import hex_word
from synthesis.emit.places import (
    ChannelBlock,
    channel_blocks,
    gather_problem,
    gathered_blocks,
    plain_name,
)
from synthesis.generate.unload import UnloadLayout, UnloadPart
from synthesis.graph.ir import Graph
from synthesis.graph.scales import final_scale


@dataclass(frozen=True, slots=True)
class UnloadRow:
    """One output as C has it: its blocks of the table, and the part of the buffer that they fill.

    `element` is the C type of its values, `function` the one that stores them.
    """

    name: str
    shape: str
    offset_words: int
    element: str
    function: str
    scale: int
    blocks: tuple[ChannelBlock, ...]
    first_block: int


def unload_rows(layout: UnloadLayout, chip: Chip, *, gathers: bool) -> Iterator[UnloadRow]:
    """Rows of the outputs; `gathers`: with the accelerator's byte gather where it can be used."""
    n_blocks = 0
    for part in layout.parts:
        found = gathered_blocks(part.output, chip) if gathers else channel_blocks([part.output])
        blocks = tuple(found)
        yield UnloadRow(
            name=plain_name(part.output.name),
            shape="x".join(map(str, part.output.shape)),
            offset_words=part.offset_words,
            element=f"int{part.element_bits}_t",
            function=_function(part),
            scale=part.scale,
            blocks=blocks,
            first_block=n_blocks,
        )
        n_blocks += len(blocks)


def _function(part: UnloadPart) -> str:
    return "unload_words" if part.is_wide else f"unload_bytes_to_{part.element_bits}"


def unload_context(layout: UnloadLayout, chip: Chip, *, gathers: bool) -> dict[str, Any]:
    """What the templates of `cnn_unload` name."""
    gathers = gathers and not all(map(gather_problem, layout.outputs))
    rows = tuple(unload_rows(layout, chip, gathers=gathers))
    is_wide = all(part.is_wide for part in layout.parts)
    narrow = {part.element_bits for part in layout.parts if not part.is_wide}
    return {
        "unload": rows,
        "num_outputs": layout.n_values,
        "unload_words": layout.n_words,
        "has_wide_outputs_only": is_wide,
        "out_buf": "out_buf" if is_wide else "out_buf32",
        "ml_data": "ml_data" if is_wide else "ml_data32",
        "has_wide_outputs": any(part.is_wide for part in layout.parts),
        "scales": any(part.scale for part in layout.parts),
        "byte_elements": sorted(narrow),
        "gathers_bytes": gathers,
        "gather": _gather(chip),
    }


def softmax_context(layout: UnloadLayout, shift: int | None) -> dict[str, Any] | None:
    """The function for a soft-max of the only output, and its argument; None without one.

    Bytes as they are count as whole powers of two, as in the vendor's library; scaled ones by what
    they mean, 128 being 1.0.
    """
    if shift is None:
        return None
    (part,) = layout.parts
    element = f"int{part.element_bits}_t"
    is_scaled_bytes = not part.is_wide and part.scale != 0
    if part.is_wide:
        function = "softmax_shift_q17p14_q15" if shift else "softmax_q17p14_q15"
    elif is_scaled_bytes:
        function = f"softmax_q{part.element_bits - DATA_BITS}p7_q15"
    else:
        function = "softmax_q7_q15"
    return {
        "function": function,
        "element": element,
        "argument": "q31_t" if part.is_wide else f"const {element}",
        "shift": shift if part.is_wide else 0,
        "is_scaled_bytes": is_scaled_bytes,
    }


def scales_note(graph: Graph, *, is_applied: bool) -> tuple[str, ...]:
    """Say in C which outputs have a final scale; nothing where none has, as in v1 networks."""
    scales = {layer.index: final_scale(layer, graph) for layer in graph.outputs}
    if not any(scales.values()):
        return ()
    how = "multiplies by" if is_applied else "does not multiply by"
    listed = ", ".join(f"{index}: {scale}" for index, scale in scales.items())
    return (
        f"Final scales of outputs, by layer: {{{listed}}}",
        f"cnn_unload() {how} two to the power of these. The known answer is not scaled.",
    )


def _gather(chip: Chip) -> dict[str, Any]:
    """Registers of the byte gather."""
    control = quadrant_register_addr(chip, regmap.CTL, 0)
    offsets = {
        "pointer_offset": layer_register_addr(chip, regmap.WPTR_BASE, 0, 0) - control,
        "step_offset": layer_register_addr(chip, regmap.LCTL2, 0, 0) - control,
        "data_offset": quadrant_register_addr(chip, regmap.MLAT, 0) - control,
    }
    return {
        **{name: f"0x{offset:x}" for name, offset in offsets.items()},
        "on": hex_word(regmap.CTL.pack(clk_en=1, mlat_ld=1)),
        "off": hex_word(regmap.CTL.pack(clk_en=1)),
        "running": hex_word(regmap.CTL.pack(cnn_irq=1, cnn_en=1)),
        "lane_lsb": regmap.CTL.field("mlatch_sel").lsb,
    }
