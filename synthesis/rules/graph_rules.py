"""Rules a graph has to keep before it can be placed: operators, sizes, number ranges.

Ids are those of docs/rules.md.
"""

from collections.abc import Iterator

from max78000.errors import CapacityError, InputError
from max78000.facts.chip import Chip
from max78000.facts.fixed import DATA_BITS, SHIFT_LIMIT, Activation
from synthesis.graph.ir import Graph, Layer, Shape
from synthesis.lower.hardware import MAX_FOLDED_TAPS, Passes, hardware_form, row_buffer_entries
from synthesis.read.description import DataFormat, Operator, Pair
from synthesis.rules.front_rules import FRONT_RULES
from synthesis.rules.rule import Finding, Rule, graph_rule, layer_rule
from synthesis.rules.warning_rules import WARNING_RULES


@layer_rule("P4", CapacityError)
def channels(layer: Layer, chip: Chip) -> Iterator[Finding]:
    """A layer has at most {chip.max_channels} input and {chip.max_channels} output channels:
    {chip.max_passes} passes of {chip.n_processors} processors.
    """
    for what, shape in (("input", layer.in_shape), ("output", layer.out_shape)):
        if shape.channels > chip.max_channels:
            why = f"{shape.channels} {what} channels, the chip has {chip.max_channels}"
            yield Finding(why, fix="split the layer")


@layer_rule("D1", CapacityError)
def counters(layer: Layer, chip: Chip) -> Iterator[Finding]:
    """Rows and columns, padding included, fit {chip.max_size:bits}-bit counters (twice the size
    when transposed).
    """
    hardware = hardware_form(layer, chip)
    scale = 2 if layer.op is Operator.CONVTRANSPOSE2D else 1
    for what, size, pad in zip(("rows", "columns"), hardware.in_dims, hardware.pad, strict=True):
        total = size * scale + 2 * pad
        if total > chip.max_size:
            why = f"{size} {what} with padding {pad} need {total} of {chip.max_size} counts"
            yield Finding(why, fix="fold the image into channels, or crop it")


@layer_rule("D2", CapacityError)
def frame_size(layer: Layer, chip: Chip) -> Iterator[Finding]:
    """Rows x columns x input passes stay below 2^{chip.frame_limit:bits}, the frame counter."""
    words = layer.in_shape.n_pixels * Passes.of(layer.in_shape.channels, chip).n
    if words >= chip.frame_limit:
        why = f"{words:,} of {chip.frame_limit - 1:,} input words"
        yield Finding(why, fix="use a smaller picture or fewer channels")


@layer_rule("D12", CapacityError)
def row_buffers(layer: Layer, chip: Chip) -> Iterator[Finding]:
    """A row of all input passes fits the row buffers: {chip.tram_words:,} entries in each
    processor.

    One-dimensional and 1x1 kernels keep no rows. What streams together is rule S11's.
    """
    hardware = hardware_form(layer, chip)
    if hardware.kernel_size[1] == 1 or layer.is_streaming:
        return
    entries = row_buffer_entries(hardware, layer.output_pad)
    total = entries * Passes.of(layer.in_shape.channels, chip).n
    if total > chip.tram_words:
        yield Finding(
            f"rows of {hardware.pooled[1]} pixels and {layer.in_shape.channels} channels need "
            f"{total} of {chip.tram_words} row buffer entries",
            fix="pool before, or fold the picture into more rows",
        )


@layer_rule("D13")
def cropping(layer: Layer) -> Iterator[Finding]:
    """`in_crop` drops rows of what a layer wrote; the network input is loaded where it is read."""
    if min(layer.in_crop) < 0:
        yield Finding(f"in_crop {layer.in_crop}", fix="use numbers from 0")
    elif layer.index == 0 and any(layer.in_crop):
        yield Finding(f"in_crop {layer.in_crop} of the input", fix="crop the sample")


@layer_rule("C1")
def kernel_size(layer: Layer) -> Iterator[Finding]:
    """Conv2d kernels are 1x1 or 3x3: the engine multiplies {chip.max_taps:word} taps at a time."""
    fix = "build 5x5 from two 3x3, 2x2 from a 3x3 with zeros"
    yield from _kernel(layer, Operator.CONV2D, [(1, 1), (3, 3)], fix)


@layer_rule("C2")
def kernel_length(layer: Layer, chip: Chip) -> Iterator[Finding]:
    """Conv1d kernels have 1 to {chip.max_taps} taps."""
    sizes = [(n, 1) for n in range(1, chip.max_taps + 1)]
    yield from _kernel(layer, Operator.CONV1D, sizes, "split the kernel into two layers")


@layer_rule("C3")
def transposed(layer: Layer) -> Iterator[Finding]:
    """ConvTranspose2d has a 3x3 kernel, stride 2, output padding 1: it doubles rows and columns."""
    yield from _kernel(layer, Operator.CONVTRANSPOSE2D, [(3, 3)], "use a 3x3 kernel")
    wanted = 1 if layer.op is Operator.CONVTRANSPOSE2D else 0
    if layer.output_pad != wanted:
        yield Finding(f"output_pad {layer.output_pad}, has to be {wanted}", fix="remove it")


def _kernel(layer: Layer, op: Operator, sizes: list[Pair], fix: str) -> Iterator[Finding]:
    """A layer with this operator has a kernel of one of these sizes."""
    if layer.op is op and layer.kernel_size not in sizes:
        rows, columns = layer.kernel_size
        size = f"{rows}-tap" if op is Operator.CONV1D else f"{rows}x{columns}"
        yield Finding(f"{op.value} has no {size} kernel", fix=fix)


@layer_rule("C4")
def stride(layer: Layer) -> Iterator[Finding]:
    """Convolutions move by one pixel (ConvTranspose2d by two); there is no stride counter."""
    wanted = 2 if layer.op is Operator.CONVTRANSPOSE2D else 1
    if set(layer.stride) != {wanted}:
        fix = "pool before the next layer (max_pool: 1 drops pixels), or fold the input"
        yield Finding(
            f"stride {layer.stride}, {layer.op.value} has {wanted}",
            fix=fix if wanted == 1 else "remove stride",
        )


@layer_rule("C5")
def padding(layer: Layer, chip: Chip) -> Iterator[Finding]:
    """Padding is 0, 1 or {chip.max_pad} and smaller than the kernel; pass-through layers have
    none.
    """
    for pad, taps in zip(layer.pad, layer.kernel_size, strict=True):
        if not 0 <= pad <= chip.max_pad or (pad and pad >= taps):
            fix = "give pad: 0" if taps == 1 else f"use pad: 0 to {min(chip.max_pad, taps - 1)}"
            yield Finding(f"pad {pad} with a kernel of {taps}", fix=fix)
            return


@layer_rule("C6")
def dilation_1d(layer: Layer, chip: Chip) -> Iterator[Finding]:
    """Conv1d dilation d stretches the kernel to (k-1)d+1 taps; above {chip.max_taps} it runs on
    the 2D engine.

    That form has 2 or 3 taps, no padding, no pooling, and writes up to 4d bytes per output pass in
    front of `out_offset`, which has to leave them room.
    """
    if layer.op is not Operator.CONV1D or layer.dilation == 1:
        return
    taps = layer.kernel_size[0]
    if taps == 1:
        yield Finding("dilation of a single tap", fix="remove dilation")
    elif (taps - 1) * layer.dilation >= chip.max_taps:
        yield from _long_dilation(layer, taps, chip)


def _long_dilation(layer: Layer, taps: int, chip: Chip) -> Iterator[Finding]:
    is_folded = taps <= MAX_FOLDED_TAPS
    is_plain = not max(layer.pad) and not layer.pool.is_used
    if not (is_folded and is_plain and layer.dilation < chip.max_size):
        yield Finding(
            f"kernel {taps} with dilation {layer.dilation}: (k-1)d is {chip.max_taps} or more, "
            f"which needs 2 or {MAX_FOLDED_TAPS} taps, pad 0, no pooling and d below "
            f"{chip.max_size}",
            fix="use fewer taps, pad 0, and pool in another layer",
        )
    lead = hardware_form(layer, chip).lead_bytes if is_folded else 0
    if layer.constraints.out_offset is not None and layer.constraints.out_offset < lead:
        yield Finding(
            f"out_offset {layer.constraints.out_offset:#x}, {lead} bytes before it are overwritten",
            fix=f"use out_offset: {lead:#x} or more",
        )


@layer_rule("C7")
def dilation_2d(layer: Layer) -> Iterator[Finding]:
    """Only Conv1d can be dilated on this chip."""
    if layer.op is not Operator.CONV1D and layer.dilation != 1:
        why = f"{layer.op.value} with dilation {layer.dilation}"
        yield Finding(why, fix="pool first, or use MAX78002")


@layer_rule("C10", InputError)
def weight_range(layer: Layer) -> Iterator[Finding]:
    """Weights fit their width: b bits hold -2^(b-1) .. 2^(b-1)-1."""
    if layer.kernel is None:
        return
    low, high = int(layer.kernel.weights_oihw.min()), int(layer.kernel.weights_oihw.max())
    limit = 1 << (layer.kernel.bits - 1)
    if low < -limit or high >= limit:
        needed = max(-low - 1, high, 0).bit_length() + 1
        yield Finding(
            f"weights {low}..{high} need {needed} bits, the layer has {layer.kernel.bits}",
            fix="quantize again with this width, or correct quantization",
        )


@layer_rule("C11", InputError)
def output_shift(layer: Layer) -> Iterator[Finding]:
    """The shift, with {fixed.DATA_BITS} - weight bits added, is
    -{fixed.SHIFT_LIMIT}..{fixed.SHIFT_LIMIT}: four bits and a direction.
    """
    if layer.kernel is not None and abs(layer.kernel.shift) > SHIFT_LIMIT:
        extra = DATA_BITS - layer.kernel.bits
        yield Finding(
            f"output_shift {layer.kernel.output_shift}, this weight width allows "
            f"{-SHIFT_LIMIT - extra}..{SHIFT_LIMIT - extra}",
            fix="scale the weights",
        )


@layer_rule("C23", InputError)
def bias_range(layer: Layer, chip: Chip) -> Iterator[Finding]:
    """Bias bytes, the stored value divided by 2^(weight bits - 1), are
    -{chip.bias_limit}..{chip.bias_limit:last}.
    """
    bias = layer.kernel.bias if layer.kernel is not None else None
    low, high = -chip.bias_limit, chip.bias_limit - 1
    if bias is not None and (bias.min() < low or bias.max() > high):
        why = f"bias bytes {int(bias.min())}..{int(bias.max())}, the memory holds {low}..{high}"
        yield Finding(why, fix="quantize again")


@layer_rule("C17")
def activation(layer: Layer) -> Iterator[Finding]:
    """Activations follow the 8-bit clamp of a convolution: none in 32-bit or pass-through
    layers.
    """
    if layer.activation is Activation.NONE:
        return
    if layer.is_wide:
        yield Finding("activation with 32-bit output", fix="use activate: None")
    elif layer.kernel is None:
        yield Finding("activation without convolution", fix="use activate: None")


@layer_rule("E7")
def wide_passthrough(layer: Layer) -> Iterator[Finding]:
    """Pass-through and element-wise layers write 8 bits."""
    if layer.kernel is None and layer.is_wide:
        yield Finding("output_width 32 without convolution", fix="remove it")


@layer_rule("C18", can_be_allowed=True)
def wide_reader(layer: Layer, graph: Graph) -> Iterator[Finding]:
    """A 32-bit result cannot be read by another layer: inputs are 8 bits wide."""
    readers = graph.consumers(layer.as_producer)
    if layer.is_wide and readers:
        yield Finding(f"output_width 32, but {readers[0].name} reads it", fix="use 8 bits")


@layer_rule("G23", InputError)
def data_format(layer: Layer) -> Iterator[Finding]:
    """Only the first layer reads CHW data; later ones read what a layer wrote, always HWC."""
    if layer.index > 0 and layer.constraints.data_format is DataFormat.CHW:
        yield Finding("data_format: chw behind the first layer", fix="remove it")


@graph_rule("G24", InputError)
def image_channels(graph: Graph) -> Iterator[Finding]:
    """The sample has the channels of the first layer, times its operands."""
    first, n_channels = graph.layers[0], graph.input_shape.channels
    wanted = first.in_shape.channels * first.operands
    if n_channels != wanted:
        why = f"the sample has {n_channels} channels, the first layer reads {wanted}"
        shape = Shape(wanted, *graph.input_shape.dims)
        yield Finding(why, where=first.where, fix=f"give a sample of {shape}")


GRAPH_RULES: tuple[Rule[Graph], ...] = (
    data_format,
    image_channels,
    channels,
    counters,
    frame_size,
    row_buffers,
    cropping,
    kernel_size,
    kernel_length,
    transposed,
    stride,
    padding,
    dilation_1d,
    dilation_2d,
    weight_range,
    output_shift,
    activation,
    wide_reader,
    bias_range,
    *FRONT_RULES,
    wide_passthrough,
    *WARNING_RULES,
)
