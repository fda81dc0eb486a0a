"""Rules of FIFO input and streaming layers. Ids as in `graph_rules`."""

from collections.abc import Iterator, Mapping

from max78000.errors import CapacityError, InputError
from max78000.facts import regmap
from max78000.facts.chip import Chip
from synthesis.lower.hardware import row_buffer_entries
from synthesis.place.fifo import (
    CHW_PROCESSORS,
    GROUP_PROCESSORS,
    HWC_PROCESSORS,
    N_FIFOS,
    lanes_of,
)
from synthesis.place.place import Placement
from synthesis.place.placed import PlacedGraph, PlacedLayer, members
from synthesis.place.stream import Stream, frame_words, stream_of
from synthesis.read.description import INPUT, DataFormat, Operator
from synthesis.read.source import InputPath
from synthesis.rules.rule import Finding, Rule

MAX_STREAMING = 8
START_LIMIT = regmap.STREAM1.field("start").limit
MAX_CHANNELS: Mapping[DataFormat, int] = {DataFormat.HWC: 4 * N_FIFOS, DataFormat.CHW: N_FIFOS}


def needs_fifo(placement: Placement, _chip: Chip) -> Iterator[Finding]:
    """A streaming first layer is fed by the FIFOs."""
    graph = placement.graph.graph
    if graph.n_streaming and not graph.input_path.is_fifo:
        yield Finding("streams without FIFO", where=graph.layers[0].where, fix="give --fifo")


def is_prefix(placement: Placement, _chip: Chip) -> Iterator[Finding]:
    """Streaming layers come first: once a layer does not stream, no later one does."""
    graph = placement.graph.graph
    for layer in graph.layers[1:]:
        if layer.is_streaming and not layer.follows_streaming:
            yield Finding(
                "streams behind a layer that does not", where=layer.where, fix="remove streaming"
            )


def how_many(placement: Placement, _chip: Chip) -> Iterator[Finding]:
    """At most eight layers stream: there are eight sets of stream registers."""
    graph = placement.graph.graph
    if graph.n_streaming > MAX_STREAMING:
        yield Finding(
            f"{graph.n_streaming} streaming layers of {MAX_STREAMING}",
            where=graph.layers[MAX_STREAMING].where,
            fix="remove streaming from the last ones",
        )


def last_padding(placement: Placement, _chip: Chip) -> Iterator[Finding]:
    """The last streaming layer has padding in both directions: it ends the frame."""
    n = placement.graph.graph.n_streaming
    if n and min(placement.graph.layers[n - 1].hardware.pad) == 0:
        yield Finding(
            "last streaming layer without padding",
            where=placement.graph.layers[n - 1].layer.where,
            fix="give pad: 1, or let the next layer stream too",
        )


def widened_padding(placement: Placement, _chip: Chip) -> Iterator[Finding]:
    """1x1 kernels in or right behind a streaming group run as 3x3; they have pad 0."""
    for placed in placement.graph.layers:
        is_widened = placed.hardware.kernel_size != placed.layer.kernel_size
        if is_widened and placed.layer.op is Operator.CONV2D and max(placed.layer.pad):
            yield Finding("1x1 kernel with padding", where=placed.layer.where, fix="give pad: 0")


def with_bias(placement: Placement, _chip: Chip) -> Iterator[Finding]:
    """The vendor warns that biases of streaming layers may not work on silicon."""
    for placed in placement.graph.layers:
        if placed.layer.is_streaming and placed.bias_slot is not None:
            yield Finding(
                "streams with a bias", where=placed.layer.where, fix="train it without bias"
            )


def fifo_processors(placement: Placement, _chip: Chip) -> Iterator[Finding]:
    """FIFO f feeds processors 16f..16f+3 (HWC) or 16f (CHW): 16 or 4 channels at most."""
    first = placement.graph.layers[0]
    if not placement.graph.graph.input_path.is_fifo:
        return
    reachable = HWC_PROCESSORS if first.data_format is DataFormat.HWC else CHW_PROCESSORS
    limit = MAX_CHANNELS[first.data_format]
    if first.processors & ~reachable:
        yield Finding(
            f"processors 0x{first.processors & ~reachable:016x} have no FIFO",
            where=first.layer.where,
            fix=f"use processors of 0x{reachable:016x}",
        )
    if first.layer.in_shape.channels > limit:
        yield Finding(
            f"{first.layer.in_shape.channels} channels, the FIFOs carry {limit}",
            where=first.layer.where,
            fix="load the picture without FIFO",
        )


def full_lanes(placement: Placement, _chip: Chip) -> Iterator[Finding]:
    """HWC through the FIFOs: every quadrant but the last uses all four processors.

    Words carry four channels each in order, so with a gap some FIFOs would be switched on and never
    be fed; they run in lock step, so nothing would run. Of the fast FIFO it is not documented which
    byte reaches which quadrant: byte q reaching processor 16q is assumed.
    """
    first = placement.graph.layers[0]
    if not placement.graph.graph.input_path.is_fifo or first.data_format is DataFormat.CHW:
        return
    used = [lanes for f in range(N_FIFOS) if (lanes := lanes_of(first, f))]
    if any(lanes != 0xF for lanes in used[:-1]) or (used and used[-1] & (used[-1] + 1)):
        yield Finding(
            f"processors 0x{first.processors:016x} leave lanes of a FIFO empty",
            where=first.layer.where,
            fix="fill processors 0..3 first, then 16..19, 32..35, 48..51",
        )


def fast_fifo(placement: Placement, _chip: Chip) -> Iterator[Finding]:
    """The fast FIFO carries one word at a time to a first layer that convolves, with 8-bit results.

    HWC: up to four channels, on processors 0..3 or on 0, 16, 32, 48, from 0 on. CHW: one channel,
    on processor 0. Only the RISC-V core reaches it.
    """
    first = placement.graph.layers[0]
    if placement.graph.graph.input_path is not InputPath.FAST_FIFO:
        return
    where, n_channels = first.layer.where, first.layer.in_shape.channels
    limit = 1 if first.data_format is DataFormat.CHW else N_FIFOS
    if n_channels > limit:
        why = f"{n_channels} channels, the fast FIFO carries {limit}"
        yield Finding(why, where=where, fix="use --fifo")
        return
    runs = (GROUP_PROCESSORS, CHW_PROCESSORS)
    maps = [sum(1 << p for p in members(run)[:n_channels]) for run in runs]
    if first.processors not in maps:
        fix = f"use processors {' or '.join(f'0x{m:x}' for m in dict.fromkeys(maps))}"
        yield Finding(f"the fast FIFO does not feed 0x{first.processors:x}", where=where, fix=fix)
    if first.layer.kernel is None:
        yield Finding(
            "pass-through layer on the fast FIFO", where=where, fix="begin with a convolution"
        )
    if first.layer.output_width != 8:
        why = f"{first.layer.output_width}-bit results of a layer on the fast FIFO"
        yield Finding(why, where=where, fix="use --fifo, or 8 bits")


def fifo_operands(placement: Placement, _chip: Chip) -> Iterator[Finding]:
    """The FIFOs deliver one operand and one pass."""
    first = placement.graph.layers[0]
    if placement.graph.graph.input_path.is_fifo and first.layer.operands > 1:
        yield Finding(
            "element-wise layer on FIFO input", where=first.layer.where, fix="load without FIFO"
        )


def counts(placement: Placement, _chip: Chip) -> Iterator[Finding]:
    """Start, step and ring counts of streaming and FIFO layers fit their register fields."""
    for placed in _running(placement):
        for what, value, limit in _fields(stream_of(placed, placement.graph)):
            if value >= limit:
                yield Finding(
                    f"{what} {value}, limit {limit - 1}",
                    where=placed.layer.where,
                    fix="use a smaller picture or window",
                )
    first = placement.graph.layers[0]
    limit = regmap.IFRM.field("value").limit
    if placement.graph.graph.input_path.is_fifo and frame_words(first) >= limit:
        why = f"frame of {frame_words(first)} words, limit {limit - 1}"
        yield Finding(why, where=first.layer.where, fix="use a smaller picture")


def _running(placement: Placement) -> Iterator[PlacedLayer]:
    """Layers whose counts are a stream's; a first layer that waits for the whole frame is S15's."""
    for placed in placement.graph.layers:
        if placed.layer.index or placed.layer.is_streaming:
            yield placed


def _fields(stream: Stream) -> Iterator[tuple[str, int, int]]:
    yield "start count", stream.start, START_LIMIT
    yield "step inside a row", stream.delta1, regmap.STREAM2.field("delta1").limit
    yield "step between rows", stream.delta2, regmap.STREAM2.field("delta2").limit
    yield "ring", stream.ring_words, regmap.FMAX.field("value").limit


def earlier_passes(placement: Placement, _chip: Chip) -> Iterator[Finding]:
    """The input passes of all earlier layers of a stream add up to less than 16."""
    limit = regmap.STREAM2.field("invol").limit
    for placed in placement.graph.layers:
        n_passes = stream_of(placed, placement.graph).earlier_passes
        if n_passes >= limit:
            yield Finding(
                f"{n_passes} passes in the streaming layers before, limit {limit - 1}",
                where=placed.layer.where,
                fix="use 64 channels or fewer in the layers before, or let this one not stream",
            )


def whole_frame(placement: Placement, _chip: Chip) -> Iterator[Finding]:
    """A first layer behind the FIFOs that does not stream waits for fewer than 2^14 words."""
    first = placement.graph.layers[0]
    start = stream_of(first, placement.graph).start
    if not first.layer.is_streaming and start >= START_LIMIT:
        yield Finding(
            f"start count {start}, limit {START_LIMIT - 1}",
            where=first.layer.where,
            fix="stream the layer, or use a smaller picture or window",
        )


def row_buffers(placement: Placement, chip: Chip) -> Iterator[Finding]:
    """Row buffers of streaming layers lie one after the other in 3,072 entries."""
    graph: PlacedGraph = placement.graph
    for placed in graph.layers:
        start = stream_of(placed, graph).row_buffer_start
        entries = row_buffer_entries(placed.hardware, placed.layer.output_pad)
        end = start + entries * placed.in_passes.n
        if placed.layer.is_streaming and end > chip.tram_words:
            yield Finding(
                f"row buffers end at entry {end} of {chip.tram_words}",
                where=placed.layer.where,
                fix="use a narrower picture, or stream fewer layers",
            )


def ring_fits(placement: Placement, chip: Chip) -> Iterator[Finding]:
    """The ring of a streaming layer ends inside its data memory instance."""
    for placed in placement.graph.layers:
        end = placed.in_offset + 4 * stream_of(placed, placement.graph).ring_words
        if placed.layer.is_streaming and end >= chip.data_instance_bytes:
            yield Finding(
                f"ring ends at {end:#x}, an instance has {chip.data_instance_bytes:#x}",
                where=placed.layer.where,
                fix="lower in_offset",
            )


def passing_tensors(placement: Placement, _chip: Chip) -> Iterator[Finding]:
    """What a streaming layer reads passes through a ring: no output, read by no other layer."""
    graph = placement.graph.graph
    for layer in graph.layers[: graph.n_streaming]:
        source = layer.index - 1
        name = "the input" if source == INPUT else graph.layers[source].name
        for reader in graph.consumers(source):
            if reader.index != layer.index:
                why = f"reads {name}, which passes through a ring to {layer.name}"
                yield Finding(why, where=reader.where, fix=f"let {layer.name} not stream")
        if source != INPUT and graph.layers[source].is_output:
            why = f"is an output, but passes through a ring to {layer.name}"
            yield Finding(why, where=graph.layers[source].where, fix=f"let {layer.name} not stream")


STREAM_RULES: tuple[Rule[Placement], ...] = (
    Rule("S1", needs_fifo, InputError),
    Rule("S2", is_prefix),
    Rule("S3", how_many, CapacityError, can_be_allowed=True),
    Rule("S5", last_padding),
    Rule("S6", widened_padding),
    Rule("S7", with_bias, None),
    Rule("S8", fifo_processors),
    Rule("S8a", full_lanes, can_be_allowed=True),
    Rule("S9", fast_fifo),
    Rule("S10", earlier_passes, CapacityError),
    Rule("S11", row_buffers, CapacityError),
    Rule("S12", counts, CapacityError),
    Rule("S13", ring_fits, CapacityError),
    Rule("S14", fifo_operands),
    Rule("S15", whole_frame, CapacityError),
    Rule("S16", passing_tensors),
)
