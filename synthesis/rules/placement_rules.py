"""Rules a placed network has to keep: processors, memories, overlaps. Ids as in `graph_rules`."""

from collections.abc import Iterator
from itertools import pairwise
from math import prod

from max78000.errors import CapacityError, InputError
from max78000.facts.chip import Chip
from synthesis.lower.hardware import Passes
from synthesis.place.occupancy import Occupancy, instances_of, may_overwrite, occupancies
from synthesis.place.place import Placement
from synthesis.place.placed import (
    INSTANCE_PROCESSORS,
    PlacedLayer,
    lowest,
    members,
    quadrant_map,
    quadrants_of,
)
from synthesis.place.processors import packed_map
from synthesis.read.description import BUFFER, INPUT, DataFormat
from synthesis.rules.advice import fit_data, fit_weights
from synthesis.rules.flow_rules import FLOW_RULES
from synthesis.rules.rule import Finding, Rule

MAX_STEP = 16


def input_processors(placement: Placement, _chip: Chip) -> Iterator[Finding]:
    """`processors` has one bit per input channel of a pass (before flattening)."""
    for placed in placement.graph.layers:
        yield from _count("processors", placed, placed.processors, placed.layer.in_shape.channels)


def output_processors(placement: Placement, _chip: Chip) -> Iterator[Finding]:
    """`output_processors` has one bit per output channel of a pass."""
    for placed in placement.graph.layers:
        n = placed.layer.out_shape.channels
        yield from _count("output_processors", placed, placed.output_processors, n)


def _count(key: str, placed: PlacedLayer, processors: int, n: int) -> Iterator[Finding]:
    passes = Passes.of(n)
    if processors.bit_count() != passes.width:
        rounds = f" in {passes.n} passes" if passes.n > 1 else ""
        yield Finding(
            f"{key} has {processors.bit_count()} bits, {n} channels{rounds} need {passes.width}",
            where=placed.layer.where,
            fix=f"use {key}: 0x{packed_map(passes.width):016x}, or check the sample's size",
        )


def chw_processors(placement: Placement, _chip: Chip) -> Iterator[Finding]:
    """CHW input has one processor per data memory instance: it delivers one byte stream.

    That stream is read once, in order: no second operand, no further pass, no flattening.
    """
    first = placement.graph.layers[0]
    if first.data_format is not DataFormat.CHW:
        return
    for placed in placement.graph.layers[1:]:
        if INPUT in placed.layer.sources:
            yield Finding(
                "reads a CHW input, which only the first layer can",
                where=placed.layer.where,
                fix="use data_format: HWC in the first layer",
            )
    if len(instances_of(first.processors)) != first.processors.bit_count():
        yield Finding(
            f"processors 0x{first.processors:016x} share data memories",
            where=first.layer.where,
            fix="use every fourth processor, or data_format: HWC",
        )
    if first.layer.operands > 1 or first.in_passes.n > 1 or first.flatten_product:
        yield Finding(
            "CHW with several operands, passes or pixels flattened",
            where=first.layer.where,
            fix="use data_format: HWC",
        )


def passthrough_processors(placement: Placement, _chip: Chip) -> Iterator[Finding]:
    """A pass-through layer packs each quadrant's channels: same count, no gaps, start at 4, 8, ...

    The registers tell the data memory where it starts, but no lane.
    """
    for placed in placement.graph.layers:
        if placed.has_convolution:
            continue
        for quadrant in range(4):
            inputs = quadrant_map(placed.processors, quadrant)
            outputs = quadrant_map(placed.output_processors, quadrant)
            first = max(0, lowest(outputs)) & -INSTANCE_PROCESSORS
            packed = packed_map(inputs.bit_count(), first)
            if outputs != packed and (inputs or outputs):
                yield Finding(
                    f"quadrant {quadrant}: inputs {inputs:#06x} become outputs {packed:#06x}, "
                    f"not {outputs:#06x}",
                    where=placed.layer.where,
                    fix=f"use {packed:#06x} there, or the same moved by {INSTANCE_PROCESSORS}",
                )


def even_spacing(placement: Placement, _chip: Chip) -> Iterator[Finding]:
    """A convolution's output processors are evenly spaced in each quadrant: one pointer steps."""
    for placed in placement.graph.layers:
        for quadrant in quadrants_of(placed.output_processors):
            lanes = members(quadrant_map(placed.output_processors, quadrant))
            if placed.has_convolution and len({b - a for a, b in pairwise(lanes)}) > 1:
                yield Finding(
                    f"output_processors {quadrant_map(placed.output_processors, quadrant):#06x} in "
                    f"quadrant {quadrant}",
                    where=placed.layer.where,
                    fix="use neighbouring processors",
                )


def narrow_lanes(placement: Placement, _chip: Chip) -> Iterator[Finding]:
    """Weights of less than 8 bits whose outputs do not start at processor 0, 4, 8, ...

    The vendor's generator packs them where its own known answer does not expect them.
    """
    for placed in placement.graph.layers:
        if placed.has_convolution and placed.bits < 8 and placed.lead:
            first = lowest(placed.output_processors)
            yield Finding(
                f"{placed.bits}-bit weights, outputs start at processor {first}",
                where=placed.layer.where,
                fix=f"let output_processors start at {first - placed.lead}",
            )


def alignment(placement: Placement, _chip: Chip) -> Iterator[Finding]:
    """Offsets are multiples of 4, and the last word has a 17-bit address."""
    for placed in placement.graph.layers:
        for key, offset in (("in_offset", placed.in_offset), ("out_offset", placed.out_offset)):
            if offset % 4:
                yield Finding(
                    f"{key} {offset:#x} is not a multiple of 4",
                    where=placed.layer.where,
                    fix=f"use {offset & ~3:#x}",
                )
        if placed.out_offset < placed.hardware.lead_bytes:
            yield Finding(
                f"out_offset {placed.out_offset:#x}, {placed.hardware.lead_bytes} bytes before "
                "it are written too",
                where=placed.layer.where,
                fix=f"use {placed.hardware.lead_bytes:#x} or more",
            )


def write_step(placement: Placement, _chip: Chip) -> Iterator[Finding]:
    """Output passes times (write_gap + 1) is at most 16, for pass-through layers write_gap 15."""
    for placed in placement.graph.layers:
        passes = placed.out_passes.n if placed.has_convolution else 1
        step = passes * (placed.write_gap + 1)
        if step > MAX_STEP:
            yield Finding(
                f"write step {step}, limit {MAX_STEP}",
                where=placed.layer.where,
                fix="reduce write_gap",
            )


def input_fits(placement: Placement, chip: Chip) -> Iterator[Finding]:
    """A layer's input lies inside the 32 KiB of a data memory instance, unless it streams."""
    for placed in placement.graph.layers:
        if placed.layer.is_streaming:
            continue
        unit = 1 if placed.data_format is DataFormat.CHW else 4
        n_words = placed.in_passes.n * placed.layer.operands
        size = prod(placed.hardware.in_dims) * n_words * unit
        if placed.in_offset + size > chip.data_instance_bytes:
            yield Finding(
                f"input {placed.layer.in_shape} needs {size} bytes from {placed.in_offset:#x}, an "
                f"instance has {chip.data_instance_bytes}",
                where=placed.layer.where,
                fix=fit_data("in_offset", size, placed.layer.in_shape.n_pixels, chip),
            )


def output_fits(placement: Placement, chip: Chip) -> Iterator[Finding]:
    """A layer's output lies inside the 32 KiB of an instance, unless it is read in a stream."""
    for placed in placement.graph.layers:
        layer = placed.layer
        if layer.index + 1 < placement.graph.graph.n_streaming:
            continue
        n_pixels = layer.out_shape.n_pixels + placed.hardware.extra_pixels
        size = 4 * n_pixels * placed.out_passes.n * (layer.output_width // 8)
        end = placed.out_offset + (size - 4) * (placed.write_gap + 1) + 4
        if end > chip.data_instance_bytes:
            yield Finding(
                f"output {layer.out_shape} of {layer.output_width} bits needs {size} bytes from "
                f"{placed.out_offset:#x}, an instance has {chip.data_instance_bytes}",
                where=layer.where,
                fix=fit_data("out_offset", size, layer.out_shape.n_pixels, chip),
            )


def overwritten_input(placement: Placement, chip: Chip) -> Iterator[Finding]:
    """No layer overwrites a tensor that is still to be read."""
    for word, earlier, later in _clashes(placement, chip):
        if not _stays(earlier, placement):
            reader = placement.graph.layers[earlier.last].layer
            yield _overwrites(word, earlier, later, placement, f"before {reader.name} has read it")


def overwritten_output(placement: Placement, chip: Chip) -> Iterator[Finding]:
    """No layer overwrites an output, which is unloaded at the end, nor the rolling buffer."""
    for word, earlier, later in _clashes(placement, chip):
        if earlier.source == BUFFER:
            use = "which has to last until the next inference"
            yield _overwrites(word, earlier, later, placement, use)
        elif _stays(earlier, placement):
            yield _overwrites(word, earlier, later, placement, "before it is unloaded")


def _clashes(placement: Placement, chip: Chip) -> Iterator[tuple[int, Occupancy, Occupancy]]:
    """A common word of every two tensors that are in each other's way."""
    tensors = list(occupancies(placement.graph, chip))
    for i, later in enumerate(tensors):
        for earlier in tensors[:i]:
            word = earlier.clash(later)
            if word is not None and not may_overwrite(placement.graph, earlier, later):
                yield word, earlier, later


def _stays(tensor: Occupancy, placement: Placement) -> bool:
    return tensor.last >= len(placement.graph.layers)


def _overwrites(
    word: int, earlier: Occupancy, later: Occupancy, placement: Placement, use: str
) -> Finding:
    layer = placement.graph.layers[max(later.source, 0)].layer
    what = "the input" if later.source == INPUT else "its output"
    return Finding(
        f"{what} overwrites {earlier.name} at byte {4 * word:#x} of a data memory, {use}",
        where=layer.where,
        fix="move out_offset to the other half (0x4000), or use other processors",
    )


def kernel_memory(placement: Placement, chip: Chip) -> Iterator[Finding]:
    """Every processor holds 768 words of nine bytes; a layer takes the same words in all of its
    own.
    """
    ends = placement.kernels.is_used.shape[1]
    if ends <= chip.kernel_words:
        return
    used = placement.kernels.is_used.sum(axis=1)
    busiest = int(used.argmax())
    over = [
        placed
        for placed in placement.graph.layers
        if placed.kernel_slot is not None
        and placed.kernel_slot.first_word + placed.kernel_slot.n_words > chip.kernel_words
    ]
    total = int(used.sum()) * chip.kernel_word_bytes
    yield Finding(
        f"weights need {total:,} bytes of {chip.weight_bytes:,}; processor {busiest} needs "
        f"{max(int(used[busiest]), ends)} of {chip.kernel_words} kernel words; first layer that "
        f"does not fit: {over[0].layer.name}",
        where=over[0].layer.where,
        fix=fit_weights(placement, chip),
    )


def bias_memory(placement: Placement, chip: Chip) -> Iterator[Finding]:
    """Each quadrant holds 512 bias bytes; a layer's biases lie in one quadrant."""
    for quadrant, contents in enumerate(placement.biases.contents):
        if len(contents) > chip.bias_bytes_per_quadrant:
            yield Finding(
                f"biases need {len(contents)} bytes of {chip.bias_bytes_per_quadrant} in quadrant "
                f"{quadrant}",
                where=placement.graph.graph.source,
                fix="train the widest layers without bias, or spread them with bias_group",
            )


def bias_groups(placement: Placement, _chip: Chip) -> Iterator[Finding]:
    """`bias_group` names quadrants that the network uses."""
    used = placement.graph.quadrants
    for placed in placement.graph.layers:
        unused = set(placed.layer.wishes.bias_group or ()) - set(used)
        if unused:
            yield Finding(
                f"bias_group {sorted(unused)} is not in use",
                where=placed.layer.where,
                fix=f"use {', '.join(map(str, used))}",
            )


def mask_counter(placement: Placement, chip: Chip) -> Iterator[Finding]:
    """Kernel positions fit the 16-bit mask counters."""
    for placed in placement.graph.layers:
        slot = placed.kernel_slot
        if slot is None or slot.first_word + slot.n_words > chip.kernel_words:
            continue  # without weights, or refused by C12
        start = 9 * slot.first_word // placed.hardware.n_taps
        end = 8 * start + (slot.count - 1) * placed.bits
        if end >= 1 << 16:
            yield Finding(
                f"kernel position {end}, limit 65535", where=placed.layer.where, fix="split it"
            )


def master_quadrant(placement: Placement, _chip: Chip) -> Iterator[Finding]:
    """Quadrant 0 runs the others, so some layer has to use it."""
    if 0 not in placement.graph.quadrants:
        yield Finding(
            "no layer uses processors 0..15",
            where=placement.graph.layers[0].layer.where,
            fix="move a layer to quadrant 0",
        )


PLACEMENT_RULES: tuple[Rule[Placement], ...] = (
    Rule("P2", input_processors, InputError),
    Rule("P3", output_processors, InputError),
    Rule("P5", chw_processors),
    Rule("P6", passthrough_processors),
    Rule("P11", narrow_lanes, None),
    Rule("P12", even_spacing, can_be_allowed=True),
    *FLOW_RULES,
    Rule("D4", alignment, InputError),
    Rule("D5", input_fits, CapacityError),
    Rule("D6", output_fits, CapacityError),
    Rule("D7", overwritten_input, CapacityError, can_be_allowed=True),
    Rule("D8", overwritten_output, CapacityError, can_be_allowed=True),
    Rule("D11", write_step, CapacityError),
    Rule("C12", kernel_memory, CapacityError),
    Rule("C14", bias_memory, CapacityError),
    Rule("C15", bias_groups, InputError),
    Rule("C22", mask_counter, CapacityError),
    Rule("G17", master_quadrant),
)
