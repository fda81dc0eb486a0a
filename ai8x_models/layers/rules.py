"""What may be asked of a layer: its options, their defaults, and the refusals of the constructor.

Rules carry the ids that `synthesize --explain` knows, and errors are of the kind that the compiler
raises for the same rule; what only training has carries none. Rules here cover what one layer alone
can break; what depends on the picture's size or on other layers is the compiler's to judge.

Source of the limits: docs/rules.md; docs/hardware/registers.md#layer-registers (field widths).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, TypedDict

from max78000.errors import CapacityError, InputError, ToolError, UnsupportedError, raise_all
from max78000.facts.chip import MAX78000, WEIGHT_BITS
from max78000.facts.fixed import Activation

BN_MOMENTUM = 0.05  # the vendor's layers; torch's own is 0.1
MAX_POOL = 16
MAX_PADDING = 2
MAX_TAPS = 9  # of a kernel
MAX_FLAT_FEATURES = 16_384  # 256 pixels of 64 channels

Pair = tuple[int, int]
Problem = tuple[str, str, str]  # why, fix, rule

# What is not impossible but wrong, or too large; the manual's exit status says so, too.
_KINDS: Mapping[str, type[ToolError]] = MappingProxyType(
    {
        **dict.fromkeys(("E1", "G9", "G13", "G14", "G22"), InputError),
        **dict.fromkeys(("F2", "P4"), CapacityError),
    }
)


def refusal(why: str, where: str = "", fix: str = "", rule: str = "") -> ToolError:
    """The error that goes with a rule: `UnsupportedError` for most."""
    return _KINDS.get(rule, UnsupportedError)(why, where=where, fix=fix, rule=rule)


class Options(TypedDict, total=False):
    """Options of every layer; what is left out has the default of `Plan`."""

    padding: int | None
    pool: Literal["max", "avg"] | None
    pool_size: int | Pair
    pool_stride: int | Pair | None
    batchnorm: Literal["Affine", "NoAffine"] | None
    activation: Literal["ReLU", "Abs"] | None
    wide: bool
    fixed_scale: bool
    bias: bool
    weight_bits: int | None
    stride: int
    dilation: int
    groups: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A layer's options, complete."""

    padding: int  # rows and columns of zeros on every side; left out, it keeps the picture's size
    pool: Literal["max", "avg"] | None = None  # before the operator
    pool_size: Pair = (2, 2)
    pool_stride: Pair = (2, 2)  # left out, the window's size
    batchnorm: Literal["Affine", "NoAffine"] | None = None
    activation: Activation = Activation.NONE
    wide: bool = False  # 32-bit output
    fixed_scale: bool = False  # QAT leaves weights unscaled and the output shift at 0
    bias: bool = True
    weight_bits: int | None = None  # start in QAT with this width
    stride: int = 1
    dilation: int = 1
    groups: int = 1

    @classmethod
    def make(cls, kernel_size: int, options: Options, n_dims: int = 2) -> "Plan":
        """Complete the options."""
        given: dict[str, Any] = {**options}
        if given.get("padding") is None:
            given["padding"] = kernel_size // 2
        size = given.get("pool_size", 2)
        stride = given.get("pool_stride") or size
        given["pool_size"] = _pair(size, n_dims)
        given["pool_stride"] = _pair(stride, n_dims)
        given["activation"] = Activation(given.get("activation") or "none")
        return cls(**given)


def _pair(size: int | Pair, n_dims: int) -> Pair:
    if isinstance(size, tuple):
        return size
    return (size, size if n_dims == 2 else 1)


def check(
    name: str, in_channels: int, out_channels: int, kernel_size: int, plan: Plan, fold: int = 1
) -> None:
    """Refuse a layer with a kernel that the accelerator cannot do.

    Args:
        name: class of the layer; it decides which kernels there are.
        in_channels: of the layer's input, before it is folded.
        out_channels: of the layer's output.
        kernel_size: rows and columns.
        plan: the rest.
        fold: ratio by which a folded layer's picture is folded.

    Raises:
        ToolError: what is wrong, with its rule; of the kind that `refusal` gives.
        ProblemList: everything that is wrong, if several things are.
    """
    kernel_problems = {
        "Conv2d": _kernel_problems_2d,
        "FoldedConv2d": _kernel_problems_folded,
        "ConvTranspose2d": _kernel_problems_transposed,
        "Conv1d": _kernel_problems_1d,
    }
    problems = (
        *kernel_problems[name](kernel_size, plan),
        *_channel_problems(fold**2 * in_channels, out_channels, MAX78000.max_channels),
        *_option_problems(plan),
        *_pool_problems(plan),
    )
    _refuse(problems, f"{name}({in_channels}, {out_channels}, {kernel_size})")


def check_pool(plan: Plan) -> None:
    """Refuse pooling that the accelerator cannot do; raises as `check`."""
    _refuse(_pool_problems(plan), "Pool")


def check_linear(in_features: int, out_features: int, plan: Plan) -> None:
    """Refuse a fully connected layer that the accelerator cannot do; raises as `check`."""
    problems = (
        *_channel_problems(in_features, out_features, MAX_FLAT_FEATURES),
        *_option_problems(plan),
        *_linear_problems(plan),
    )
    _refuse(problems, f"Linear({in_features}, {out_features})")


def _refuse(problems: Iterable[Problem], where: str) -> None:
    raise_all(refusal(why, where, fix, rule) for why, fix, rule in problems)


def _linear_problems(plan: Plan) -> Iterator[Problem]:
    if plan.pool:
        yield "a linear layer has no pooling", "pool in the layer before", "F4"
    if plan.padding:
        yield f"padding {plan.padding} of a linear layer is not 0", "leave it out", "C5"
    if plan.batchnorm:
        yield "a linear layer has no batch norm", "leave it out", ""


def _kernel_problems_2d(kernel_size: int, plan: Plan) -> Iterator[Problem]:
    if kernel_size not in (1, 3):
        fix = "two 3x3 layers see 5x5, three see 7x7; a 2x2 is a 3x3 with zeros"
        yield f"kernel size {kernel_size} is not 1 or 3", fix, "C1"
    else:
        yield from _padding_problems(kernel_size, plan.padding)
    if plan.stride != 1:
        fix = "fold the picture by 2 (FoldedConv2d), or pool before the next layer"
        yield f"stride {plan.stride} is not 1", fix, "C4"
    if plan.dilation != 1:
        yield f"dilation {plan.dilation} is not 1", "use more 3x3 layers, or pool first", "C7"


def _kernel_problems_folded(kernel_size: int, plan: Plan) -> Iterator[Problem]:
    if plan.pool is not None or (plan.stride, plan.padding, plan.dilation) != (1, 1, 1):
        why = "a folded layer has its stride and padding 1 built in, and no pooling or dilation"
        yield why, "leave these options out, and pool in the next layer", "C4"


def _kernel_problems_transposed(kernel_size: int, plan: Plan) -> Iterator[Problem]:
    for word, size, only, rule in (
        ("kernel size", kernel_size, 3, "C3"),
        ("stride", plan.stride, 2, "C4"),
        ("dilation", plan.dilation, 1, "C7"),
    ):
        if size != only:
            fix = "upsample by 2 with 3x3 kernels, or interpolate"
            yield f"{word} {size} is not {only}", fix, rule
    yield from _padding_problems(3, plan.padding)


def _kernel_problems_1d(kernel_size: int, plan: Plan) -> Iterator[Problem]:
    span = (kernel_size - 1) * plan.dilation
    if not 1 <= kernel_size <= MAX_TAPS:
        fix = "use two layers in a row"
        yield f"kernel size {kernel_size} is not within 1..{MAX_TAPS}", fix, "C2"
    elif plan.dilation == 1 or kernel_size > 1:
        yield from _padding_problems(kernel_size, plan.padding)
    if plan.dilation > 1 and span >= MAX_TAPS and (kernel_size > 3 or plan.padding or plan.pool):
        why = f"kernel size {kernel_size} with dilation {plan.dilation} spans {span + 1} values"
        fix = f"span at most {MAX_TAPS}, or use kernel size 3, padding 0 and no pooling"
        yield why, fix, "C6"
    if plan.stride != 1:
        yield f"stride {plan.stride} is not 1", "pool before the next layer", "C4"


def _padding_problems(kernel_size: int, padding: int) -> Iterator[Problem]:
    largest = min(MAX_PADDING, kernel_size - 1)
    if not 0 <= padding <= largest:
        why = f"padding {padding} is not within 0..{largest} for kernel size {kernel_size}"
        fix = f"use padding={min(kernel_size // 2, largest)}"
        yield why, fix, "C5"


def _channel_problems(n_in: int, n_out: int, most_in: int) -> Iterator[Problem]:
    for word, channels, most, rule in (
        ("input", n_in, most_in, "F2" if most_in == MAX_FLAT_FEATURES else "P4"),
        ("output", n_out, MAX78000.max_channels, "P4"),
    ):
        if not 1 <= channels <= most:
            yield f"{channels} {word} channels are not within 1..{most}", "split the layer", rule


def _option_problems(plan: Plan) -> Iterator[Problem]:
    if plan.groups != 1:
        fix = "use groups=1 with zeros, or an MAX78002, which has a depthwise mode"
        yield f"{plan.groups} groups are not 1", fix, "C8"
    if plan.wide and plan.activation is not Activation.NONE:
        why = f"a 32-bit output has no activation, and {plan.activation.value} is asked for"
        yield why, "drop the activation, or the 32-bit output", "C17"
    if plan.fixed_scale and not plan.wide:
        yield "fixed_scale is for 32-bit outputs only", "add wide=True, or drop it", ""
    if plan.fixed_scale and plan.batchnorm:
        yield "fixed_scale keeps weights within -1..1, batch norm cannot", "drop one of them", ""
    if plan.batchnorm and not plan.bias:
        yield "batch norm is folded into the bias, and there is none", "use bias=True", ""
    if plan.weight_bits not in (None, *WEIGHT_BITS):
        yield f"weights of {plan.weight_bits} bits do not exist", "use 1, 2, 4 or 8", "G22"


def _pool_problems(plan: Plan) -> Iterator[Problem]:
    if plan.pool is None:
        return
    for word, sizes in (("window", plan.pool_size), ("stride", plan.pool_stride)):
        if not all(1 <= size <= MAX_POOL for size in sizes):
            why = f"a pooling {word} of {sizes[0]}x{sizes[1]} is not within 1..{MAX_POOL}"
            yield why, "pool in two layers", "L1"
    rows, columns = plan.pool_stride
    if rows != columns and plan.pool_size[1] != 1:
        why = f"a pooling stride of {rows}x{columns} is not square"
        yield why, "use the same stride for rows and columns", "L2"
