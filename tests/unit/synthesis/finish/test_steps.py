"""Shapes of steps, the words for what does not fit, and each step alone against PyTorch."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from synthesis.finish.finish import Finish, FinishInput, FinishStep, finish_answers
from synthesis.finish.steps import (
    Argmax,
    Clamp,
    Concat,
    Function,
    LogSoftmax,
    Misfit,
    Normalize,
    Pair,
    Pairing,
    Permute,
    Pointwise,
    Reshape,
    Scale,
    Slice,
    Softmax,
    shape_of,
)

# fmt: off
SHAPES = [
    # step                        inputs                      result
    (Softmax(0),                  [(10,)],                    (10,)),
    (Argmax(-1),                  [(3, 4)],                   (3,)),
    (Argmax(0),                   [(10,)],                    (1,)),
    (Permute((1, 2, 0)),          [(16, 4, 5)],               (4, 5, 16)),
    (Reshape((-1, 4)),            [(4, 5, 16)],               (80, 4)),
    (Concat(1),                   [(2, 3), (2, 4), (2, 1)],   (2, 8)),
    (Slice(-1, 1, 9),             [(2, 3)],                   (2, 2)),
    (Slice(0, 0, 5, 2),           [(5,)],                     (3,)),
    (Pair(Pairing.ADD),           [(2, 3), (2, 3)],           (2, 3)),
    (Scale((1, 2, 3), (0,), 1),   [(2, 3)],                   (2, 3)),
]
MISFITS = [
    (Softmax(1), [(10,)], "dim 1 of a tensor of 10"),
    (Softmax(0), [(10,), (10,)], "takes 1 input, 2 given"),
    (Concat(0), [(10,)], "takes two or more inputs, 1 given"),
    (Pair(Pairing.MUL), [(10,)], "takes 2 inputs, 1 given"),
    (Pair(Pairing.MUL), [(10,), (1,)], "combines 10 and 1"),
    (Concat(0), [(2, 3), (2, 4)], "joins 2x3 and 2x4 along dim 0"),
    (Concat(1), [(2, 3), (2,)], "joins 2x3 and 2 along dim 1"),
    (Permute((0, 1)), [(2, 3, 4)], "dims [0, 1] of a tensor of 2x3x4"),
    (Permute((0, 0, 1)), [(2, 3, 4)], "dims [0, 0, 1] of a tensor of 2x3x4"),
    (Reshape((-1, 5)), [(2, 3)], "2x3 are 6 numbers, [-1, 5] takes others"),
    (Reshape((-1, -1)), [(2, 3)], "shape [-1, -1]"),
    (Slice(0, 4, 4), [(5,)], "nothing is left of 5 along dim 0"),
    (Scale((1, 2), (0,), 0), [(3,)], "2 constants for 3 places"),
    (Scale((1, 2), (0,)), [(2,)], "2 constants for 1 places"),
    (Clamp(1, 0), [(3,)], "min 1 is above max 0"),
]
# fmt: on


@pytest.mark.parametrize(("step", "inputs", "result"), SHAPES)
def test_shape(step, inputs, result):
    assert shape_of(step, inputs) == result


@pytest.mark.parametrize(("step", "inputs", "words"), MISFITS)
def test_misfit(step, inputs, words):
    with pytest.raises(Misfit) as refusal:
        shape_of(step, inputs)
    assert refusal.value.why == words
    assert refusal.value.fix


def answer(step, stored, scale=1 / 128):
    """One step on a stored result."""
    seen = FinishInput("layer", stored.shape, scale)
    one = FinishStep("one", "", step, (0,), shape_of(step, [stored.shape]), is_result=True)
    return finish_answers(Finish((seen,), (one,)), {"layer": stored})["one"]


STORED = np.random.default_rng(3).integers(-128, 128, (6, 5, 4))
REAL = torch.from_numpy(STORED).float() / 128
ALONE = [
    (Softmax(0), torch.softmax(REAL, 0)),
    (Softmax(-1), torch.softmax(REAL, -1)),
    (LogSoftmax(1), torch.log_softmax(REAL, 1)),
    (Normalize(0), F.normalize(REAL, dim=0)),
    (Normalize(2, 2.5), F.normalize(REAL, dim=2, eps=2.5)),
    (Pointwise(Function.SIGMOID), torch.sigmoid(REAL)),
    (Pointwise(Function.TANH), torch.tanh(REAL)),
    (Pointwise(Function.EXP), torch.exp(REAL)),
    (Clamp(-0.3, 0.7), torch.clamp(REAL, -0.3, 0.7)),
    (Scale((0.3,), (0.1,)), REAL * 0.3 + 0.1),
]


@pytest.mark.parametrize(("step", "wanted"), ALONE, ids=lambda one: type(one).__name__)
def test_a_step_alone_is_pytorchs_within_a_millionth(step, wanted):
    np.testing.assert_allclose(answer(step, STORED), wanted.numpy(), rtol=1e-6, atol=1e-6)


def test_the_first_of_equal_numbers_is_the_largest():
    stored = np.array([[3, 7, 7], [-5, -5, -5]])
    assert answer(Argmax(1), stored).tolist() == [1, 0]
    assert torch.from_numpy(stored).argmax(1).tolist() == [1, 0]


def test_wide_results_have_a_smaller_unit():
    assert answer(Softmax(0), np.array([16384, 0]), 1 / 16384)[0] == pytest.approx(0.7310586)
    assert answer(Softmax(0), np.array([1 << 30, 0]), 1 / 16384).tolist() == [1, 0]


def test_a_final_scale_is_applied_in_integers_or_not():
    stored = np.array([100, -3, 127])
    step = FinishStep("one", "", Reshape((3,)), (0,), (3,), is_result=True)

    def real(final_scale, scales):
        finish = Finish((FinishInput("layer", (3,), 1 / 128, final_scale),), (step,))
        return (128 * finish_answers(finish, {"layer": stored}, scales=scales)["one"]).tolist()

    assert real(2, scales=True) == real(2, scales=False) == [400, -12, 508]
    assert real(-1, scales=True) == [50, -2, 63]
    assert real(-1, scales=False) == [50, -1.5, 63.5]
