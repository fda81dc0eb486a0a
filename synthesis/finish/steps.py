"""Steps behind the last layer, one type for each kind: parameters, and the shape of the result.

Tensors are float32. Axes are counted without a batch, from 0, or from the end with negative
numbers; apart from that words and meanings are PyTorch's. Nothing is computed here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from math import prod

Shape = tuple[int, ...]


class Misfit(ValueError):
    """A step that does not go with the shapes of its inputs: why, and a way out."""

    def __init__(self, why: str, fix: str) -> None:
        super().__init__(why)
        self.why = why
        self.fix = fix


class Function(Enum):
    """What is done with every number on its own."""

    SIGMOID = "sigmoid"
    TANH = "tanh"
    EXP = "exp"
    RELU = "relu"
    ABS = "abs"


class Pairing(Enum):
    """What is done with two numbers in the same place."""

    ADD = "add"
    SUB = "sub"
    MUL = "mul"


@dataclass(frozen=True, slots=True)
class Softmax:
    """Shares that add up to 1 along an axis."""

    dim: int


@dataclass(frozen=True, slots=True)
class LogSoftmax:
    """Logarithms of those shares."""

    dim: int


@dataclass(frozen=True, slots=True)
class Argmax:
    """Index of the largest number along an axis, the first of several equal ones; int32."""

    dim: int


@dataclass(frozen=True, slots=True)
class Normalize:
    """Divided by the square root of the sum of squares along an axis, or by `eps` if that is
    larger.
    """

    dim: int
    eps: float = 1e-12


@dataclass(frozen=True, slots=True)
class Pointwise:
    """A function of every number."""

    function: Function


@dataclass(frozen=True, slots=True)
class Clamp:
    """Numbers kept between two limits."""

    min: float
    max: float


@dataclass(frozen=True, slots=True)
class Scale:
    """Times `factor`, plus `offset`: one number each, or one for each place along an axis."""

    factor: tuple[float, ...] = (1.0,)
    offset: tuple[float, ...] = (0.0,)
    dim: int | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two tensors of one shape, number by number."""

    pairing: Pairing


@dataclass(frozen=True, slots=True)
class Concat:
    """Tensors one behind the other along an axis."""

    dim: int


@dataclass(frozen=True, slots=True)
class Permute:
    """Axes in another order: axis i of the result is axis `dims[i]` of the input."""

    dims: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Reshape:
    """The same numbers in the same order; one size may be -1 and is what is left."""

    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Slice:
    """Every `step`-th place from `start` to before `stop` along an axis."""

    dim: int
    start: int
    stop: int
    step: int = 1


Step = (
    Softmax
    | LogSoftmax
    | Argmax
    | Normalize
    | Pointwise
    | Clamp
    | Scale
    | Pair
    | Concat
    | Permute
    | Reshape
    | Slice
)
MOVES = (Concat, Permute, Reshape, Slice)  # numbers stay as they are


def shape_of(step: Step, inputs: Sequence[Shape]) -> Shape:
    """Shape of a step's result.

    Raises:
        Misfit: the step does not go with these inputs.
    """
    _check_count(step, len(inputs))
    first = inputs[0]
    match step:
        case Softmax(dim) | LogSoftmax(dim) | Normalize(dim):
            axis_of(dim, first)
            return first
        case Argmax(dim):
            axis = axis_of(dim, first)
            return (*first[:axis], *first[axis + 1 :]) or (1,)
        case Clamp() | Scale():
            return _kept(step, first)
        case Pair() | Concat():
            return _joined(step, inputs)
        case Permute() | Reshape() | Slice():
            return _moved(step, first)
        case _:
            return first


def axis_of(dim: int, shape: Shape) -> int:
    """An axis, counted from 0."""
    n = len(shape)
    if not -n <= dim < n:
        why = f"dim {dim} of a tensor of {shape_text(shape)}"
        raise Misfit(why, f"give {-n} to {n - 1}; axes are counted without a batch")
    return dim % n


def bounds(step: Slice, shape: Shape) -> tuple[int, int]:
    """First place of a slice, and the number of places."""
    start, stop, stride = slice(step.start, step.stop, step.step).indices(
        shape[axis_of(step.dim, shape)]
    )
    return start, len(range(start, stop, stride))


def shape_text(shape: Shape) -> str:
    """Sizes as messages have them."""
    return "x".join(map(str, shape))


def _check_count(step: Step, n_inputs: int) -> None:
    wanted = 2 if isinstance(step, Pair | Concat) else 1
    if n_inputs == wanted or (isinstance(step, Concat) and n_inputs > wanted):
        return
    words = "two or more inputs" if isinstance(step, Concat) else f"{wanted} input"
    words += "s" if isinstance(step, Pair) else ""
    raise Misfit(f"takes {words}, {n_inputs} given", "correct input")


def _kept(step: Clamp | Scale, shape: Shape) -> Shape:
    """What changes numbers by constants."""
    if isinstance(step, Clamp):
        if step.min > step.max:
            raise Misfit(f"min {step.min:g} is above max {step.max:g}", "exchange them")
        return shape
    lengths = {len(step.factor), len(step.offset)} - {1}
    n = 1 if step.dim is None else shape[axis_of(step.dim, shape)]
    if lengths - {n}:
        why = f"{max(lengths)} constants for {n} places"
        raise Misfit(why, "give one number, or dim and one for each place along it")
    return shape


def _joined(step: Pair | Concat, inputs: Sequence[Shape]) -> Shape:
    shapes = " and ".join(map(shape_text, inputs))
    if isinstance(step, Pair):
        if len(set(inputs)) > 1:
            raise Misfit(f"combines {shapes}", "make them equal: nothing is broadcast")
        return inputs[0]
    axis = axis_of(step.dim, inputs[0])
    others = {(len(shape), *shape[:axis], *shape[axis + 1 :]) for shape in inputs}
    if len(others) > 1:
        raise Misfit(f"joins {shapes} along dim {step.dim}", "make all other sizes equal")
    return (*inputs[0][:axis], sum(shape[axis] for shape in inputs), *inputs[0][axis + 1 :])


def _moved(step: Permute | Reshape | Slice, shape: Shape) -> Shape:
    match step:
        case Permute(dims):
            if sorted(dim % len(shape) for dim in dims) != list(range(len(shape))) or len(
                dims
            ) != len(shape):
                why = f"dims {list(dims)} of a tensor of {shape_text(shape)}"
                raise Misfit(why, f"name each of its {len(shape)} axes once, without the batch")
            return tuple(shape[dim] for dim in dims)
        case Reshape(sizes):
            return _reshaped(sizes, shape)
        case Slice():
            axis, (_, n) = axis_of(step.dim, shape), bounds(step, shape)
            if n == 0 or step.step < 1:
                why = f"nothing is left of {shape_text(shape)} along dim {step.dim}"
                raise Misfit(why, "give start, stop and step that leave something")
            return (*shape[:axis], n, *shape[axis + 1 :])


def _reshaped(sizes: Shape, shape: Shape) -> Shape:
    known = prod(size for size in sizes if size != -1)
    n_open = sum(size == -1 for size in sizes)
    if any(size < 1 and size != -1 for size in sizes) or n_open > 1:
        raise Misfit(f"shape {list(sizes)}", "give sizes from 1, of which one may be -1")
    whole = tuple(prod(shape) // known if size == -1 else size for size in sizes)
    if prod(whole) != prod(shape):
        why = f"{shape_text(shape)} are {prod(shape)} numbers, {list(sizes)} takes others"
        raise Misfit(why, "give sizes whose product is the same, without the batch")
    return whole
