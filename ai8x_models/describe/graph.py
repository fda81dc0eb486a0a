"""A network as data: one node for each thing it does with a tensor, in the order it was done.

`record` makes graphs of any PyTorch model, `rewrites` says some of it in other words, `convert`
turns them into graphs whose operators are all layers of ours. Nothing here computes, and nothing
knows the accelerator.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ai8x_models.describe.finish_steps import CpuSteps
from ai8x_models.layers.batchnorm import BatchNorm
from ai8x_models.layers.qat import Layer
from ai8x_models.zoo.registry import Shape
from max78000.facts.fixed import Activation, Combine

Kind = Literal["Conv1d", "Conv2d", "ConvTranspose2d", "Linear"]


@dataclass(frozen=True, slots=True)
class Input:
    """What the network is given."""


@dataclass(frozen=True, slots=True, eq=False)
class Convolution:
    """A convolution or a fully connected layer. Sizes are one number an axis, or one for all.

    `padding_end` is the padding behind the data where that differs from the one before them.
    """

    kind: Kind
    weight: Tensor
    bias: Tensor | None
    stride: Shape = (1,)
    padding: Shape = (0,)
    dilation: Shape = (1,)
    output_padding: Shape = (0,)
    groups: int = 1
    padding_end: Shape | None = None

    @property
    def n_axes(self) -> int:
        """Axes that the kernel moves along."""
        return self.weight.dim() - 2

    def each(self, sizes: Shape) -> Shape:
        """Sizes, one an axis."""
        return sizes if len(sizes) == self.n_axes else sizes * self.n_axes


@dataclass(frozen=True, slots=True, eq=False)
class Normalize:
    """Batch norm with its learned numbers."""

    norm: BatchNorm


@dataclass(frozen=True, slots=True)
class Activate:
    """ReLU or the absolute value."""

    activation: Activation


@dataclass(frozen=True, slots=True)
class Clamp:
    """Numbers kept between two limits.

    With `is_scaled` the tensor shall have the scale at which its data saturate there by themselves.
    """

    low: float
    high: float
    is_scaled: bool = False


@dataclass(frozen=True, slots=True)
class Pooling:
    """Pooling without padding. Sizes of all axes."""

    kind: Literal["max", "avg"]
    size: Shape
    stride: Shape


@dataclass(frozen=True, slots=True)
class Join:
    """Tensors combined element by element."""

    combine: Combine


@dataclass(frozen=True, slots=True)
class Concat:
    """Tensors joined along the channels."""


@dataclass(frozen=True, slots=True)
class View:
    """The same numbers in the same order under another shape."""


@dataclass(frozen=True, slots=True, eq=False)
class Own:
    """A layer of `ai8x_models.layers.layers`, whole."""

    layer: Layer


@dataclass(frozen=True, slots=True)
class Foreign:
    """What no layer of the accelerator does.

    Args:
        why, fix, rule: of the refusal.
        on_cpu: at the end of the network the application can do it: nothing is refused there.
    """

    why: str
    fix: str
    rule: str = ""
    on_cpu: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Affine:
    """A factor and a number to add for every channel, (C,) each.

    Here and below, `otherwise` is the refusal where no layer takes the operation along.
    """

    scale: Tensor
    offset: Tensor
    otherwise: Foreign


@dataclass(frozen=True, slots=True)
class Permute:
    """Axes in another order; `order` counts them without the batch."""

    order: Shape
    otherwise: Foreign


@dataclass(frozen=True, slots=True)
class Slice:
    """Channels `start` to before `stop`."""

    start: int
    stop: int
    otherwise: Foreign


@dataclass(frozen=True, slots=True)
class Pad:
    """Zeros around the data, or less of them where negative; for each axis but the channels."""

    before: Shape
    after: Shape
    otherwise: Foreign


@dataclass(frozen=True, slots=True)
class PaddedPooling:
    """Pooling of data with zeros around them, or with what no maximum is."""

    pooling: Pooling
    pad: Pad


@dataclass(frozen=True, slots=True)
class Upsample:
    """Every number repeated along all axes but the channels."""

    ratio: int
    otherwise: Foreign


Op = (
    Input
    | Convolution
    | Normalize
    | Activate
    | Clamp
    | Pooling
    | Join
    | Concat
    | View
    | Own
    | Foreign
    | Affine
    | Permute
    | Slice
    | Pad
    | PaddedPooling
    | Upsample
)


@dataclass(frozen=True, slots=True)
class Node:
    """One step.

    Args:
        name: unique, an identifier; the module's path where one module does the step.
        op: what is done.
        inputs: indices of the nodes whose results it takes.
        shape: of the result.
        limit: largest magnitude in the result, over the examples the model ran on.
        where: module and source line, for messages.
        cpu_steps: the same as steps of the processor; none if no step says it.
    """

    name: str
    op: Op
    inputs: tuple[int, ...]
    shape: Shape
    limit: float
    where: str
    cpu_steps: CpuSteps = ()


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes in order; the first is the input. `outputs` are nodes, in the model's order."""

    nodes: tuple[Node, ...]
    outputs: tuple[int, ...]

    def readers(self) -> dict[int, list[int]]:
        """Who takes each node's result, one entry a use."""
        found: dict[int, list[int]] = {index: [] for index in range(len(self.nodes))}
        for index, node in enumerate(self.nodes):
            for source in node.inputs:
                found[source].append(index)
        return found

    def is_private(self, index: int) -> bool:
        """True if exactly one node reads this one, and it is no output."""
        uses = Counter(source for node in self.nodes for source in node.inputs)
        return uses[index] == 1 and index not in self.outputs


def magnitude(x: Tensor) -> float:
    """Largest absolute value; 0 of an empty tensor."""
    return float(x.detach().abs().max()) if x.numel() and x.dtype != torch.bool else 0.0
