"""What code is planned: copies that take moves along, work in place, memory used by turns."""

import pytest

from synthesis.finish.finish import Finish, FinishInput, FinishStep
from synthesis.finish.plan import Stored, StoredPart, make_plan
from synthesis.finish.steps import (
    Argmax,
    Concat,
    Function,
    Misfit,
    Pair,
    Pairing,
    Permute,
    Pointwise,
    Reshape,
    Softmax,
    shape_of,
)


def plan_of(shapes, *steps):
    """Steps as (step, inputs, is_result) on planar bytes."""
    inputs = tuple(FinishInput(f"in{i}", shape, 1 / 128) for i, shape in enumerate(shapes))
    known, listed = list(shapes), []
    for number, (step, read, is_result) in enumerate(steps):
        known.append(shape_of(step, [known[one] for one in read]))
        listed.append(FinishStep(f"s{number}", "", step, read, known[-1], is_result))
    stored = []
    for shape in shapes:
        whole = (*shape, 1, 1)[:3]
        pixels = whole[1] * whole[2]
        parts = (StoredPart(whole[0], 0, (pixels, 1)),)
        stored.append(Stored(whole, 0, 8, 1 / 128, parts))
    return make_plan(Finish(inputs, tuple(listed)), stored)


def functions(plan):
    return [call.function for call in plan.calls]


HEAD = (8, 3, 3)
DETECTOR = (
    (Permute((1, 2, 0)), (0,), False),
    (Reshape((-1, 4)), (2,), False),
    (Permute((1, 2, 0)), (1,), False),
    (Reshape((-1, 4)), (4,), False),
    (Concat(0), (3, 5), True),
)


def test_heads_of_a_detector_are_copied_once():
    plan = plan_of([HEAD, HEAD], *DETECTOR)
    assert functions(plan) == ["load_int8", "load_int8"]
    assert plan.n_shared == 0
    assert plan.ram_bytes == 4 * 2 * 8 * 9
    assert plan.calls[0].walk == ((9, 1, 8), (8, 9, 1))
    assert plan.calls[1].target.offset == 72


def test_what_is_joined_twice_is_copied_once():
    plan = plan_of(
        [(4, 3), (2, 3), (6, 2)],
        (Concat(0), (0, 1), False),
        (Concat(1), (3, 2), True),
    )
    assert functions(plan) == ["load_int8"] * 3
    assert plan.n_shared == 0
    assert [call.target.offset for call in plan.calls] == [0, 20, 3]
    assert [call.walk for call in plan.calls] == [
        ((4, 3, 5), (3, 1, 1)),
        ((2, 3, 5), (3, 1, 1)),
        ((6, 2, 5), (2, 1, 1)),
    ]


def test_a_chain_works_in_the_array_of_its_result():
    plan = plan_of(
        [(10,)],
        (Pointwise(Function.RELU), (0,), False),
        (Softmax(0), (1,), False),
        (Reshape((2, 5)), (2,), True),
    )
    assert functions(plan) == ["load_int8", "relu_each", "softmax_rows"]
    assert plan.n_shared == 0


def test_what_others_read_is_left_alone():
    plan = plan_of(
        [(10,)],
        (Pointwise(Function.RELU), (0,), True),
        (Softmax(0), (1,), True),
    )
    assert functions(plan) == ["load_int8", "relu_each", "copy_floats", "softmax_rows"]


def test_memory_is_used_by_turns():
    plan = plan_of(
        [(10,), (12,)],
        (Argmax(0), (0,), True),
        (Argmax(0), (1,), True),
    )
    assert functions(plan) == ["load_int8", "argmax_rows"] * 2
    assert plan.n_shared == 12
    assert plan.offsets[1] == plan.offsets[4] == 0


def test_the_second_of_a_pair_is_put_in_order():
    plan = plan_of(
        [(2, 3), (3, 2)], (Permute((1, 0)), (1,), False), (Pair(Pairing.ADD), (0, 2), True)
    )
    assert functions(plan) == ["load_int8", "load_int8", "add_each"]
    assert plan.n_shared == 6


def test_wide_blocks_are_one_copy():
    whole = FinishInput("wide", (8, 2, 3), 1 / 16384)
    step = FinishStep("s", "", Softmax(0), (0,), (8, 2, 3), is_result=True)
    parts = tuple(StoredPart(4, first * 6, (1, 4)) for first in (0, 4))
    plan = make_plan(Finish((whole,), (step,)), [Stored((8, 2, 3), 0, 32, 1 / 16384, parts)])
    assert functions(plan) == ["load_int32", "copy_floats", "softmax_rows"]
    assert plan.calls[0].walk == ((2, 24, 24), (4, 1, 6), (6, 4, 1))


def test_five_axes_at_once_are_refused():
    with pytest.raises(Misfit, match="a copy along 5 axes, 4 is the limit"):
        plan_of(
            [(32,)],
            (Reshape((2, 2, 2, 2, 2)), (0,), False),
            (Permute((4, 3, 2, 1, 0)), (1,), True),
        )


def test_costs_add_up():
    plan = plan_of([HEAD, HEAD], *DETECTOR)
    assert plan.cycles_of(4) == sum(call.cycles for call in plan.calls) == 2 * (60 + 14 * 72)
    assert plan.cycles_of(0) == 0
