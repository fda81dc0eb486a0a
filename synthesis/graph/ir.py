"""The graph: what the network computes, layer by layer, with all shapes and integers resolved.

One `Layer` is what the accelerator does in one of its 32 layers: gather operands, pool, combine,
convolve, add bias, scale, activate. No processors, no addresses, no registers.
"""

from dataclasses import dataclass, field
from enum import Enum
from math import prod
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from max78000.facts.fixed import Activation, Combine, total_shift
from synthesis.read.description import DataFormat, Operator, Pair
from synthesis.read.source import InputPath

if TYPE_CHECKING:  # few networks have one, and it takes a moment to import
    from synthesis.finish.finish import Finish


@dataclass(frozen=True, slots=True, order=True)
class Producer:
    """Who made a tensor: a layer, by its index, or nobody in the network: `INPUT` and `BUFFER`.

    Ordered by time: what is there before any layer runs comes first.
    """

    step: int  # index of the layer; negative for what is there before

    @property
    def is_layer(self) -> bool:
        """True if a layer makes the tensor."""
        return self.step >= 0

    @staticmethod
    def before(index: int) -> "Producer":
        """The last one before a layer runs: the layer before, or the network input."""
        return Producer(index - 1)


BUFFER = Producer(-2)  # the rolling buffer: what the inference before left
INPUT = Producer(-1)  # the network input


class PoolKind(Enum):
    """How a pooling window becomes one value."""

    MAX = "max"
    AVERAGE = "avg"


@dataclass(frozen=True, slots=True)
class Shape:
    """Channels, rows, columns of a tensor; one-dimensional data has one column."""

    channels: int
    rows: int
    columns: int

    @property
    def n_pixels(self) -> int:
        """Positions per channel."""
        return self.rows * self.columns

    @property
    def dims(self) -> Pair:
        """Rows and columns."""
        return self.rows, self.columns

    def __str__(self) -> str:
        return f"{self.channels}x{self.rows}x{self.columns}"


@dataclass(frozen=True, slots=True)
class Pool:
    """Pooling before the convolution: window 1x1 with stride 1 means none."""

    kind: PoolKind = PoolKind.MAX
    window: Pair = (1, 1)
    stride: Pair = (1, 1)
    is_stride_given: bool = True  # by the description

    @property
    def has_window(self) -> bool:
        """True if values are combined; a stride alone only drops positions."""
        return max(self.window) > 1

    @property
    def is_used(self) -> bool:
        """True if the input passes unchanged in no case."""
        return self.has_window or max(self.stride) > 1

    def output(self, dims: Pair, *, is_1d: bool) -> Pair:
        """Rows and columns after pooling; windows that do not fit whole are dropped."""
        rows = (dims[0] - self.window[0]) // self.stride[0] + 1
        columns = 1 if is_1d else (dims[1] - self.window[1]) // self.stride[1] + 1
        return rows, columns


@dataclass(frozen=True, slots=True)
class Kernel:
    """Integer parameters of a convolution.

    `weights_oihw` int64 (K, C, kh, kw), transposed convolutions already turned and swapped,
    flattened linear layers (K, C*H*W, 1, 1) in PyTorch's order; `bias` int64 bytes (K,) or None.
    """

    weights_oihw: NDArray[np.int64]
    bias: NDArray[np.int64] | None
    bits: int
    output_shift: int
    source: str  # checkpoint entry, for messages
    final_scale: int = 0  # as stored: see `graph.scales`

    @property
    def shift(self) -> int:
        """Shift the hardware applies: the user's, made independent of the weight width."""
        return total_shift(self.output_shift, self.bits)


@dataclass(frozen=True, slots=True)
class Constraints:
    """What the description says of a layer's place; None is left to the placement stage."""

    processors: int | None = None
    output_processors: int | None = None
    in_offset: int | None = None
    out_offset: int | None = None
    write_gap: int | None = None
    bias_group: tuple[int, ...] | None = None
    data_format: DataFormat | None = None


@dataclass(frozen=True, slots=True)
class Layer:
    """One hardware layer. Shapes are per operand; `in_shape` is before pooling and flattening."""

    index: int
    name: str
    where: str  # file, line and position, for messages
    op: Operator
    sources: tuple[Producer, ...]  # of what it reads, in order
    in_shape: Shape
    out_shape: Shape
    pool: Pool = Pool()
    operands: int = 1
    combine: Combine | None = None
    pool_first: bool = True
    kernel: Kernel | None = None
    kernel_size: Pair = (1, 1)
    pad: Pair = (0, 0)
    stride: Pair = (1, 1)
    dilation: int = 1
    output_pad: int = 0
    flatten: bool = False
    activation: Activation = Activation.NONE
    output_width: int = 8
    in_crop: Pair = (0, 0)
    is_output: bool = False
    buffer_shift: int = 0  # drops so many of the rolling buffer's oldest pixels
    buffer_insert: int = 0  # writes so many of the rolling buffer's newest pixels
    copies_anywhere: bool = False  # to any processors, by a convolution of 1 and 0; `move`
    is_streaming: bool = False  # starts while its producer still runs
    follows_streaming: bool = False  # the layer before streams
    passthrough_bits: int = (
        0  # `quantization` given on a layer without weights; a register shows it
    )
    constraints: Constraints = field(default_factory=Constraints)

    @property
    def as_producer(self) -> Producer:
        """The producer of this layer's result."""
        return Producer(self.index)

    @property
    def is_1d(self) -> bool:
        """True if the second dimension is not a dimension."""
        return self.op is Operator.CONV1D or (
            self.op is Operator.PASSTHROUGH and self.in_shape.columns == 1
        )

    @property
    def is_wide(self) -> bool:
        """True if the result is 32-bit accumulators, not bytes."""
        return self.output_width == 32

    @property
    def pooled(self) -> Pair:
        """Rows and columns that the convolution sees."""
        return self.pool.output(self.in_shape.dims, is_1d=self.is_1d)

    @property
    def n_macs(self) -> int:
        """Multiply-accumulates, padding counted, as the field counts them."""
        if self.kernel is None:
            return 0
        inputs = self.in_shape.channels * (prod(self.in_shape.dims) if self.flatten else 1)
        return (
            inputs * prod(self.kernel_size) * prod((self.out_shape.channels, *self.out_shape.dims))
        )


@dataclass(frozen=True, slots=True)
class Buffer:
    """The rolling buffer: pixels that stay in data memory from one inference to the next.

    It starts as zeros; a layer with `buffer_shift` moves its content, one with `buffer_insert`
    adds to it. `offset` in bytes inside every instance of `processors`.
    """

    name: str
    where: str
    shape: Shape
    processors: int
    offset: int


@dataclass(frozen=True, slots=True)
class Unload:
    """Data that `cnn_unload` delivers, wherever it comes from. `offset` in bytes."""

    where: str
    processors: int
    shape: Shape
    offset: int
    width_bits: int
    write_gap: int


@dataclass(frozen=True, slots=True)
class Graph:
    """The network: layers in execution order, and the shape of the input image."""

    name: str
    source: str
    input_shape: Shape
    layers: tuple[Layer, ...]
    output_map: int | None = None
    input_path: InputPath = InputPath.MEMORY
    buffer: Buffer | None = None
    unload: tuple[Unload, ...] = ()  # instead of what `unloaded` says
    unused: tuple[str, ...] = ()  # entries of the checkpoint that no layer takes
    finish: "Finish | None" = None  # what the processor does with the outputs

    @property
    def n_streaming(self) -> int:
        """Layers that run at the same time, from the first on."""
        return sum(layer.is_streaming for layer in self.layers)

    @property
    def outputs(self) -> tuple[Layer, ...]:
        """Layers whose results are unloaded and checked: those marked, and the last one."""
        return tuple(layer for layer in self.layers if layer.is_output or layer is self.layers[-1])

    @property
    def unloaded(self) -> tuple[Layer, ...]:
        """Layers that `cnn_unload` delivers: those marked, or the last one if none is."""
        return tuple(layer for layer in self.layers if layer.is_output) or self.layers[-1:]

    @property
    def producers(self) -> tuple[Producer, ...]:
        """The producers of all tensors, in order of time."""
        kept = () if self.buffer is None else (BUFFER,)
        return (*kept, INPUT, *(layer.as_producer for layer in self.layers))

    def layer_of(self, producer: Producer) -> Layer | None:
        """The layer that makes a tensor; None for what is there before any layer runs."""
        return self.layers[producer.step] if producer.is_layer else None

    def shape_of(self, producer: Producer) -> Shape:
        """Shape of a tensor."""
        if producer == BUFFER and self.buffer is not None:
            return self.buffer.shape
        layer = self.layer_of(producer)
        return self.input_shape if layer is None else layer.out_shape

    def consumers(self, producer: Producer) -> tuple[Layer, ...]:
        """Layers that read a tensor."""
        return tuple(layer for layer in self.layers if producer in layer.sources)
