"""Rules a placed network has to keep: processors, memories, overlaps. Ids as in `graph_rules`."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import prod

from max78000.errors import CapacityError, InputError
from max78000.facts.chip import WORD_BYTES, Chip
from max78000.facts.fixed import DATA_BITS
from synthesis.graph.ir import BUFFER, INPUT, Graph
from synthesis.lower.hardware import Passes
from synthesis.place.occupancy import Occupancy, may_overwrite, occupancies
from synthesis.place.place import Placement
from synthesis.place.placed import (
    PlacedLayer,
    instances_of,
    lowest,
    members,
    packed_map,
    quadrant_map,
    quadrants_of,
)
from synthesis.place.weights import largest_kernels
from synthesis.read.description import DataFormat
from synthesis.rules.advice import fit_data
from synthesis.rules.flow_rules import FLOW_RULES
from synthesis.rules.rule import Finding, Rule, placed_layer_rule, placement_rule

N_LISTED = 4  # layers that a message names


@placed_layer_rule("P2", InputError)
def input_processors(placed: PlacedLayer, chip: Chip) -> Iterator[Finding]:
    """`processors` has one bit per input channel of a pass (before flattening)."""
    yield from _count("processors", placed.processors, placed.layer.in_shape.channels, chip)


@placed_layer_rule("P3", InputError)
def output_processors(placed: PlacedLayer, chip: Chip) -> Iterator[Finding]:
    """`output_processors` has one bit per output channel of a pass."""
    n = placed.layer.out_shape.channels
    yield from _count("output_processors", placed.output_processors, n, chip)


def _count(key: str, processors: int, n: int, chip: Chip) -> Iterator[Finding]:
    passes = Passes.of(n, chip)
    if processors.bit_count() != passes.width:
        rounds = f" in {passes.n} passes" if passes.n > 1 else ""
        yield Finding(
            f"{key} has {processors.bit_count()} bits, {n} channels{rounds} need {passes.width}",
            fix=f"use {key}: 0x{packed_map(passes.width):016x}, or check the sample's size",
        )


@placed_layer_rule("P5")
def chw_processors(placed: PlacedLayer, placement: Placement, chip: Chip) -> Iterator[Finding]:
    """CHW input has one processor per data memory instance: it delivers one byte stream.

    That stream is read once, in order: no second operand, no further pass, no flattening.
    """
    first = placement.layers[0]
    if first.data_format is not DataFormat.CHW or INPUT not in placed.layer.sources:
        return
    if placed is not first:
        why = "reads a CHW input, which only the first layer can"
        yield Finding(why, fix="use data_format: HWC in the first layer")
        return
    if len(instances_of(first.processors, chip)) != first.processors.bit_count():
        why = f"processors 0x{first.processors:016x} share data memories"
        yield Finding(why, fix="use every fourth processor, or data_format: HWC")
    if first.layer.operands > 1 or first.in_passes.n > 1 or first.flatten_product:
        why = "CHW with several operands, passes or pixels flattened"
        yield Finding(why, fix="use data_format: HWC")


@placed_layer_rule("P6")
def passthrough_processors(placed: PlacedLayer, chip: Chip) -> Iterator[Finding]:
    """A pass-through layer packs each quadrant's channels: same count, no gaps, start at 4, 8, ...

    The registers tell the data memory where it starts, but no lane.
    """
    if placed.has_convolution:
        return
    step = chip.processors_per_instance
    for quadrant in range(chip.n_quadrants):
        inputs = quadrant_map(placed.processors, quadrant, chip)
        outputs = quadrant_map(placed.output_processors, quadrant, chip)
        packed = packed_map(inputs.bit_count(), max(0, lowest(outputs)) & -step)
        if outputs != packed and (inputs or outputs):
            yield Finding(
                f"quadrant {quadrant}: inputs {inputs:#06x} become outputs {packed:#06x}, "
                f"not {outputs:#06x}",
                fix=f"use {packed:#06x} there, or the same moved by {step}",
            )


@placed_layer_rule("P11", None)
def narrow_lanes(placed: PlacedLayer) -> Iterator[Finding]:
    """Weights of less than 8 bits whose outputs do not start at processor 0, 4, 8, ...

    The vendor's generator packs them where its own known answer does not expect them.
    """
    if placed.has_convolution and placed.bits < DATA_BITS and placed.lead:
        first = lowest(placed.output_processors)
        why = f"{placed.bits}-bit weights, outputs start at processor {first}"
        yield Finding(why, fix=f"let output_processors start at {first - placed.lead}")


@placed_layer_rule("P12", can_be_allowed=True)
def even_spacing(placed: PlacedLayer, chip: Chip) -> Iterator[Finding]:
    """A convolution's output processors are evenly spaced in each quadrant: one pointer steps."""
    for quadrant in quadrants_of(placed.output_processors, chip):
        outputs = quadrant_map(placed.output_processors, quadrant, chip)
        gaps = {b - a for a, b in pairwise(members(outputs))}
        if placed.has_convolution and len(gaps) > 1:
            why = f"output_processors {outputs:#06x} in quadrant {quadrant}"
            yield Finding(why, fix="use neighbouring processors")


@placed_layer_rule("D4", InputError)
def alignment(placed: PlacedLayer) -> Iterator[Finding]:
    """Offsets are multiples of 4, and the last word has a {chip.data_words:bits}-bit address."""
    for key, offset in (("in_offset", placed.in_offset), ("out_offset", placed.out_offset)):
        if offset % WORD_BYTES:
            why = f"{key} {offset:#x} is not a multiple of {WORD_BYTES}"
            yield Finding(why, fix=f"use {offset & -WORD_BYTES:#x}")
    lead = placed.hardware.lead_bytes
    if placed.out_offset < lead:
        why = f"out_offset {placed.out_offset:#x}, {lead} bytes before it are written too"
        yield Finding(why, fix=f"use {lead:#x} or more")


@placed_layer_rule("D11", CapacityError)
def write_step(placed: PlacedLayer, chip: Chip) -> Iterator[Finding]:
    """Output passes times (write_gap + 1) is at most {chip.max_write_step}, for pass-through layers
    write_gap {chip.max_write_step:last}.
    """
    passes = placed.out_passes.n if placed.has_convolution else 1
    step = passes * (placed.write_gap + 1)
    if step > chip.max_write_step:
        yield Finding(f"write step {step}, limit {chip.max_write_step}", fix="reduce write_gap")


@placed_layer_rule("D5", CapacityError)
def input_fits(placed: PlacedLayer, placement: Placement, chip: Chip) -> Iterator[Finding]:
    """A layer's input lies inside the {chip.data_instance_bytes:KiB} of a data memory instance,
    unless it streams.
    """
    if placed.layer.is_streaming:
        return
    shape = placed.layer.in_shape
    unit = 1 if placed.data_format is DataFormat.CHW else WORD_BYTES
    n_words = placed.in_passes.n * placed.layer.operands
    size = prod(placed.hardware.in_dims) * n_words * unit
    if placed.in_offset + size > chip.data_instance_bytes:
        # Where a layer reads is for those to change who write there.
        names = [one.layer.name for one in placement.placed_graph.writers(placed)]
        key = f"out_offset of {', '.join(names)}" if names else "in_offset"
        yield Finding(
            f"input {shape} needs {size} bytes from {placed.in_offset:#x}, an instance has "
            f"{chip.data_instance_bytes}",
            fix=fit_data(key, size, shape.n_pixels, chip),
        )


@placed_layer_rule("D6", CapacityError)
def output_fits(placed: PlacedLayer, graph: Graph, chip: Chip) -> Iterator[Finding]:
    """A layer's output lies inside the {chip.data_instance_bytes:KiB} of an instance, unless it is
    read in a stream.
    """
    layer = placed.layer
    if layer.index + 1 < graph.n_streaming:
        return
    n_pixels = layer.out_shape.n_pixels + placed.hardware.extra_pixels
    size = WORD_BYTES * n_pixels * placed.out_passes.n * (layer.output_width // DATA_BITS)
    end = placed.out_offset + (size - WORD_BYTES) * (placed.write_gap + 1) + WORD_BYTES
    if end > chip.data_instance_bytes:
        yield Finding(
            f"output {layer.out_shape} of {layer.output_width} bits needs {size} bytes from "
            f"{placed.out_offset:#x}, an instance has {chip.data_instance_bytes}",
            fix=fit_data("out_offset", size, layer.out_shape.n_pixels, chip, is_wide=layer.is_wide),
        )


@placement_rule("D7", CapacityError, can_be_allowed=True)
def overwritten_input(placement: Placement, chip: Chip) -> Iterator[Finding]:
    """No layer overwrites a tensor that is still to be read.

    Its own input it may overwrite behind what is still to be read, if the place is chosen here, or
    if the input came through the FIFOs or from a streaming layer.
    """
    for clash in _clashes(placement, chip):
        if not _stays(clash.earlier, placement):
            reader = placement.layers[clash.earlier.last].layer
            yield _overwrites(clash, f"before {reader.name} has read it", placement, chip)


@placement_rule("D8", CapacityError, can_be_allowed=True)
def overwritten_output(placement: Placement, chip: Chip) -> Iterator[Finding]:
    """No layer overwrites an output, which is unloaded at the end, nor the rolling buffer."""
    for clash in _clashes(placement, chip):
        if clash.earlier.source == BUFFER:
            use = "which has to last until the next inference"
            yield _overwrites(clash, use, placement, chip)
        elif _stays(clash.earlier, placement):
            yield _overwrites(clash, "before it is unloaded", placement, chip)


@dataclass(frozen=True, slots=True)
class _Clash:
    """Two tensors in each other's way, and a word that both take."""

    word: int
    earlier: Occupancy
    later: Occupancy


def _clashes(placement: Placement, chip: Chip) -> Iterator[_Clash]:
    tensors = list(occupancies(placement.placed_graph, chip))
    for i, later in enumerate(tensors):
        for earlier in tensors[:i]:
            word = earlier.clash(later)
            if word is not None and not may_overwrite(placement.placed_graph, earlier, later):
                yield _Clash(word, earlier, later)


def _stays(tensor: Occupancy, placement: Placement) -> bool:
    return tensor.last >= len(placement.layers)


def _overwrites(clash: _Clash, use: str, placement: Placement, chip: Chip) -> Finding:
    writer = placement.placed_graph.layer_of(clash.later.source)
    what = "the input" if writer is None else "its output"
    place = f"at byte {WORD_BYTES * clash.word:#x} of a data memory"
    half = chip.data_instance_bytes // 2
    return Finding(
        f"{what} overwrites {clash.earlier.name} {place}, {use}",
        where=(writer or placement.layers[0]).layer.where,
        fix=f"move out_offset to the other half ({half:#x}), or use other processors",
    )


@placement_rule("C12", CapacityError)
def kernel_memory(placement: Placement, chip: Chip) -> Iterator[Finding]:
    """Every processor holds {chip.kernel_words} words of {chip.kernel_word_bytes:word} bytes; a
    layer takes the same words in all of its own.
    """
    ends = placement.kernels.is_used.shape[1]
    if ends <= chip.kernel_words:
        return
    used = placement.kernels.is_used.sum(axis=1)
    busiest = int(used.argmax())
    total = int(used.sum()) * chip.kernel_word_bytes
    there = largest_kernels(placement.layers, busiest)
    listed = [f"{placed.layer.name} {n_words}" for placed, n_words in there[:N_LISTED]]
    if len(there) > N_LISTED:
        n_words = sum(n_words for _, n_words in there[N_LISTED:])
        listed.append(f"{len(there) - N_LISTED} others {n_words}")
    yield Finding(
        f"weights need {total:,} bytes of {chip.weight_bytes:,}; processor {busiest} needs "
        f"{max(int(used[busiest]), ends)} of {chip.kernel_words} kernel words: {', '.join(listed)}",
        where=there[0][0].layer.where,
        fix="use narrower weights, fewer channels or fewer layers",
    )


@placement_rule("C14", CapacityError)
def bias_memory(placement: Placement, chip: Chip) -> Iterator[Finding]:
    """Each quadrant holds {chip.bias_bytes_per_quadrant} bias bytes; a layer's biases lie in one
    quadrant.
    """
    limit = chip.bias_bytes_per_quadrant
    for quadrant, end in enumerate(placement.biases.ends):
        if end > limit:
            yield Finding(
                f"biases need {end} bytes of {limit} in quadrant {quadrant}",
                fix="train the widest layers without bias, or spread them with bias_group",
            )


@placed_layer_rule("C15", InputError)
def bias_groups(placed: PlacedLayer, placement: Placement) -> Iterator[Finding]:
    """`bias_group` names quadrants that the network uses."""
    used = placement.placed_graph.quadrants
    unused = set(placed.layer.constraints.bias_group or ()) - set(used)
    if unused:
        why = f"bias_group {sorted(unused)} is not in use"
        yield Finding(why, fix=f"use {', '.join(map(str, used))}")


@placed_layer_rule("C22", CapacityError)
def mask_counter(placed: PlacedLayer, chip: Chip) -> Iterator[Finding]:
    """Kernel positions fit the {chip.mask_limit:bits}-bit mask counters."""
    slot = placed.kernel_slot
    if slot is None or slot.end > chip.kernel_words:
        return  # without weights, or refused by C12
    start = chip.kernel_word_bytes * slot.first_word // placed.hardware.n_taps
    end = DATA_BITS * start + (slot.count - 1) * placed.bits
    if end >= chip.mask_limit:
        yield Finding(f"kernel position {end}, limit {chip.mask_limit - 1}", fix="split it")


@placement_rule("G17")
def master_quadrant(placement: Placement, chip: Chip) -> Iterator[Finding]:
    """Quadrant 0 runs the others, so some layer has to use it."""
    if 0 not in placement.placed_graph.quadrants:
        yield Finding(
            f"no layer uses processors 0..{chip.processors_per_quadrant - 1}",
            where=placement.layers[0].layer.where,
            fix="move a layer to quadrant 0",
        )


PLACEMENT_RULES: tuple[Rule[Placement], ...] = (
    input_processors,
    output_processors,
    chw_processors,
    passthrough_processors,
    narrow_lanes,
    even_spacing,
    *FLOW_RULES,
    alignment,
    input_fits,
    output_fits,
    overwritten_input,
    overwritten_output,
    write_step,
    kernel_memory,
    bias_memory,
    bias_groups,
    mask_counter,
    master_quadrant,
)
