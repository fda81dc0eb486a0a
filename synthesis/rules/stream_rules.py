"""Rules of FIFO input and streaming layers. Ids as in `graph_rules`."""

from collections.abc import Iterator

from max78000.errors import CapacityError, InputError
from max78000.facts.chip import WORD_BYTES, Chip
from synthesis.graph.ir import Graph, Producer
from synthesis.lower.hardware import row_buffer_entries
from synthesis.place.fifo import fed_processors, grouped_processors, lanes_of
from synthesis.place.place import Placement
from synthesis.place.placed import PlacedLayer, members
from synthesis.place.stream import frame_words, stream_of
from synthesis.read.description import DataFormat, Operator
from synthesis.read.source import InputPath
from synthesis.rules.rule import Finding, Rule, placed_layer_rule, placement_rule


@placement_rule("S1", InputError)
def needs_fifo(placement: Placement, graph: Graph) -> Iterator[Finding]:
    """A streaming first layer is fed by the FIFOs."""
    if graph.n_streaming and not graph.input_path.is_fifo:
        first = placement.layers[0].layer
        yield Finding("streams without FIFO", where=first.where, fix="give --fifo")


@placed_layer_rule("S2")
def is_prefix(placed: PlacedLayer) -> Iterator[Finding]:
    """Streaming layers come first: once a layer does not stream, no later one does."""
    layer = placed.layer
    if layer.index > 0 and layer.is_streaming and not layer.follows_streaming:
        yield Finding("streams behind a layer that does not", fix="remove streaming")


@placement_rule("S3", CapacityError, can_be_allowed=True)
def how_many(placement: Placement, graph: Graph, chip: Chip) -> Iterator[Finding]:
    """At most {chip.max_streaming:word} layers stream: there are {chip.max_streaming:word} sets of
    stream registers.
    """
    n, limit = graph.n_streaming, chip.max_streaming
    if n > limit:
        where = placement.layers[limit].layer.where
        fix = "remove streaming from the last ones"
        yield Finding(f"{n} streaming layers of {limit}", where=where, fix=fix)


@placed_layer_rule("S5")
def last_padding(placed: PlacedLayer, graph: Graph) -> Iterator[Finding]:
    """The last streaming layer has padding in both directions: it ends the frame."""
    is_last = placed.layer.index == graph.n_streaming - 1
    if is_last and min(placed.hardware.pad) == 0:
        fix = "give pad: 1, or let the next layer stream too"
        yield Finding("last streaming layer without padding", fix=fix)


@placed_layer_rule("S6")
def widened_padding(placed: PlacedLayer) -> Iterator[Finding]:
    """1x1 kernels in or right behind a streaming group run as 3x3; they have pad 0."""
    is_widened = placed.hardware.kernel_size != placed.layer.kernel_size
    if is_widened and placed.layer.op is Operator.CONV2D and max(placed.layer.pad):
        yield Finding("1x1 kernel with padding", fix="give pad: 0")


@placed_layer_rule("S7", None)
def with_bias(placed: PlacedLayer) -> Iterator[Finding]:
    """The vendor warns that biases of streaming layers may not work on silicon."""
    if placed.layer.is_streaming and placed.bias_slot is not None:
        yield Finding("streams with a bias", fix="train it without bias")


@placed_layer_rule("S8")
def fifo_processors(placed: PlacedLayer, graph: Graph, chip: Chip) -> Iterator[Finding]:
    """FIFO f feeds processors
    {chip.processors_per_quadrant}f..{chip.processors_per_quadrant}f+3 (HWC)
    or {chip.processors_per_quadrant}f (CHW): {chip.fifo_channels} or {chip.n_fifos} channels
    at most.
    """
    if placed.layer.index > 0 or not graph.input_path.is_fifo:
        return
    reachable = fed_processors(placed.data_format, chip)
    missed = placed.processors & ~reachable
    if missed:
        why = f"processors 0x{missed:016x} have no FIFO"
        yield Finding(why, fix=f"use processors of 0x{reachable:016x}")
    n, limit = placed.layer.in_shape.channels, reachable.bit_count()
    if n > limit:
        yield Finding(f"{n} channels, the FIFOs carry {limit}", fix="load the picture without FIFO")


@placed_layer_rule("S8a", can_be_allowed=True)
def full_lanes(placed: PlacedLayer, graph: Graph, chip: Chip) -> Iterator[Finding]:
    """HWC through the FIFOs: every quadrant but the last uses all
    {chip.processors_per_instance:word} processors.

    Words carry {chip.processors_per_instance:word} channels each in order, so with a gap some FIFOs
    would be switched on and never be fed; they run in lock step, so nothing would run. Of the fast
    FIFO it is not documented which byte reaches which quadrant: byte q reaching processor
    {chip.processors_per_quadrant}q is assumed.
    """
    is_hwc = placed.data_format is DataFormat.HWC
    if placed.layer.index > 0 or not graph.input_path.is_fifo or not is_hwc:
        return
    # Quirk fifo-lanes: one of the vendor's own test networks is of that kind.
    used = [lanes for f in range(chip.n_fifos) if (lanes := lanes_of(placed, f))]
    is_short = any(lanes != grouped_processors(chip) for lanes in used[:-1])
    if is_short or any(lanes & lanes + 1 for lanes in used[-1:]):
        firsts = range(0, chip.n_processors, chip.processors_per_quadrant)
        fed = [f"{first}..{first + chip.processors_per_instance - 1}" for first in firsts]
        why = f"processors 0x{placed.processors:016x} leave lanes of a FIFO empty"
        yield Finding(why, fix=f"fill processors {fed[0]} first, then {', '.join(fed[1:])}")


@placed_layer_rule("S9")
def fast_fifo(placed: PlacedLayer, graph: Graph, chip: Chip) -> Iterator[Finding]:
    """The fast FIFO carries one word at a time to a first layer that convolves, with 8-bit results.

    HWC: up to {chip.n_fifos:word} channels, on processors 0..{chip.processors_per_instance:last} or
    on 0, 16, 32, 48, from 0 on. CHW: one channel, on processor 0. Only the RISC-V core reaches it.
    """
    layer = placed.layer
    if layer.index > 0 or graph.input_path is not InputPath.FAST_FIFO:
        return
    n = layer.in_shape.channels
    limit = 1 if placed.data_format is DataFormat.CHW else chip.n_fifos
    if n > limit:
        yield Finding(f"{n} channels, the fast FIFO carries {limit}", fix="use --fifo")
        return
    runs = (grouped_processors(chip), fed_processors(DataFormat.CHW, chip))
    maps = [sum(1 << p for p in members(run)[:n]) for run in runs]
    if placed.processors not in maps:
        fix = f"use processors {' or '.join(f'0x{m:x}' for m in dict.fromkeys(maps))}"
        yield Finding(f"the fast FIFO does not feed 0x{placed.processors:x}", fix=fix)
    if layer.kernel is None:
        yield Finding("pass-through layer on the fast FIFO", fix="begin with a convolution")
    if layer.is_wide:
        why = f"{layer.output_width}-bit results of a layer on the fast FIFO"
        yield Finding(why, fix="use --fifo, or 8 bits")


@placed_layer_rule("S14")
def fifo_operands(placed: PlacedLayer, graph: Graph) -> Iterator[Finding]:
    """The FIFOs deliver one operand and one pass."""
    if placed.layer.index == 0 and graph.input_path.is_fifo and placed.layer.operands > 1:
        yield Finding("element-wise layer on FIFO input", fix="load without FIFO")


@placed_layer_rule("S12", CapacityError)
def counts(
    placed: PlacedLayer, placement: Placement, graph: Graph, chip: Chip
) -> Iterator[Finding]:
    """Start, step and ring counts of streaming and FIFO layers fit their register fields."""
    stream, layer = stream_of(placed, placement.placed_graph), placed.layer
    fields = (
        ("start count", stream.start, chip.stream_start_limit),
        ("step inside a row", stream.delta1, chip.stream_step_limit),
        ("step between rows", stream.delta2, chip.stream_row_step_limit),
        ("ring", stream.ring_words, chip.ring_limit),
    )
    # A first layer that waits for the whole frame is S15's.
    for what, value, limit in fields if layer.index > 0 or layer.is_streaming else ():
        if value >= limit:
            fix = "use a smaller picture or window"
            yield Finding(f"{what} {value}, limit {limit - 1}", fix=fix)
    limit = chip.fifo_frame_limit
    if layer.index == 0 and graph.input_path.is_fifo and frame_words(placed) >= limit:
        why = f"frame of {frame_words(placed)} words, limit {limit - 1}"
        yield Finding(why, fix="use a smaller picture")


@placed_layer_rule("S10", CapacityError)
def earlier_passes(placed: PlacedLayer, placement: Placement, chip: Chip) -> Iterator[Finding]:
    """The input passes of all earlier layers of a stream add up to less than
    {chip.stream_passes_limit}.
    """
    n, limit = stream_of(placed, placement.placed_graph).earlier_passes, chip.stream_passes_limit
    if n >= limit:
        yield Finding(
            f"{n} passes in the streaming layers before, limit {limit - 1}",
            fix=f"use {chip.n_processors} channels or fewer in the layers before, or let this one "
            "not stream",
        )


@placed_layer_rule("S15", CapacityError)
def whole_frame(placed: PlacedLayer, placement: Placement, chip: Chip) -> Iterator[Finding]:
    """A first layer behind the FIFOs that does not stream waits for fewer than
    2^{chip.stream_start_limit:bits} words.
    """
    start, limit = stream_of(placed, placement.placed_graph).start, chip.stream_start_limit
    if placed.layer.index == 0 and not placed.layer.is_streaming and start >= limit:
        yield Finding(
            f"start count {start}, limit {limit - 1}",
            fix="stream the layer, or use a smaller picture or window",
        )


@placed_layer_rule("S11", CapacityError)
def row_buffers(placed: PlacedLayer, placement: Placement, chip: Chip) -> Iterator[Finding]:
    """Row buffers of streaming layers lie one after the other in {chip.tram_words:,} entries."""
    start = stream_of(placed, placement.placed_graph).row_buffer_start
    entries = row_buffer_entries(placed.hardware, placed.layer.output_pad)
    end = start + entries * placed.in_passes.n
    if placed.layer.is_streaming and end > chip.tram_words:
        yield Finding(
            f"row buffers end at entry {end} of {chip.tram_words}",
            fix="use a narrower picture, or stream fewer layers",
        )


@placed_layer_rule("S13", CapacityError)
def ring_fits(placed: PlacedLayer, placement: Placement, chip: Chip) -> Iterator[Finding]:
    """The ring of a streaming layer ends inside its data memory instance."""
    end = placed.in_offset + WORD_BYTES * stream_of(placed, placement.placed_graph).ring_words
    if placed.layer.is_streaming and end >= chip.data_instance_bytes:
        why = f"ring ends at {end:#x}, an instance has {chip.data_instance_bytes:#x}"
        yield Finding(why, fix="lower in_offset")


@placed_layer_rule("S17", CapacityError, can_be_allowed=True)
def ring_window(
    placed: PlacedLayer, placement: Placement, graph: Graph, chip: Chip
) -> Iterator[Finding]:
    """The ring of a streaming layer holds a pooling window of all input passes.

    The vendor's formula for the ring hardly grows with the passes, and then gives too few words.
    """
    if not placed.layer.is_streaming or placed.data_format is DataFormat.CHW:
        return
    if not graph.input_path.is_fifo:  # S1's: there are no rings
        return
    # Quirk ring-passes: counted in positions, of all passes together.
    rows, columns = placed.layer.pool.window
    n_passes = placed.in_passes.n
    needed = n_passes * placed.layer.operands * ((rows - 1) * placed.hardware.in_dims[1] + columns)
    found = stream_of(placed, placement.placed_graph).ring_words
    if found < needed:
        words = f"{n_passes} passes of a pooling window have {needed}"
        yield Finding(
            f"ring of {found} words, {words}",
            fix=f"pool less, use {chip.n_processors} channels or fewer, or let it not stream",
        )


@placed_layer_rule("S16")
def passing_tensors(placed: PlacedLayer, graph: Graph) -> Iterator[Finding]:
    """What a streaming layer reads passes through a ring: no output, read by no other layer."""
    layer = placed.layer
    if layer.index >= graph.n_streaming:
        return
    source, fix = Producer.before(layer.index), f"let {layer.name} not stream"
    writer = graph.layer_of(source)
    name = "the input" if writer is None else writer.name
    for reader in graph.consumers(source):
        if reader.index != layer.index:
            why = f"reads {name}, which passes through a ring to {layer.name}"
            yield Finding(why, where=reader.where, fix=fix)
    if writer is not None and writer.is_output:
        why = f"is an output, but passes through a ring to {layer.name}"
        yield Finding(why, where=writer.where, fix=fix)


STREAM_RULES: tuple[Rule[Placement], ...] = (
    needs_fifo,
    is_prefix,
    how_many,
    last_padding,
    widened_padding,
    with_bias,
    fifo_processors,
    full_lanes,
    fast_fifo,
    earlier_passes,
    row_buffers,
    counts,
    ring_fits,
    fifo_operands,
    whole_frame,
    passing_tensors,
    ring_window,
)
