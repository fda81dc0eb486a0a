"""What a network description says, as frozen values, unchecked and without defaults.

The language is the one users of the vendor's generator write; `None` means "not given". Reading the
text is `yaml_reader`'s work, filling in what is not given is `lower`'s and `place`'s.
"""

from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING

from max78000.facts.fixed import Activation, Combine

if TYPE_CHECKING:  # few networks have one, and it takes a moment to import
    from synthesis.finish.steps import Step


class Operator(Enum):
    """Main operation of a layer."""

    CONV1D = "Conv1d"
    CONV2D = "Conv2d"
    CONVTRANSPOSE2D = "ConvTranspose2d"
    LINEAR = "Linear"
    PASSTHROUGH = "Passthrough"


class DataFormat(Enum):
    """Layout of the network input in data memory."""

    HWC = "hwc"  # one 32-bit word holds four channels of one pixel
    CHW = "chw"  # one 32-bit word holds four pixels of one channel


# Words of the language, lower case -> meaning.
OPERATORS = MappingProxyType(
    {
        "conv1d": Operator.CONV1D,
        "conv2d": Operator.CONV2D,
        "convtranspose2d": Operator.CONVTRANSPOSE2D,
        "linear": Operator.LINEAR,
        "fc": Operator.LINEAR,
        "mlp": Operator.LINEAR,
        "none": Operator.PASSTHROUGH,
        "passthrough": Operator.PASSTHROUGH,
    }
)
ELTWISE_OPERATORS = MappingProxyType(
    {
        "add": Combine.ADD,
        "sub": Combine.SUB,
        "or": Combine.OR,
        "bitwiseor": Combine.OR,
        "bitwise_or": Combine.OR,
        "xor": Combine.XOR,
        "bitwisexor": Combine.XOR,
        "bitwise_xor": Combine.XOR,
    }
)
ACTIVATIONS = MappingProxyType({word.value.lower(): word for word in Activation})
DATA_FORMATS = MappingProxyType(
    {
        "hwc": DataFormat.HWC,
        "little": DataFormat.HWC,
        "chw": DataFormat.CHW,
        "big": DataFormat.CHW,
    }
)

Reference = int | str
Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class LayerSpec:
    """One entry of `layers`, as written. Offsets in bytes inside a data memory instance."""

    line: int
    name: str | None = None
    sequence: int | None = None
    next_sequence: Reference | None = None
    simulated_sequence: Reference | None = None
    in_sequences: tuple[Reference, ...] | None = None
    weight_source: Reference | None = None
    output: bool = False

    op: Operator | None = None
    eltwise: Combine | None = None
    operands: int | None = None
    pool_first: bool | None = None
    activate: Activation | None = None
    kernel_size: Pair | None = None
    pad: int | None = None
    stride: Pair | None = None
    dilation: Pair | None = None
    output_pad: int | None = None
    flatten: bool = False
    max_pool: Pair | int | None = None
    avg_pool: Pair | int | None = None
    pool_stride: Pair | int | None = None

    quantization: int | None = None
    output_shift: int | None = None
    output_width: int | None = None
    in_channels: int | None = None
    out_channels: int | None = None
    in_dim: Pair | None = None
    in_crop: Pair | None = None

    processors: int | None = None
    output_processors: int | None = None
    in_offset: int | None = None
    out_offset: int | None = None
    write_gap: int | None = None
    bias_group: tuple[int, ...] | None = None
    data_format: DataFormat | None = None
    streaming: bool = False
    in_channel_skip: int | None = None
    buffer_shift: int | None = None
    buffer_insert: int | None = None
    move: bool = False  # not in the vendor's language


@dataclass(frozen=True, slots=True)
class BufferSpec:
    """One entry of `data_buffer`: entries that stay from one inference to the next, as written."""

    line: int
    name: str | None = None
    processors: int | None = None
    channels: int | None = None
    dim: Pair | None = None
    offset: int | None = None
    width: int = 8


@dataclass(frozen=True, slots=True)
class UnloadSpec:
    """One entry of `unload`: data that `cnn_unload` delivers instead of the output layers'."""

    line: int
    processors: int | None = None
    channels: int | None = None
    dim: Pair | None = None
    offset: int | None = None
    width: int = 8
    write_gap: int = 0


@dataclass(frozen=True, slots=True)
class StepSpec:
    """One entry of `finish`: a step of the processor's behind the last layer; not in the vendor's
    language. `inputs` are layers or steps before; None: the step before, or the last layer.
    """

    line: int
    step: "Step"
    name: str | None = None
    inputs: tuple[str, ...] | None = None
    result: bool = False


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """A whole description. `source` names the file for messages."""

    source: str
    arch: str
    dataset: str
    layers: tuple[LayerSpec, ...]
    bias: str | None = None
    weights: str | None = None
    output_map: int | None = None
    input_shape: tuple[int, ...] | None = None  # (C, H, W) or (C, L) of the sample
    out_channels: tuple[int, ...] = ()  # of the layers with weights of their own, in order
    buffers: tuple[BufferSpec, ...] = ()
    unload: tuple[UnloadSpec, ...] = ()
    finish: tuple[StepSpec, ...] = ()

    def where(self, position: int) -> str:
        """Place of a layer for messages: file, line, position in the list, name."""
        layer = self.layers[position]
        name = f" {layer.name}" if layer.name else ""
        return f"{self.source}:{layer.line} layers[{position}]{name}"

    def where_finish(self, position: int) -> str:
        """The same of a step."""
        step = self.finish[position]
        name = f" {step.name}" if step.name else ""
        return f"{self.source}:{step.line} finish[{position}]{name}"
