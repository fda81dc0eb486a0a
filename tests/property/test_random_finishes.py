"""Random steps behind the accelerator: the interpreter, PyTorch and the emitted C agree."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from property.finish_native import NativeFinish
from property.finishes import finishes, lay_out, torch_answers

from synthesis.finish.finish import finish_answers
from synthesis.finish.steps import Argmax

QUIET = {"database": None, "deadline": None, "suppress_health_check": list(HealthCheck)}
TOLERANCE = 2e-5  # of chains; one step alone: tests/unit/synthesis/finish


def assert_alike(finish, one, other):
    """Reals within the tolerance; indices equal, or those of numbers that are."""
    assert one.keys() == other.keys()
    for step in finish.results:
        first, second = one[step.name], other[step.name]
        assert first.shape == second.shape
        if isinstance(step.step, Argmax):
            # Behind steps that round, numbers that are equal but for that may change places.
            assert (first == second).mean() > 0.9 or first.size < 10
        else:
            np.testing.assert_allclose(first, second, rtol=TOLERANCE, atol=TOLERANCE)


def outputs_of(results):
    return {f"layer{index}": values for index, (_, values) in enumerate(results)}


@given(finishes())
@settings(max_examples=150, derandomize=True, **QUIET)
def test_the_interpreter_is_pytorch(case):
    finish, results = case
    assert_alike(finish, finish_answers(finish, outputs_of(results)), torch_answers(*case))


def check_natively(cases, folder):
    native = NativeFinish(cases, folder)
    for number, (finish, results) in enumerate(cases):
        found = native.answers(number, lay_out(results))
        assert_alike(finish, found, finish_answers(finish, outputs_of(results)))


@pytest.mark.long
@given(st.lists(finishes(), min_size=20, max_size=20))
@settings(max_examples=2, derandomize=True, **QUIET)
def test_emitted_c_is_the_interpreter(tmp_path_factory, cases):
    check_natively(cases, tmp_path_factory.mktemp("finishes"))


@pytest.mark.slow
@given(st.lists(finishes(), min_size=50, max_size=50))
@settings(max_examples=20, **QUIET)
def test_a_thousand_emitted_are_the_interpreter(tmp_path_factory, cases):
    check_natively(cases, tmp_path_factory.mktemp("finishes"))
