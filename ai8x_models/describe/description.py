"""A network description as a value, and its text: the shortest that says the same.

The language is the vendor's (see `networks/README.md`). A key is written if leaving it out would
mean something else; `op`, `kernel_size`, `pad` and `activate` are written always, because their
defaults surprise. Never written: processors, offsets and gaps, which are the compiler's work, and
widths and shifts of weights, which are in the checkpoint.
"""

import textwrap
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ai8x_models.describe.finish import StepEntry
from ai8x_models.layers.rules import Pair
from ai8x_models.zoo.registry import Shape
from max78000.facts.fixed import Activation, Combine

INPUT = "input"
_PAGE_WIDTH = 100  # of lines with counts, in letters
FINISH_COMMENT = (
    "# On the processor, behind the layers; the vendor's generator has no such section."
)
Operator = Literal["conv1d", "conv2d", "convtranspose2d", "linear", "passthrough"]

_COMBINE_WORDS = (
    (Combine.ADD, "add"),
    (Combine.SUB, "sub"),
    (Combine.OR, "or"),
    (Combine.XOR, "xor"),
)


@dataclass(frozen=True, slots=True)
class PoolEntry:
    """Pooling in front of a layer: rows and columns; one column for one-dimensional data."""

    kind: Literal["max", "avg"]
    size: Pair
    stride: Pair


@dataclass(frozen=True, slots=True)
class LayerEntry:
    """One layer of the accelerator.

    Args:
        name: unique, a plain word.
        op: main operation; `passthrough` also for element-wise operations on their own.
        sources: layers that it reads, or `input`; of a join, the operands in order.
        combine: element-wise operation in front of the main one.
        pool_first: operands are pooled before they are combined.
        is_output: its result is an answer of the network.
        in_dim: rows and columns to read, where they are not those of the producers.
        weight_source: layer whose weights these are.
        in_shape, out_shape: of what it reads (one operand, before pooling) and of its result.
    """

    name: str
    op: Operator
    sources: tuple[str, ...]
    in_shape: Shape
    out_shape: Shape
    combine: Combine | None = None
    pool_first: bool = True
    pool: PoolEntry | None = None
    kernel_size: int = 1
    padding: int = 0
    dilation: int = 1
    flatten: bool = False
    activation: Activation = Activation.NONE
    is_wide: bool = False
    is_output: bool = False
    is_streaming: bool = False
    in_dim: Pair | None = None
    weight_source: str | None = None

    @property
    def has_weights(self) -> bool:
        """True if the checkpoint has an entry for it."""
        return self.op != "passthrough" and self.weight_source is None

    def to_text(self, producer: str, is_last: bool) -> str:
        """The entry on one line.

        Args:
            producer: the layer before, which is read unless others are named.
            is_last: the last layer is an output in any case.
        """
        keys = [("name", self.name)]
        if self.sources != (producer,):
            names = ", ".join(self.sources)
            keys.append(("in_sequences", f"[{names}]" if len(self.sources) > 1 else names))
        keys += self._operation_keys()
        if self.is_wide:
            keys.append(("output_width", "32"))
        if self.is_streaming:
            keys.append(("streaming", "true"))
        if self.is_output and not is_last:
            keys.append(("output", "true"))
        return "{" + ", ".join(f"{key}: {value}" for key, value in keys) + "}"

    def _operation_keys(self) -> Iterator[tuple[str, str]]:
        yield from self._join_keys()
        if self.in_dim:
            yield "in_dim", _pair_text(self.in_dim, self.op == "conv1d")
        if self.op in ("conv1d", "conv2d", "convtranspose2d"):
            size = str(self.kernel_size)
            yield "kernel_size", size if self.op == "conv1d" else f"{size}x{size}"
            yield "pad", str(self.padding)
        if self.dilation != 1:
            yield "dilation", str(self.dilation)
        if self.flatten:
            yield "flatten", "true"
        if self.weight_source:
            yield "weight_source", self.weight_source
        if self.op != "passthrough":
            is_none = self.activation is Activation.NONE
            yield "activate", "None" if is_none else self.activation.value
        if self.pool is not None:
            yield from self._pool_keys(self.pool)

    def _join_keys(self) -> Iterator[tuple[str, str]]:
        """The main operation, and the element-wise one: alone, it is the main one."""
        word = dict(_COMBINE_WORDS)[self.combine] if self.combine else None
        if word is None:
            yield "op", self.op
        elif self.op == "passthrough":
            yield "op", word
        else:
            yield "op", self.op
            yield "eltwise", word
        if word and len(self.sources) != 2:
            yield "operands", str(len(self.sources))

    def _pool_keys(self, pool: PoolEntry) -> Iterator[tuple[str, str]]:
        is_1d = len(self.in_shape) == 2
        if not self.pool_first:
            yield "pool_first", "false"
        yield f"{pool.kind}_pool", _pair_text(pool.size, is_1d)
        yield "pool_stride", _pair_text(pool.stride, is_1d)


def _pair_text(pair: Pair, is_1d: bool) -> str:
    rows, columns = pair
    return str(rows) if is_1d or rows == columns else f"[{rows}, {columns}]"


@dataclass(frozen=True, slots=True)
class NetworkDescription:
    """A whole network.

    Args:
        arch: name that its checkpoints carry.
        dataset: descriptive; also names the sample's file for the vendor's generator.
        input_shape: what the model takes; `device_shape` what the accelerator takes of it.
        fold: ratio by which pictures are folded in between; 1 if they are not.
        on_cpu: what the processor does behind the layers, in words.
        layers: in the order in which they run, and in which the checkpoint has their weights.
        preparations: what the application does to the model's input before the accelerator.
        rewrites: what of the model is said in other words, with places and costs.
        finish: what the processor does behind the layers, as steps.
        left: of `on_cpu`, what the steps do not say: the application does it.
    """

    arch: str
    dataset: str
    input_shape: Shape
    fold: int
    on_cpu: tuple[str, ...]
    layers: tuple[LayerEntry, ...]
    preparations: tuple[str, ...] = ()
    rewrites: tuple[str, ...] = ()
    finish: tuple[StepEntry, ...] = ()
    left: tuple[str, ...] = ()

    @property
    def device_shape(self) -> Shape:
        """(C, H, W) or (C, L) of the sample that the compiler is given; features are one pixel."""
        channels, *sizes = self.input_shape
        if not sizes:
            return channels, 1, 1
        return channels * self.fold**2, *(size // self.fold for size in sizes)

    def to_text(self) -> str:
        """The description as YAML."""
        lines = ["---", f"# {self.arch}: reads {_shape_text(self.device_shape)}{self._folding()}."]
        if self.preparations:
            lines.append(f"# The application prepares the input: {', '.join(self.preparations)}.")
        lines += [f"# Rewritten: {one}." for one in self.rewrites]
        if self.left:
            lines.append(f"# Left to the application: {', '.join(self.left)}.")
        if any(layer.is_streaming for layer in self.layers):
            lines.append("# The first layers stream, so compile with --fifo.")
        lines += [f"arch: {self.arch}", f"dataset: {self.dataset}", *self._shape_lines()]
        lines += ["", "layers:"]
        outputs = [layer.name for layer in self.layers if layer.is_output]
        producer = INPUT
        for layer in self.layers:
            is_last = [layer.name] == outputs and layer is self.layers[-1]
            lines.append(f"  - {layer.to_text(producer, is_last)}")
            producer = layer.name
        if self.finish:
            lines += ["", FINISH_COMMENT, "finish:"]
            lines += [f"  - {entry.to_text()}" for entry in self.finish]
        return "\n".join(lines) + "\n"

    def _shape_lines(self) -> Iterator[str]:
        """What lets the compiler check a network that has no checkpoint and no sample yet."""
        yield f"input_shape: [{', '.join(map(str, self.device_shape))}]"
        counts = [str(layer.out_shape[0]) for layer in self.layers if layer.has_weights]
        if counts:
            text = f"out_channels: [{', '.join(counts)}]"
            yield from textwrap.wrap(text, _PAGE_WIDTH, subsequent_indent="  ")

    def to_json(self) -> dict[str, Any]:
        """Plain data; enums as words."""
        rows = [
            {
                **asdict(layer),
                "combine": layer.combine.name.lower() if layer.combine else None,
                "activation": layer.activation.value,
            }
            for layer in self.layers
        ]
        return {
            "arch": self.arch,
            "dataset": self.dataset,
            "input_shape": list(self.input_shape),
            "device_shape": list(self.device_shape),
            "fold": self.fold,
            "on_cpu": list(self.on_cpu),
            "preparations": list(self.preparations),
            "rewrites": list(self.rewrites),
            "layers": rows,
            "finish": [
                {"name": one.name, "inputs": list(one.inputs), "op": one.step.op}
                | dict(one.step.keys)
                | {"result": one.is_result, "shape": list(one.step.shape)}
                for one in self.finish
            ],
            "left": list(self.left),
        }

    def _folding(self) -> str:
        if self.fold == 1:
            return ""
        return f", which is {_shape_text(self.input_shape)} folded by {self.fold}"


def _shape_text(shape: Shape) -> str:
    return "x".join(map(str, shape))
