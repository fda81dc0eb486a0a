"""Random small networks for the compiler, as it takes them: description, weights, sample image.

`networks()` draws networks that the chip can run, with every operator of the compiler; placement is
left to the compiler or written out. Structure is drawn by hypothesis, so that failing cases shrink;
weights and pixels come from a drawn seed. No expected results are here: tests compare answers.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import log2, prod, sqrt
from typing import Any

import numpy as np
from hypothesis import strategies as st

from max78000.facts.chip import MAX78000 as CHIP
from max78000.facts.chip import WEIGHT_BITS
from max78000.facts.fixed import SHIFT_LIMIT, Activation, Combine
from synthesis.graph.ir import Pool, Shape
from synthesis.lower.hardware import Passes
from synthesis.place.processors import passed_map
from synthesis.read.checkpoint import Checkpoint, LayerWeights
from synthesis.read.description import DataFormat, LayerSpec, NetworkSpec, Operator, Reference
from synthesis.read.source import Source

ARCH = "random"
MAX_MACS = 1 << 19  # of one layer, so that an example takes milliseconds
MAX_WEIGHTS = 1 << 15
MAX_FLAT_PIXELS = 256
JOIN_OFFSET = 0x4000  # joined tensors lie there where the compiler places the others, from 0 up
WORD_BYTES = 4
LANES = 4  # processors, and channels, that share a data memory

ONE_IN_FOUR = st.integers(0, 3).map(lambda n: n == 3)
ONE_IN_TEN = st.integers(0, 9).map(lambda n: n == 9)
CHANNELS = st.one_of(st.integers(1, 20), st.integers(1, 20), st.integers(21, 200))

Keys = dict[str, Any]  # of a layer's description


@dataclass(frozen=True, slots=True)
class Tensor:
    """What a layer reads: one tensor, or several joined along channels or element by element."""

    sources: tuple[Reference, ...]  # as in_sequences names them
    shape: Shape  # of one operand
    operands: int = 1
    processors: int | None = None  # None: the compiler's choice
    offset: int | None = None
    is_chw: bool = False

    @property
    def n_words(self):
        """Data words that each pixel takes in a data memory."""
        return Passes.of(self.shape.channels, CHIP).n * self.operands


@dataclass(frozen=True, slots=True)
class Target:
    """Where a layer has to write; None leaves it to the compiler."""

    processors: int | None = None
    offset: int | None = None
    gap: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What a layer does: keys of its description, its result, the shape of its weights."""

    keys: Keys
    out: Shape
    weight_shape: tuple[int, ...] = ()  # in PyTorch's order; empty if there are none
    n_inputs: int = 1  # products in one sum
    margin: int = 0  # pixels before and after the result that may be written as well


@dataclass(slots=True)
class Draft:
    """A network while it is drawn."""

    draw: st.DrawFn
    is_placed: bool  # the description gives all processors and offsets
    rng: np.random.Generator
    layers: list[LayerSpec] = field(default_factory=list)
    weights: list[LayerWeights] = field(default_factory=list)
    readable: list[Tensor] = field(default_factory=list)
    next_offset: int = JOIN_OFFSET  # of tensors that the compiler does not place

    def append(self, tensor, step, target=None):
        """Add a layer; its result goes to `target`, or wherever there is room."""
        passed = tensor if not step.weight_shape else None
        target = target or self.new_target(step.out, passed, step.margin)
        keys = dict(step.keys)
        if tensor.operands > 1:
            keys["eltwise"] = self.draw(st.sampled_from(Combine))
            keys["operands"] = tensor.operands
        if step.weight_shape:
            keys["activate"] = self.draw(st.sampled_from(Activation))
        if step.weight_shape and "weight_source" not in keys:
            self.weights.append(random_weights(self.draw, self.rng, step, len(self.layers)))
            if self.draw(ONE_IN_TEN):
                keys["quantization"] = self.weights[-1].weight_bits
        spec = LayerSpec(
            line=len(self.layers) + 1,
            in_sequences=tensor.sources,
            processors=tensor.processors,
            in_offset=tensor.offset,
            output_processors=target.processors,
            out_offset=target.offset,
            write_gap=target.gap,
        )
        self.layers.append(replace(spec, **keys))
        return Tensor((len(self.layers) - 1,), step.out, 1, target.processors, target.offset)

    def new_target(self, shape, passed=None, margin=0):
        """Processors and memory of a tensor; a pass-through keeps the processors it reads."""
        if not self.is_placed:
            return Target()
        self.reserve(Shape(shape.channels, margin, 1))
        offset = self.reserve(Shape(shape.channels, shape.n_pixels + margin, 1))
        if passed is not None and passed.processors is not None:
            return Target(passed_map(passed.processors, CHIP), offset)
        return Target(self.new_processors(shape.channels), offset)

    def new_processors(self, channels):
        """A run of processors, mostly neighbours, mostly starting at a data memory of its own."""
        width = Passes.of(channels, CHIP).width
        step = self.draw(st.integers(1, min(LANES, CHIP.n_processors // width)))
        step = step if self.draw(ONE_IN_TEN) else 1
        first = self.draw(st.integers(0, CHIP.n_processors - (width - 1) * step - 1))
        if not self.draw(ONE_IN_FOUR):
            first &= -LANES
        return sum(1 << (first + step * i) for i in range(width))

    def reserve(self, shape, n_parts=1):
        """Offset of a tensor, wide enough for 32-bit results: which have them is drawn last."""
        offset = self.next_offset
        n_words = shape.n_pixels * Passes.of(shape.channels, CHIP).n * n_parts
        self.next_offset += 4 * WORD_BYTES * n_words
        return offset


@st.composite
def networks(draw, max_layers=4):
    """A legal network of up to `max_layers` layers, some of them preceded by others they join."""
    is_placed, seed = draw(st.booleans()), draw(st.integers(0, 1 << 32))
    rng = np.random.default_rng(seed)
    draft = Draft(draw, is_placed, rng, next_offset=0 if is_placed else JOIN_OFFSET)
    tensor, image = _image(draft)
    draft.readable += [] if tensor.is_chw else [tensor]
    for position in range(draw(st.integers(1, max_layers))):
        tensor = _layer(draft, tensor if position == 0 else _joined(draft, tensor))
        draft.readable.append(tensor)
    return source_of(mark_outputs(draft), draft.weights, image, seed)


def source_of(layers, weights, image, seed):
    """What the compiler starts from; the files' names tell the seed of weights and pixels."""
    network = NetworkSpec(f"random-{seed}.yaml", ARCH, "none", tuple(layers))
    return Source(network, Checkpoint(f"random-{seed}.pth.tar", ARCH, tuple(weights)), image)


def random_weights(draw, rng, step, index):
    """Weights, often with zeros, bias bytes or none, a shift that keeps most results in range."""
    bits = draw(st.sampled_from(WEIGHT_BITS))
    weight = rng.integers(-(1 << (bits - 1)), 1 << (bits - 1), step.weight_shape)
    if draw(ONE_IN_FOUR):
        weight *= rng.integers(0, 2, step.weight_shape)
    bias = rng.integers(-128, 128, step.out.channels) if draw(st.booleans()) else None
    # n products of about 64 and 2^(bits - 2) add up to sqrt(n) times as much; 64 is wanted
    fitting = round(7 - (bits - 2) - log2(sqrt(step.n_inputs)))
    total_shift = max(-SHIFT_LIMIT, min(fitting + draw(st.integers(-2, 2)), SHIFT_LIMIT))
    return LayerWeights(f"layer{index}", weight, bias, bits, total_shift - 8 + bits)


# -- what a layer reads ----------------------------------------------------------------------------


def _image(draft):
    draw = draft.draw
    rows, columns = draw(st.integers(1, 12)), draw(st.one_of(st.just(1), st.integers(1, 12)))
    channels = draw(CHANNELS if rows * columns <= 36 else st.integers(1, 20))
    operands = draw(st.integers(2, 3)) if draw(ONE_IN_TEN) else 1
    shape = Shape(channels, rows, columns)
    pixels = draft.rng.integers(-128, 128, (operands * channels, rows, columns))
    target = draft.new_target(shape)
    if target.processors is not None and not target.processors & 0xFFFF:
        target = replace(target, processors=(1 << Passes.of(channels, CHIP).width) - 1)
    draft.reserve(shape, operands - 1)
    tensor = Tensor(("input",), shape, operands, target.processors, target.offset)
    if operands == 1 and channels <= CHIP.n_processors // LANES and draw(ONE_IN_FOUR):
        every_fourth = sum(1 << LANES * channel for channel in range(channels))
        processors = every_fourth if draft.is_placed else None
        tensor = replace(tensor, is_chw=True, processors=processors)
    return tensor, pixels


def _joined(draft, last):
    """The tensor that the next layer reads: the last one, an older one, or several joined."""
    kind = draft.draw(st.sampled_from(("last", "last", "last", "older", "operands", "channels")))
    if kind == "older":
        return draft.draw(st.sampled_from(draft.readable))
    if kind == "operands":
        return _operands(draft, last)
    if kind == "channels":
        return _concatenated(draft, last)
    return last


def _operands(draft, tensor):
    """Two or three equal layers write into alternate words, to be combined element by element."""
    n = draft.draw(st.integers(2, 3))
    step = conv2d(draft, tensor)
    processors = draft.new_processors(step.out.channels)
    offset = draft.reserve(step.out, n)
    is_shared = draft.draw(ONE_IN_FOUR)
    sources: list[Reference] = []
    for i in range(n):
        shared = {"weight_source": sources[0]} if i and is_shared else {}
        target = Target(processors, offset + WORD_BYTES * i, n - 1)
        member = draft.append(tensor, replace(step, keys=step.keys | shared), target)
        sources += member.sources
    return Tensor(tuple(sources), step.out, n, processors, offset)


def _concatenated(draft, tensor):
    """Two layers whose channels follow each other: on neighbouring processors, or as passes."""
    step = conv2d(draft, tensor)
    width = min(-(-step.out.channels // LANES) * LANES, CHIP.n_processors)
    out = replace(step.out, channels=width)
    step = replace(step, out=out, weight_shape=(width, *step.weight_shape[1:]))
    processors, offset = (1 << width) - 1, draft.reserve(out, 2)
    first, second = Target(processors, offset, 1), Target(processors, offset + WORD_BYTES, 1)
    if 2 * width <= CHIP.n_processors:
        first, second = Target(processors, offset), Target(processors << width, offset)
        processors |= processors << width
    members = (draft.append(tensor, step, target) for target in (first, second))
    sources = tuple(member.sources[0] for member in members)
    return Tensor(sources, replace(out, channels=2 * width), 1, processors, offset)


# -- what a layer does -----------------------------------------------------------------------------


def _layer(draft, tensor):
    """One layer of any kind that can read the tensor, or some rows of it, or it reshaped."""
    if tensor.shape.n_pixels % 2 == 0 and draft.draw(ONE_IN_TEN):
        reshaped = Shape(tensor.shape.channels, tensor.shape.n_pixels // 2, 2)
        step = _any_step(draft, replace(tensor, shape=reshaped))
        return draft.append(tensor, replace(step, keys={"in_dim": reshaped.dims, **step.keys}))
    if tensor.shape.rows > 2 and draft.layers and draft.draw(ONE_IN_TEN):
        return _layer_on_crop(draft, tensor)
    step = _any_step(draft, tensor)
    if tensor.is_chw:
        step = replace(step, keys=step.keys | {"data_format": DataFormat.CHW})
    return draft.append(tensor, step)


def _layer_on_crop(draft, tensor):
    rows, columns = tensor.shape.dims
    before = draft.draw(st.integers(0, rows - 1))
    after = draft.draw(st.integers(0, rows - 1 - before))
    rows -= before + after
    first_byte = WORD_BYTES * tensor.n_words * before * columns
    offset = None if tensor.offset is None else tensor.offset + first_byte
    read = replace(tensor, shape=Shape(tensor.shape.channels, rows, columns), offset=offset)
    step = _any_step(draft, read)
    unit = columns if "in_dim" in step.keys else 1  # in_crop counts rows of in_dim
    keys = {"in_dim": (rows, columns), **step.keys, "in_crop": (before * unit, after * unit)}
    return draft.append(read, replace(step, keys=keys))


def _any_step(draft, tensor):
    shape, passes = tensor.shape, Passes.of(tensor.shape.channels, CHIP).n
    if tensor.operands > 1 and passes > 1 and (tensor.operands, passes) != (2, 2):
        return Step({"op": Operator.PASSTHROUGH}, shape)  # nothing else can read this (rule E5)
    kinds: list[Callable[[Draft, Tensor], Step]] = [conv2d, conv2d, conv2d, _passthrough]
    if tensor.operands == 1:
        kinds.append(_conv1d)
    if shape.n_pixels <= 36:
        kinds.append(_transposed)
    if shape.n_pixels * passes <= MAX_FLAT_PIXELS and not tensor.is_chw:
        kinds.append(_linear)
    return draft.draw(st.sampled_from(kinds))(draft, tensor)


def conv2d(draft, tensor):
    draw = draft.draw
    keys, (rows, columns) = _pooling(draft, tensor)
    size = draw(st.sampled_from((1, 3)))
    least_pad = max(0, size - min(rows, columns) + 1) // 2
    pad = draw(st.integers(least_pad, size - 1)) if size > 1 else 0
    dims = rows + 2 * pad - size + 1, columns + 2 * pad - size + 1
    keys |= {"op": Operator.CONV2D, "kernel_size": (size, size), "pad": pad}
    return _convolution(draft, tensor, keys, dims, (size, size))


def _transposed(draft, tensor):
    keys, (rows, columns) = _pooling(draft, tensor, max_stride=1)
    pad = draft.draw(st.integers(0, 2 if min(rows, columns) > 1 else 1))
    rows, columns = (2 * n - 2 * pad + 2 for n in (rows, columns))
    keys |= {"op": Operator.CONVTRANSPOSE2D, "kernel_size": (3, 3), "pad": pad}
    step = _convolution(draft, tensor, keys, (rows, columns), (3, 3))
    n_out, n_in, *taps = step.weight_shape
    return replace(step, weight_shape=(n_in, n_out, *taps))


def _conv1d(draft, tensor):
    draw, length = draft.draw, tensor.shape.n_pixels
    flat = replace(tensor, shape=Shape(tensor.shape.channels, length, 1))
    keys: Keys = {} if tensor.shape.columns == 1 else {"in_dim": (length, 1)}
    if length > 9 and draw(ONE_IN_FOUR):
        taps = draw(st.integers(2, 3))
        dilation = draw(st.integers(1, (length - 1) // (taps - 1)))
        pad = draw(st.integers(0, taps - 1)) if (taps - 1) * dilation < 9 else 0
    else:
        pooled, (length, _) = _pooling(draft, flat)
        keys |= pooled
        taps, dilation = draw(st.integers(1, min(9, length))), 1
        pad = draw(st.integers(0, min(2, taps - 1)))
    keys |= {"op": Operator.CONV1D, "kernel_size": (taps, 1), "pad": pad}
    keys["dilation"] = (dilation, dilation)
    dims = length + 2 * pad - dilation * (taps - 1), 1
    return replace(_convolution(draft, flat, keys, dims, (taps,)), margin=dilation)


def _linear(draft, tensor):
    is_flattened = tensor.shape.n_pixels > 1
    n_inputs = prod((tensor.shape.channels, *tensor.shape.dims))
    flat = replace(tensor, shape=Shape(n_inputs, 1, 1))
    return _convolution(draft, flat, {"op": Operator.LINEAR, "flatten": is_flattened}, (1, 1), ())


def _passthrough(draft, tensor):
    is_pooled = Passes.of(tensor.shape.channels, CHIP).n == 1
    keys, dims = _pooling(draft, tensor) if is_pooled else ({}, tensor.shape.dims)
    return Step({"op": Operator.PASSTHROUGH, **keys}, Shape(tensor.shape.channels, *dims))


def _convolution(draft, tensor, keys, dims, taps):
    n_inputs = tensor.shape.channels * prod(taps)
    limit = min(MAX_MACS // (n_inputs * prod(dims)), MAX_WEIGHTS // n_inputs)
    n_outputs = min(draft.draw(CHANNELS), max(1, limit))
    weight_shape = (n_outputs, tensor.shape.channels, *taps)
    return Step(keys, Shape(n_outputs, *dims), weight_shape, n_inputs)


def _pooling(draft, tensor, max_stride=16):
    """Keys of a random pooling, often none, and the rows and columns that are left."""
    draw, (rows, columns) = draft.draw, tensor.shape.dims
    if draw(st.booleans()):
        return {}, (rows, columns)
    limit = draw(st.sampled_from((3, 4, 16)))
    window = draw(st.integers(1, min(limit, rows))), draw(st.integers(1, min(limit, columns)))
    stride = draw(st.integers(1, min(limit, max_stride)))
    key = draw(st.sampled_from(("max_pool", "avg_pool")))
    keys: Keys = {key: window, "pool_stride": (stride, stride)}
    if tensor.operands == 2 and max(window) > 1 and draw(st.booleans()):
        keys["pool_first"] = False
    pooled = Pool(window=window, stride=(stride, stride)).output(
        (rows, columns), is_1d=columns == 1
    )
    return keys, pooled


# -- what it delivers ------------------------------------------------------------------------------


def mark_outputs(draft):
    """Mark outputs: what nobody reads, sometimes more; those of convolutions often have 32 bits."""
    read = {source for spec in draft.layers for source in spec.in_sequences or ()}
    finished = []
    for index, spec in enumerate(draft.layers):
        is_unread = index not in read
        is_output = is_unread or draft.draw(ONE_IN_TEN)
        changes: Keys = {"output": is_output}
        if is_unread and spec.activate is not None and draft.draw(st.booleans()):
            changes |= {"output_width": 32, "activate": Activation.NONE}
        finished.append(replace(spec, **changes))
    return finished
