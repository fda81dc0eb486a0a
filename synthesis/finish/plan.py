"""A finish -> calls of C functions and the buffers that they work on.

What only moves numbers about becomes part of the copy that reads them; what computes works in
place. Results have arrays of their own, everything else shares one piece of memory by its time of
life.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from synthesis.finish.finish import Finish, FinishStep
from synthesis.finish.homes import homes_of, nested_of
from synthesis.finish.steps import (
    Argmax,
    Concat,
    Misfit,
    Pair,
    Permute,
    Reshape,
    Shape,
    Slice,
    axis_of,
    bounds,
)
from synthesis.finish.table import (
    CALL_CYCLES,
    COPY_CYCLES,
    Arguments,
    number,
    operator_of,
    step_cycles,
)
from synthesis.finish.view import Axis, View, walk

MAX_AXES = 4
FLOAT_BYTES = 4


@dataclass(frozen=True, slots=True)
class StoredPart:
    """Channels of an accelerator's result that lie evenly in the unload buffer.

    Args:
        n_channels: how many, after those of the parts before.
        offset: of the first number, in elements from the start of the result.
        strides: elements from one channel to the next, and from one pixel to the next.
    """

    n_channels: int
    offset: int
    strides: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Stored:
    """An accelerator's result in the unload buffer.

    Args:
        shape: channels, rows, columns.
        offset_words: of the first number, from the start of the buffer.
        element_bits: 8, 16 or 32 signed bits a number.
        unit: real number for 1 in the buffer.
        parts: where its channels lie, from its first number on.
    """

    shape: tuple[int, int, int]
    offset_words: int
    element_bits: int
    unit: float
    parts: tuple[StoredPart, ...]


@dataclass(frozen=True, slots=True)
class Buffer:
    """Memory of so many numbers. Exactly one of the others says whose it is.

    Args:
        stored: index of an input, of which it is the unload buffer.
        result: name of a result, of which it is the array.
        is_index: integers, not reals.
    """

    n: int
    stored: int | None = None
    result: str | None = None
    is_index: bool = False

    @property
    def is_shared(self) -> bool:
        """True if it is a piece of the shared memory."""
        return self.stored is None and self.result is None


@dataclass(frozen=True, slots=True)
class Call:
    """One C function at work.

    Args:
        step: index of the step that it is part of; -1 for an input that is put in order.
        target: where it writes; in place unless there is a source.
        source: what it reads.
        walk: of a copy.
        cycles: estimate.
    """

    step: int
    function: str
    target: View
    source: View | None = None
    walk: tuple[Axis, ...] | None = None
    arguments: Arguments = ()
    cycles: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that the C code says. `offsets` of shared buffers, in numbers; others have 0."""

    finish: Finish
    stored: tuple[Stored, ...]
    buffers: tuple[Buffer, ...]
    calls: tuple[Call, ...]
    offsets: tuple[int, ...]
    n_shared: int

    @property
    def ram_bytes(self) -> int:
        """Results and shared memory."""
        n_results = sum(buffer.n for buffer in self.buffers if buffer.result is not None)
        return FLOAT_BYTES * (self.n_shared + n_results)

    def cycles_of(self, step: int) -> int:
        """Estimate for one step."""
        return sum(call.cycles for call in self.calls if call.step == step)


def make_plan(finish: Finish, stored: Sequence[Stored]) -> Plan:
    """Plan the code.

    Args:
        finish: what to compute.
        stored: where its inputs lie.
    Raises:
        Misfit: a copy that needs too many axes.
    """
    planner = _Planner(finish, stored)
    planner.run()
    offsets, n_shared = _shared_offsets(planner.buffers, planner.calls)
    return Plan(
        finish,
        tuple(stored),
        tuple(planner.buffers),
        tuple(planner.calls),
        offsets,
        n_shared,
    )


class _Planner:
    """One pass over the steps. `views` are the values so far: inputs, then steps."""

    def __init__(self, finish: Finish, stored: Sequence[Stored]) -> None:
        self.finish = finish
        self.stored = stored
        self.buffers: list[Buffer] = []
        self.calls: list[Call] = []
        self.step = -1
        self.n_readers = Counter(value for step in finish.steps for value in step.inputs)
        self.homes = homes_of(finish, self.n_readers)
        self.nested = nested_of(finish, self.n_readers)
        self.wholes: dict[int, View] = {}  # of steps that join
        self.views: list[View] = []

    def run(self) -> None:
        """Plan everything."""
        self.views += [self._input(index) for index in range(len(self.stored))]
        for index, step in enumerate(self.finish.steps):
            self.step = index
            self.views.append(self._planned(step))
            if step.is_result and not self._is_home(self.views[-1], step):
                home = self._buffer(step.shape, result=step.name)
                self._copy(self.views[-1], home)
                self.views[-1] = home

    # One value.

    def _input(self, index: int) -> View:
        """An accelerator's result; put in order if no one view shows it."""
        stored, shape = self.stored[index], self.finish.inputs[index].shape
        self.buffers.append(Buffer(prod(stored.shape), stored=index))
        views = [_stored_view(stored, part, len(self.buffers) - 1) for part in stored.parts]
        seen = views[0].reshaped(shape) if len(views) == 1 else None
        if seen is not None:
            return seen
        whole = self._buffer(stored.shape)
        if (blocks := _even_blocks(views)) is not None:
            self._copy(blocks, View.whole(whole.buffer, blocks.shape))
        else:
            self._join(views, whole, 0)
        return View.whole(whole.buffer, shape)

    def _planned(self, step: FinishStep) -> View:
        inputs = [self.views[value] for value in step.inputs]
        match step.step:
            case Permute() | Slice() | Reshape():
                return _seen(step, inputs[0]) or self._copied(step, inputs[0])
            case Concat(dim):
                return self._joined(step, inputs, axis_of(dim, step.shape))
            case Argmax():
                return self._indexed(step, inputs[0])
            case Pair():
                return self._paired(step, inputs)
            case _:
                return self._in_place(step, inputs[0])

    def _copied(self, step: FinishStep, source: View) -> View:
        """A view of a copy, where one of the numbers as they lie will not do."""
        is_whole = isinstance(step.step, Reshape)
        copy = self._own(source.shape) if is_whole else self._buffer(source.shape)
        self._copy(source, copy)
        seen = _seen(step, copy)
        assert seen is not None
        return seen

    def _joined(self, step: FinishStep, inputs: Sequence[View], axis: int) -> View:
        whole = self._whole(self.step)
        self._join(inputs, whole, axis)
        return whole

    def _indexed(self, step: FinishStep, source: View) -> View:
        target = self._buffer(step.shape, result=step.name, is_index=True)
        self._call(step, target, self._in_order(source), source.shape)
        return target

    def _paired(self, step: FinishStep, inputs: Sequence[View]) -> View:
        second = self._in_order(inputs[1])
        first = self._worked_on(step.inputs[0], inputs[0])
        self._call(step, first, second, first.shape)
        return first

    def _in_place(self, step: FinishStep, source: View) -> View:
        target = self._worked_on(step.inputs[0], source)
        self._call(step, target, None, target.shape)
        return target

    # Memory.

    def _worked_on(self, value: int, source: View) -> View:
        """The numbers where a step may change them: their own buffer if nobody else needs it."""
        buffer = self.buffers[source.buffer]
        is_whole = source.is_contiguous and prod(source.shape) == buffer.n
        home = self.homes.get(self.step)
        is_there = buffer.result == home and buffer.stored is None
        if is_whole and is_there and self._is_private(value):
            return source
        target = self._own(source.shape)
        self._copy(source, target)
        return target

    def _is_private(self, value: int) -> bool:
        """True if one step alone reads a value, under whatever shape."""
        index = value - len(self.finish.inputs)
        if index < 0:
            return self.n_readers[value] == 1
        step = self.finish.steps[index]
        if self.n_readers[value] != 1 or step.is_result:
            return False
        return not isinstance(step.step, Permute | Slice | Reshape) or self._is_private(
            step.inputs[0]
        )

    def _in_order(self, source: View) -> View:
        """The numbers as reals without gaps."""
        if source.is_contiguous and self.buffers[source.buffer].stored is None:
            return source
        ordered = self._buffer(source.shape)
        self._copy(source, ordered)
        return ordered

    def _whole(self, index: int) -> View:
        """Where a step joins its inputs: a place in a larger tensor if only that reads them."""
        if index not in self.wholes:
            shape = self.finish.steps[index].shape
            outer = self.nested.get(index)
            if outer is None:
                self.wholes[index] = self._buffer(shape, result=self.homes.get(index))
            else:
                axis = axis_of(outer.dim, shape)
                place = self._whole(outer.step).cut(axis, outer.first, shape[axis])
                assert place is not None
                self.wholes[index] = place
        return self.wholes[index]

    def _own(self, shape: Shape) -> View:
        """A buffer for a step's numbers: the result's that they end in, or a shared one."""
        return self._buffer(shape, result=self.homes.get(self.step))

    def _buffer(self, shape: Shape, result: str | None = None, is_index: bool = False) -> View:
        self.buffers.append(Buffer(prod(shape), result=result, is_index=is_index))
        return View.whole(len(self.buffers) - 1, shape)

    def _is_home(self, view: View, step: FinishStep) -> bool:
        return self.buffers[view.buffer].result == step.name and view.is_contiguous

    # Calls.

    def _join(self, parts: Sequence[View], whole: View, axis: int) -> None:
        first = 0
        for part in parts:
            place = whole.cut(axis, first, part.shape[axis])
            assert place is not None
            if part != place:  # joined tensors that are joined again are there already
                self._copy(part, place)
            first += part.shape[axis]

    def _copy(self, source: View, target: View) -> None:
        axes = walk(source, target)
        if len(axes) > MAX_AXES:
            why = f"a copy along {len(axes)} axes, {MAX_AXES} is the limit"
            raise Misfit(why, "change the order of axes in fewer steps at a time")
        stored = self.buffers[source.buffer].stored
        function = "copy_floats"
        arguments: Arguments = ()
        if stored is not None:
            one = self.stored[stored]
            function, arguments = f"load_int{one.element_bits}", (number(one.unit),)
        cycles = CALL_CYCLES + COPY_CYCLES * prod(source.shape)
        self.calls.append(Call(self.step, function, target, source, axes, arguments, cycles))

    def _call(self, step: FinishStep, target: View, source: View | None, shape: Shape) -> None:
        operator = operator_of(step.step)
        function, arguments = operator.function(step.step), operator.arguments(step.step, shape)
        cycles = step_cycles(step.step, shape)
        self.calls.append(Call(self.step, function, target, source, None, arguments, cycles))


def _seen(step: FinishStep, source: View) -> View | None:
    """What only looks at the numbers in another way; None if that takes a copy."""
    match step.step:
        case Permute(dims):
            return source.permuted(tuple(dim % len(dims) for dim in dims))
        case Slice(dim):
            first, n = bounds(step.step, source.shape)
            return source.cut(axis_of(dim, source.shape), first, n, step.step.step)
        case _:
            return source.reshaped(step.shape)


def _stored_view(stored: Stored, part: StoredPart, buffer: int) -> View:
    _, n_rows, n_columns = stored.shape
    channel, pixel = part.strides
    shape = (part.n_channels, n_rows, n_columns)
    return View.of(buffer, part.offset, shape, (channel, n_columns * pixel, pixel))


def _even_blocks(views: Sequence[View]) -> View | None:
    """Parts that are alike and evenly apart, as one view with an axis in front."""
    first, apart = views[0], views[1].offset - views[0].offset
    alike = {(view.axes, view.offset - i * apart) for i, view in enumerate(views)}
    if len(alike) > 1:
        return None
    return View(first.buffer, first.offset, (((len(views), apart),), *first.axes))


def _shared_offsets(
    buffers: Sequence[Buffer], calls: Sequence[Call]
) -> tuple[tuple[int, ...], int]:
    """Places in the shared memory: the lowest that is free while a buffer is needed."""
    lives: dict[int, tuple[int, int]] = {}
    for time, call in enumerate(calls):
        for view in filter(None, (call.target, call.source)):
            first, _ = lives.get(view.buffer, (time, time))
            lives[view.buffer] = (first, time)
    offsets, placed = [0] * len(buffers), list[int]()
    for index in sorted(lives, key=lambda one: lives[one]):
        if not buffers[index].is_shared:
            continue
        alive = [one for one in placed if lives[one][1] >= lives[index][0]]
        for one in sorted(alive, key=lambda other: offsets[other]):
            if offsets[index] + buffers[index].n > offsets[one]:
                offsets[index] = max(offsets[index], offsets[one] + buffers[one].n)
        placed.append(index)
    ends = (offsets[one] + buffers[one].n for one in placed)
    return tuple(offsets), max(ends, default=0)
