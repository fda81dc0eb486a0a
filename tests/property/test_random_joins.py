"""Random graphs with branches and joins, placed by nobody: the solver finds places, or says why.

A drawn network has convolutions, pooling, element-wise layers and concatenations that read any
earlier tensors, in any number. What compiles has to run on the simulated accelerator with the
interpreter's results; a refusal has to be one of too little room.
"""

from dataclasses import dataclass, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from max78000.errors import CapacityError, ProblemList, ToolError, UnsupportedError
from max78000.facts.chip import MAX78000
from max78000.machine.machine import Machine
from networks import Net, compile_net, source_of
from synthesis.compile import compile_source
from synthesis.generate.options import ProgramOptions
from synthesis.variants.advice import cheapest_variant

CHANNELS = st.sampled_from([1, 3, 4, 6, 8, 12, 16, 20, 32, 48, 64, 72, 128])
SIZES = st.sampled_from([(2, 2), (4, 6), (6, 6), (9, 5), (16, 16)])


@dataclass(frozen=True, slots=True)
class Tensor:
    """Shape of something that layers can read."""

    channels: int
    rows: int
    columns: int


class Drawing:
    """A network while it grows: YAML entries, weight shapes, tensors (the first is the input)."""

    def __init__(self, draw, image):
        self.draw = draw
        self.entries, self.weights = [], []
        self.tensors = [image]

    def add(self, keys, tensor, weight=None):
        self.entries.append("{" + ", ".join(keys) + "}")
        self.tensors.append(tensor)
        if weight is not None:
            self.weights.append(weight)

    def pick(self):
        return self.draw(st.integers(-1, len(self.tensors) - 2))

    def alike(self, source):
        """Tensors of the same shape, the newest first."""
        wanted = self.tensors[source + 1]
        found = [i - 1 for i, tensor in enumerate(self.tensors) if tensor == wanted]
        return found[::-1]

    def convolution(self):
        source = self.pick()
        read, n_out = self.tensors[source + 1], self.draw(CHANNELS)
        keys = [f"in_sequences: {source}", f"quantization: {self.draw(st.sampled_from([4, 8]))}"]
        rows, columns = read.rows, read.columns
        if self.draw(st.booleans()) and min(rows, columns) >= 2:
            keys += ["max_pool: 2", "pool_stride: 2"]
            rows, columns = rows // 2, columns // 2
        kernel, pad = self.draw(st.sampled_from([("1x1", 0), ("3x3", 1)]))
        keys += [f"kernel_size: {kernel}", f"pad: {pad}"]
        taps = kernel.replace("x", "x")
        self.add(keys, Tensor(n_out, rows, columns), f"{n_out}x{read.channels}x{taps}")

    def pooling(self):
        source = self.pick()
        read = self.tensors[source + 1]
        if read.channels > 64 or min(read.rows, read.columns) < 2:
            return self.convolution()
        keys = [f"in_sequences: {source}", "op: none", "avg_pool: 2", "pool_stride: 2"]
        return self.add(keys, Tensor(read.channels, read.rows // 2, read.columns // 2))

    def elementwise(self):
        found = self.alike(self.pick())
        operands = [self.draw(st.sampled_from(found)) for _ in range(self.draw(st.integers(2, 3)))]
        read = self.tensors[operands[0] + 1]
        if set(operands) == {-1} or read.channels > 64:
            return self.convolution()
        op = self.draw(st.sampled_from(["add", "sub", "xor", "or"]))
        keys = [f"in_sequences: {operands}", f"op: {op}", f"operands: {len(operands)}"]
        return self.add(keys, read)

    def concatenation(self):
        first = self.pick()
        dims = [(tensor.rows, tensor.columns) for tensor in self.tensors]
        found = [i - 1 for i, d in enumerate(dims) if d == dims[first + 1] and i - 1 != first]
        if not found:
            return self.convolution()
        second = self.draw(st.sampled_from(found))
        parts = [self.tensors[source + 1] for source in (first, second)]
        n_in, n_out = sum(part.channels for part in parts), self.draw(CHANNELS)
        keys = [f"in_sequences: [{first}, {second}]", "kernel_size: 1x1", "pad: 0"]
        return self.add(keys, Tensor(n_out, *dims[first + 1]), f"{n_out}x{n_in}x1x1")


@st.composite
def graphs(draw):
    image = Tensor(draw(st.sampled_from([1, 3, 8, 16])), *draw(SIZES))
    drawing = Drawing(draw, image)
    n_out = draw(CHANNELS)
    drawing.add(
        ["kernel_size: 3x3", "pad: 1"], Tensor(n_out, image.rows, image.columns),
        f"{n_out}x{image.channels}x3x3",
    )  # fmt: skip
    for _ in range(draw(st.integers(1, 7))):
        step = draw(st.sampled_from(["convolution", "pooling", "elementwise", "concatenation"]))
        getattr(drawing, step)()
    shape = f"{image.channels}x{image.rows}x{image.columns}"
    return Net("\n".join(drawing.entries), " ".join(drawing.weights), shape, bits=4)


def refusals(error):
    return error.problems if isinstance(error, ProblemList) else (error,)


def run(net):
    """Whether it compiled; if so, the accelerator gives what the interpreter says.

    If it does not fit, and a change is found that helps, that network has to run.
    """
    try:
        compiled = compile_net(net)
    except ToolError as error:
        problems = refusals(error)
        for problem in problems:
            is_room = isinstance(problem, CapacityError)
            is_join = isinstance(problem, UnsupportedError) and problem.rule in ("P1", "P10")
            assert is_room or is_join, problem
            assert problem.fix
        rules = frozenset(problem.rule for problem in problems)
        variant = cheapest_variant(source_of(net), MAX78000, rules)
        if variant is not None:
            answer(compile_source(variant.source, ProgramOptions("variant"), MAX78000))
        return False
    answer(compiled)
    return True


def answer(compiled):
    machine = Machine(MAX78000)
    machine.run(compiled.program)
    assert machine.check_known_answer(compiled.program) is None


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(net=graphs())
def test_what_is_placed_here_runs(net):
    run(net)


def test_most_graphs_find_a_place():
    """The generator is not refused away."""
    found = []

    @settings(max_examples=100, deadline=None, database=None, derandomize=True)
    @given(net=graphs())
    def look(net):
        found.append(run(net))

    look()
    assert sum(found) > 0.7 * len(found)


@pytest.mark.slow
def test_large_graphs_that_do_not_fit_get_a_change_that_does():
    """Wide layers over large pictures: many are refused, and for some a change helps."""
    helped = []

    @settings(max_examples=25, deadline=None, database=None, derandomize=True)
    @given(net=graphs(), size=st.sampled_from(["96x96", "128x128", "200x120"]))
    def look(net, size):
        large = replace(net, image=f"{net.image.partition('x')[0]}x{size}")
        problems = ()
        try:
            compile_net(large)
        except ToolError as error:
            problems = refusals(error)
        rules = frozenset(problem.rule for problem in problems)
        if problems and all(isinstance(problem, CapacityError) for problem in problems):
            variant = cheapest_variant(source_of(large), MAX78000, rules)
            if variant is not None:
                answer(compile_source(variant.source, ProgramOptions("variant"), MAX78000))
            helped.append(variant is not None)

    look()
    assert len(helped) > 5
    assert any(helped)
