"""Every kind of step in one table: what it computes, its C function, and what that costs.

Cycles are estimates for the Cortex-M4 with floating point unit, code without wait states, counted
from the instructions of a loop ([Cortex-M4], instruction timings): load or store 2, add, multiply
or convert 1, divide or square root 14, a branch taken 3; index arithmetic on top. `expf` of the
board support package takes about 40, its `logf` about 50. Not measured on a board.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from types import MappingProxyType
from typing import Any

import numpy as np

from synthesis.finish import compute
from synthesis.finish.steps import (
    Argmax,
    Clamp,
    Concat,
    LogSoftmax,
    Normalize,
    Pair,
    Permute,
    Pointwise,
    Reshape,
    Scale,
    Shape,
    Slice,
    Softmax,
    Step,
)

EXP, LOG, DIVIDE, ROW = 40, 50, 14, 30
COPY_CYCLES = 14  # a number: load, convert, multiply, store, and the next index
CALL_CYCLES = 60
ACCURACY = (
    "cycles counted from the instructions of the Cortex-M4's loops, code without wait states; not "
    "measured: the truth may be twice as much"
)

Arguments = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Operator:
    """What there is to know about one kind of step.

    Attributes:
        compute: step, inputs, shape of the result -> result.
        function: C function that works in place on numbers in order; empty if only views and
            copies are needed.
        arguments: step and shape of its input -> C arguments behind the data.
        cycles: for a number of the input.
        row_cycles: for what is done once along the step's axis.
    """

    compute: Callable[[Any, Sequence[Any], Shape], compute.Array]
    function: Callable[[Any], str] = lambda _step: ""
    arguments: Callable[[Any, Shape], Arguments] = lambda _step, _shape: ()
    cycles: Callable[[Any], int] = lambda _step: 0
    row_cycles: int = 0


def number(value: float) -> str:
    """A float32 constant of C, as short as it can be."""
    text = str(np.float32(value))
    return f"{text}f" if set(text) & set(".e") else f"{text}.0f"


def rows(step: Any, shape: Shape) -> Arguments:
    """Numbers in front of an axis, along it, behind it."""
    axis = step.dim % len(shape)
    sizes = (prod(shape[:axis]), shape[axis], prod(shape[axis + 1 :]))
    return tuple(map(str, sizes))


def _count(_step: Any, shape: Shape) -> Arguments:
    return (str(prod(shape)),)


def _limits(step: Clamp, shape: Shape) -> Arguments:
    return (str(prod(shape)), number(step.min), number(step.max))


def _constants(step: Scale, shape: Shape) -> Arguments:
    sizes = ("1", "1", str(prod(shape))) if step.dim is None else rows(step, shape)
    n = int(sizes[1])
    lists = (one if len(one) == n else one * n for one in (step.factor, step.offset))
    texts = (", ".join(map(number, one)) for one in lists)
    return (*sizes, *(f"(const float[]){{ {text} }}" for text in texts))


_POINTWISE = MappingProxyType(
    {"sigmoid": EXP + DIVIDE + 10, "tanh": EXP + DIVIDE + 12, "exp": EXP + 7, "relu": 9, "abs": 8}
)
_OPERATORS: Mapping[type, Operator] = MappingProxyType(
    {
        Softmax: Operator(
            compute.softmax, lambda _: "softmax_rows", rows, lambda _: EXP + 26, ROW + DIVIDE
        ),
        LogSoftmax: Operator(
            compute.log_softmax, lambda _: "log_softmax_rows", rows, lambda _: EXP + 26, ROW + LOG
        ),
        Argmax: Operator(compute.argmax, lambda _: "argmax_rows", rows, lambda _: 9, ROW),
        Normalize: Operator(
            compute.normalize,
            lambda _: "normalize_rows",
            lambda step, shape: (*rows(step, shape), number(step.eps)),
            lambda _: 17,
            ROW + 2 * DIVIDE,
        ),
        Pointwise: Operator(
            compute.pointwise,
            lambda step: f"{step.function.value}_each",
            _count,
            lambda step: _POINTWISE[step.function.value],
        ),
        Clamp: Operator(compute.clamp, lambda _: "clamp_each", _limits, lambda _: 11),
        Scale: Operator(compute.scale, lambda _: "scale_rows", _constants, lambda _: 15),
        Pair: Operator(
            compute.pair, lambda step: f"{step.pairing.value}_each", _count, lambda _: 10
        ),
        Concat: Operator(compute.concat),
        Permute: Operator(compute.permute),
        Reshape: Operator(compute.reshape),
        Slice: Operator(compute.cut),
    }
)


def operator_of(step: Step) -> Operator:
    """The row of a step."""
    return _OPERATORS[type(step)]


def step_cycles(step: Step, shape: Shape) -> int:
    """Estimate of the work on an input of this shape, without what is copied."""
    operator = operator_of(step)
    if not operator.function(step):
        return 0
    dim = getattr(step, "dim", None)
    n_rows = prod(shape) // shape[dim] if operator.row_cycles and dim is not None else 0
    return CALL_CYCLES + operator.cycles(step) * prod(shape) + operator.row_cycles * n_rows
