"""Whose memory a step's numbers are made in: a result's, or a place in a larger tensor."""

from collections import Counter
from dataclasses import dataclass

from synthesis.finish.finish import Finish
from synthesis.finish.steps import Argmax, Concat, Permute, Slice, axis_of


@dataclass(frozen=True, slots=True)
class Nested:
    """The place of a joined tensor in another one: which, along which axis, from where on."""

    step: int
    dim: int
    first: int


def homes_of(finish: Finish, n_readers: Counter[int]) -> dict[int, str]:
    """Steps that write into the array of a result: those, and what only leads to one of them."""
    homes = {i: step.name for i, step in enumerate(finish.steps) if step.is_result}
    for index in reversed(range(len(finish.steps))):
        step = finish.steps[index]
        source = step.inputs[0] - len(finish.inputs)
        keeps_place = not isinstance(step.step, Concat | Permute | Slice | Argmax)
        if index not in homes or source < 0 or not keeps_place:
            continue
        before = finish.steps[source]
        if n_readers[step.inputs[0]] == 1 and not before.is_result:
            homes[source] = homes[index]
    return homes


def nested_of(finish: Finish, n_readers: Counter[int]) -> dict[int, Nested]:
    """Steps that join for nobody but another step that joins."""
    nested: dict[int, Nested] = {}
    for outer, step in enumerate(finish.steps):
        if not isinstance(step.step, Concat):
            continue
        first = 0
        for value in step.inputs:
            index = value - len(finish.inputs)
            is_private = index >= 0 and n_readers[value] == 1
            if is_private and _joins(finish, index):
                nested[index] = Nested(outer, step.step.dim, first)
            shape = finish.shape(value)
            first += shape[axis_of(step.step.dim, shape)]
    return nested


def _joins(finish: Finish, index: int) -> bool:
    """True of a step that joins and is no result."""
    step = finish.steps[index]
    return isinstance(step.step, Concat) and not step.is_result
