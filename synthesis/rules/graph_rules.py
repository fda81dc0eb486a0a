"""Rules a graph has to keep before it can be placed: operators, sizes, number ranges.

Ids are those of the legality tables in the network description reference.
"""

from collections.abc import Iterator

from max78000.errors import CapacityError, InputError
from max78000.facts.chip import Chip
from max78000.facts.fixed import SHIFT_LIMIT, Activation
from synthesis.graph.ir import Graph, Layer
from synthesis.lower.hardware import Passes, hardware_form, row_buffer_entries
from synthesis.read.description import Operator
from synthesis.rules.front_rules import FRONT_RULES
from synthesis.rules.rule import Finding, Rule
from synthesis.rules.warning_rules import WARNING_RULES

MAX_PAD = 2
COUNTER_LIMIT = 1024
FRAME_LIMIT = 1 << 21
BIAS_RANGE = (-128, 127)


def channels(graph: Graph, chip: Chip) -> Iterator[Finding]:
    """A layer has at most 1024 input and 1024 output channels: 16 passes of 64 processors."""
    for layer in graph.layers:
        for what, n in (("input", layer.in_shape), ("output", layer.out_shape)):
            if n.channels > chip.max_channels:
                yield Finding(
                    f"{n.channels} {what} channels, the chip has {chip.max_channels}",
                    where=layer.where,
                    fix="split the layer",
                )


def counters(graph: Graph, _chip: Chip) -> Iterator[Finding]:
    """Rows and columns, padding included, fit 10-bit counters (twice the size when transposed)."""
    for layer in graph.layers:
        hardware = hardware_form(layer)
        scale = 2 if layer.op is Operator.CONVTRANSPOSE2D else 1
        for what, size, pad in zip(
            ("rows", "columns"), hardware.in_dims, hardware.pad, strict=True
        ):
            total = size * scale + 2 * pad
            if total > COUNTER_LIMIT:
                yield Finding(
                    f"{size} {what} with padding {pad} need {total} of {COUNTER_LIMIT} counts",
                    where=layer.where,
                    fix="fold the image into channels, or crop it",
                )


def frame_size(graph: Graph, _chip: Chip) -> Iterator[Finding]:
    """Rows x columns x input passes stay below 2^21, the frame counter."""
    for layer in graph.layers:
        words = layer.in_shape.n_pixels * Passes.of(layer.in_shape.channels).n
        if words >= FRAME_LIMIT:
            why = f"{words:,} of {FRAME_LIMIT - 1:,} input words"
            yield Finding(why, where=layer.where, fix="use a smaller picture or fewer channels")


def row_buffers(graph: Graph, chip: Chip) -> Iterator[Finding]:
    """A row of all input passes fits the row buffers: 3,072 entries in each processor.

    One-dimensional and 1x1 kernels keep no rows. What streams together is rule S11's.
    """
    for layer in graph.layers:
        hardware = hardware_form(layer)
        if hardware.kernel_size[1] == 1 or layer.is_streaming:
            continue
        entries = row_buffer_entries(hardware, layer.output_pad)
        total = entries * Passes.of(layer.in_shape.channels).n
        if total > chip.tram_words:
            yield Finding(
                f"rows of {hardware.pooled[1]} pixels and {layer.in_shape.channels} channels need "
                f"{total} of {chip.tram_words} row buffer entries",
                where=layer.where,
                fix="pool before, or fold the picture into more rows",
            )


def cropping(graph: Graph, _chip: Chip) -> Iterator[Finding]:
    """`in_crop` drops rows of what a layer wrote; the network input is loaded where it is read."""
    for layer in graph.layers:
        if min(layer.in_crop) < 0:
            yield Finding(f"in_crop {layer.in_crop}", where=layer.where, fix="use numbers from 0")
        elif layer.index == 0 and any(layer.in_crop):
            yield Finding(
                f"in_crop {layer.in_crop} of the input", where=layer.where, fix="crop the sample"
            )


def kernel_size(graph: Graph, _chip: Chip) -> Iterator[Finding]:
    """Conv2d kernels are 1x1 or 3x3: the engine multiplies nine taps at a time."""
    yield from _kernel(
        graph,
        Operator.CONV2D,
        ((1, 1), (3, 3)),
        "build 5x5 from two 3x3, 2x2 from a 3x3 with zeros",
    )


def kernel_length(graph: Graph, _chip: Chip) -> Iterator[Finding]:
    """Conv1d kernels have 1 to 9 taps."""
    allowed = tuple((n, 1) for n in range(1, 10))
    yield from _kernel(graph, Operator.CONV1D, allowed, "split the kernel into two layers")


def transposed(graph: Graph, _chip: Chip) -> Iterator[Finding]:
    """ConvTranspose2d has a 3x3 kernel, stride 2, output padding 1: it doubles rows and columns."""
    yield from _kernel(graph, Operator.CONVTRANSPOSE2D, ((3, 3),), "use a 3x3 kernel")
    for layer in graph.layers:
        wanted = 1 if layer.op is Operator.CONVTRANSPOSE2D else 0
        if layer.output_pad != wanted:
            yield Finding(
                f"output_pad {layer.output_pad}, has to be {wanted}",
                where=layer.where,
                fix="remove it",
            )


def _kernel(
    graph: Graph, op: Operator, allowed: tuple[tuple[int, int], ...], fix: str
) -> Iterator[Finding]:
    for layer in graph.layers:
        if layer.op is op and layer.kernel_size not in allowed:
            rows, columns = layer.kernel_size
            size = f"{rows}-tap" if op is Operator.CONV1D else f"{rows}x{columns}"
            yield Finding(f"{op.value} has no {size} kernel", where=layer.where, fix=fix)


def stride(graph: Graph, _chip: Chip) -> Iterator[Finding]:
    """Convolutions move by one pixel (ConvTranspose2d by two); there is no stride counter."""
    for layer in graph.layers:
        wanted = 2 if layer.op is Operator.CONVTRANSPOSE2D else 1
        if set(layer.stride) != {wanted}:
            fix = "pool before the next layer (max_pool: 1 drops pixels), or fold the input"
            yield Finding(
                f"stride {layer.stride}, {layer.op.value} has {wanted}",
                where=layer.where,
                fix=fix if wanted == 1 else "remove stride",
            )


def padding(graph: Graph, _chip: Chip) -> Iterator[Finding]:
    """Padding is 0, 1 or 2 and smaller than the kernel; pass-through layers have none."""
    for layer in graph.layers:
        for pad, taps in zip(layer.pad, layer.kernel_size, strict=True):
            if not 0 <= pad <= MAX_PAD or (pad and pad >= taps):
                fix = "give pad: 0" if taps == 1 else f"use pad: 0 to {min(MAX_PAD, taps - 1)}"
                yield Finding(f"pad {pad} with a kernel of {taps}", where=layer.where, fix=fix)
                break


def dilation_1d(graph: Graph, _chip: Chip) -> Iterator[Finding]:
    """Conv1d dilation d stretches the kernel to (k-1)d+1 taps; above 9 it runs on the 2D engine.

    That form has 2 or 3 taps, no padding, no pooling, and writes up to 4d bytes per output pass in
    front of `out_offset`, which has to leave them room.
    """
    for layer in graph.layers:
        if layer.op is not Operator.CONV1D or layer.dilation == 1:
            continue
        taps = layer.kernel_size[0]
        if taps == 1:
            yield Finding("dilation of a single tap", where=layer.where, fix="remove dilation")
        elif (taps - 1) * layer.dilation >= 9:
            yield from _long_dilation(layer, taps)


def _long_dilation(layer: Layer, taps: int) -> Iterator[Finding]:
    if taps > 3 or max(layer.pad) or layer.pool.is_used or layer.dilation >= COUNTER_LIMIT:
        yield Finding(
            f"kernel {taps} with dilation {layer.dilation}: (k-1)d is 9 or more, which needs 2 or "
            "3 taps, pad 0, no pooling and d below 1024",
            where=layer.where,
            fix="use fewer taps, pad 0, and pool in another layer",
        )
    lead = hardware_form(layer).lead_bytes if taps <= 3 else 0
    if layer.wishes.out_offset is not None and layer.wishes.out_offset < lead:
        yield Finding(
            f"out_offset {layer.wishes.out_offset:#x}, {lead} bytes before it are overwritten",
            where=layer.where,
            fix=f"use out_offset: {lead:#x} or more",
        )


def dilation_2d(graph: Graph, _chip: Chip) -> Iterator[Finding]:
    """Only Conv1d can be dilated on this chip."""
    for layer in graph.layers:
        if layer.op is not Operator.CONV1D and layer.dilation != 1:
            yield Finding(
                f"{layer.op.value} with dilation {layer.dilation}",
                where=layer.where,
                fix="pool first, or use MAX78002",
            )


def weight_range(graph: Graph, _chip: Chip) -> Iterator[Finding]:
    """Weights fit their width: b bits hold -2^(b-1) .. 2^(b-1)-1."""
    for layer in graph.layers:
        if layer.kernel is None:
            continue
        low, high = int(layer.kernel.weights_oihw.min()), int(layer.kernel.weights_oihw.max())
        limit = 1 << (layer.kernel.bits - 1)
        if low < -limit or high >= limit:
            needed = max(-low - 1, high, 0).bit_length() + 1
            yield Finding(
                f"weights {low}..{high} need {needed} bits, the layer has {layer.kernel.bits}",
                where=layer.where,
                fix="quantize again with this width, or correct quantization",
            )


def output_shift(graph: Graph, _chip: Chip) -> Iterator[Finding]:
    """The shift, with 8 - weight bits added, is -15..15: four bits and a direction."""
    for layer in graph.layers:
        if layer.kernel is not None and abs(layer.kernel.shift) > SHIFT_LIMIT:
            extra = 8 - layer.kernel.bits
            yield Finding(
                f"output_shift {layer.kernel.output_shift}, this weight width allows "
                f"{-SHIFT_LIMIT - extra}..{SHIFT_LIMIT - extra}",
                where=layer.where,
                fix="scale the weights",
            )


def bias_range(graph: Graph, _chip: Chip) -> Iterator[Finding]:
    """Bias bytes, the stored value divided by 2^(weight bits - 1), are -128..127."""
    for layer in graph.layers:
        bias = layer.kernel.bias if layer.kernel is not None else None
        if bias is not None and (bias.min() < BIAS_RANGE[0] or bias.max() > BIAS_RANGE[1]):
            yield Finding(
                f"bias bytes {int(bias.min())}..{int(bias.max())}, the memory holds -128..127",
                where=layer.where,
                fix="quantize again",
            )


def activation(graph: Graph, _chip: Chip) -> Iterator[Finding]:
    """Activations follow the 8-bit clamp of a convolution: none in 32-bit or pass-through
    layers.
    """
    for layer in graph.layers:
        if layer.activation is Activation.NONE:
            continue
        if layer.output_width == 32:
            yield Finding(
                "activation with 32-bit output", where=layer.where, fix="use activate: None"
            )
        elif layer.kernel is None:
            yield Finding(
                "activation without convolution", where=layer.where, fix="use activate: None"
            )


def wide_passthrough(graph: Graph, _chip: Chip) -> Iterator[Finding]:
    """Pass-through and element-wise layers write 8 bits."""
    for layer in graph.layers:
        if layer.kernel is None and layer.output_width == 32:
            yield Finding("output_width 32 without convolution", where=layer.where, fix="remove it")


def wide_reader(graph: Graph, _chip: Chip) -> Iterator[Finding]:
    """A 32-bit result cannot be read by another layer: inputs are 8 bits wide."""
    for layer in graph.layers:
        readers = graph.consumers(layer.index)
        if layer.output_width == 32 and readers:
            why = f"output_width 32, but {readers[0].name} reads it"
            yield Finding(why, where=layer.where, fix="use 8 bits")


def data_format(graph: Graph, _chip: Chip) -> Iterator[Finding]:
    """Only the first layer reads CHW data; later ones read what a layer wrote, always HWC."""
    for layer in graph.layers[1:]:
        wish = layer.wishes.data_format
        if wish is not None and wish.value == "chw":
            yield Finding(
                "data_format: chw behind the first layer", where=layer.where, fix="remove it"
            )


def image_channels(graph: Graph, _chip: Chip) -> Iterator[Finding]:
    """The sample has the channels of the first layer, times its operands."""
    first = graph.layers[0]
    wanted = first.in_shape.channels * first.operands
    if graph.input_shape.channels != wanted:
        yield Finding(
            f"the sample has {graph.input_shape.channels} channels, the first layer reads {wanted}",
            where=first.where,
            fix="check --sample-input",
        )


GRAPH_RULES: tuple[Rule[Graph], ...] = (
    Rule("G23", data_format, InputError),
    Rule("G24", image_channels, InputError),
    Rule("P4", channels, CapacityError),
    Rule("D1", counters, CapacityError),
    Rule("D2", frame_size, CapacityError),
    Rule("D12", row_buffers, CapacityError),
    Rule("D13", cropping),
    Rule("C1", kernel_size),
    Rule("C2", kernel_length),
    Rule("C3", transposed),
    Rule("C4", stride),
    Rule("C5", padding),
    Rule("C6", dilation_1d),
    Rule("C7", dilation_2d),
    Rule("C10", weight_range, InputError),
    Rule("C11", output_shift, InputError),
    Rule("C17", activation),
    Rule("C18", wide_reader, can_be_allowed=True),
    Rule("C23", bias_range, InputError),
    *FRONT_RULES,
    Rule("E7", wide_passthrough),
    *WARNING_RULES,
)
