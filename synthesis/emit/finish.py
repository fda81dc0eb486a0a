"""A plan of what stands behind the accelerator -> rows of C: `cnn_finish.c` and its header."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from math import prod
from types import MappingProxyType

from synthesis.emit.places import plain_name
from synthesis.finish.plan import MAX_AXES, Call, Plan
from synthesis.finish.steps import shape_text
from synthesis.finish.view import View
from synthesis.read.finish_keys import word_of

LINE = 100
MATH = frozenset(
    (
        *("softmax_rows", "log_softmax_rows", "normalize_rows"),
        *("sigmoid_each", "tanh_each", "exp_each"),
    )
)
# What is done with x[i]; limits and signs without branches into a library.
FORMULAS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "sigmoid": (
            "const float small = expf(x[i] < 0.0f ? x[i] : -x[i]); /* never overflows */",
            "x[i] = (x[i] < 0.0f ? small : 1.0f) / (1.0f + small);",
        ),
        "tanh": (
            "const float small = expf(x[i] < 0.0f ? 2.0f * x[i] : -2.0f * x[i]);",
            "const float size = (1.0f - small) / (1.0f + small);",
            "x[i] = x[i] < 0.0f ? -size : size;",
        ),
        "exp": ("x[i] = expf(x[i]);",),
        "relu": ("x[i] = x[i] > 0.0f ? x[i] : 0.0f;",),
        "abs": ("x[i] = x[i] < 0.0f ? -x[i] : x[i];",),
        "clamp": (
            "x[i] = x[i] < low ? low : x[i];",
            "x[i] = x[i] > high ? high : x[i];",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class ResultRow:
    """A member of the answers."""

    name: str
    type: str
    n: int
    shape: str


@dataclass(frozen=True, slots=True)
class Group:
    """The statements of one step."""

    title: str
    statements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FinishText:
    """Everything that the templates name."""

    results: tuple[ResultRow, ...]
    groups: tuple[Group, ...]
    functions: frozenset[str]
    formulas: tuple[tuple[str, tuple[str, ...]], ...]
    n_shared: int
    ram_text: str
    n_axes: int = MAX_AXES

    @property
    def needs_math(self) -> bool:
        """True if functions of math.h are called."""
        return bool(self.functions & MATH)

    @property
    def has_reals(self) -> bool:
        """True if an answer is of real numbers."""
        return any(row.type == "float" for row in self.results)

    @property
    def has_indices(self) -> bool:
        """True if an answer is of indices."""
        return any(row.type != "float" for row in self.results)

    @property
    def copies(self) -> bool:
        """True if numbers are copied."""
        return any(name.startswith(("load_", "copy_")) for name in self.functions)

    @property
    def has_rows(self) -> bool:
        """True if a function works along an axis."""
        return any(name.endswith("_rows") for name in self.functions)


def finish_text(plan: Plan) -> FinishText:
    """Make the rows."""
    functions = frozenset(call.function for call in plan.calls)
    names = {buffer.result: buffer for buffer in plan.buffers if buffer.result is not None}
    results = tuple(
        ResultRow(
            name=step.name,
            type="int32_t" if names[step.name].is_index else "float",
            n=prod(step.shape),
            shape=shape_text(step.shape),
        )
        for step in plan.finish.results
    )
    return FinishText(
        results=results,
        groups=tuple(_groups(plan)),
        functions=functions,
        formulas=tuple(
            (word, lines) for word, lines in FORMULAS.items() if f"{word}_each" in functions
        ),
        n_shared=plan.n_shared,
        ram_text=f"{4 * sum(row.n for row in results):,} bytes",
    )


def _groups(plan: Plan) -> Iterator[Group]:
    for index, calls in groupby(plan.calls, key=lambda call: call.step):
        title = _title(plan, index)
        yield Group(title, tuple(_statement(plan, call) for call in calls))


def _title(plan: Plan, index: int) -> str:
    if index < 0:
        return "results of the accelerator, in order"
    step = plan.finish.steps[index]
    n_inputs = len(plan.finish.inputs)
    sources = (
        plan.finish.inputs[value].name
        if value < n_inputs
        else plan.finish.steps[value - n_inputs].name
        for value in step.inputs
    )
    listed = ", ".join(map(plain_name, sources))
    return f"{step.name}: {word_of(step.step)} of {listed}, {shape_text(step.shape)}"


def _statement(plan: Plan, call: Call) -> str:
    arguments = [_pointer(plan, call.target)]
    if call.source is not None:
        stored = plan.buffers[call.source.buffer].stored
        if stored is None:
            arguments.append(_pointer(plan, call.source))
        else:
            words = plan.stored[stored].offset_words
            arguments.append(f"unloaded + {words}" if words else "unloaded")
            arguments.append(str(call.source.offset))
    arguments += call.arguments
    if call.walk is not None:
        axes = ((1, 0, 0),) * (MAX_AXES - len(call.walk)) + call.walk
        columns = (", ".join(map(str, column)) for column in zip(*axes, strict=True))
        arguments.append("&(const walk_t){ " + ", ".join(f"{{ {one} }}" for one in columns) + " }")
    return _wrapped(call.function, arguments)


def _wrapped(function: str, arguments: list[str]) -> str:
    """A call on as few lines as will do, inside a function."""
    lines, indent = [f"{function}("], " " * (len(function) + 5)
    for position, argument in enumerate(arguments):
        comma = ");" if position == len(arguments) - 1 else ","
        space = "" if lines[-1].endswith("(") else " "
        if len(lines[-1]) + len(space) + len(argument) + len(comma) > LINE - 4 * (len(lines) == 1):
            lines.append(f"{indent}{argument}{comma}")
        else:
            lines[-1] += f"{space}{argument}{comma}"
    return "\n".join(lines)


def _pointer(plan: Plan, view: View) -> str:
    """Where a view starts."""
    buffer = plan.buffers[view.buffer]
    array = "shared" if buffer.is_shared else f"answer->{buffer.result}"
    offset = view.offset + plan.offsets[view.buffer]
    return f"{array} + {offset}" if offset else array
