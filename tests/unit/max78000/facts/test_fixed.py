from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from max78000.facts.fixed import (
    Activation,
    Combine,
    activate,
    average_round,
    average_trunc,
    combine,
    requantize,
    round_shift,
    saturate,
    total_shift,
)

ACCUMULATORS = st.integers(min_value=-(2**31), max_value=2**31 - 1)


@given(acc=ACCUMULATORS, shift=st.integers(min_value=-15, max_value=15))
def test_round_shift_is_the_rational_formula(acc, shift):
    expected = floor(Fraction(acc) * Fraction(2) ** shift / 128 + Fraction(1, 2))
    assert round_shift(np.array(acc), shift) == expected


@pytest.mark.parametrize(
    ("acc", "rounded"),
    [
        (768, 6),
        (-1152, -9),
        (933, 7),
        (-987, -8),
        (-192, -1),
        (-64, 0),
        (64, 1),
        (320, 3),
        (-320, -2),
    ],
)
def test_half_goes_up_for_both_signs(acc, rounded):
    assert round_shift(np.array(acc), 0) == rounded


def test_narrow_weights_shift_left():
    assert total_shift(output_shift=-3, weight_bits=2) == 3
    acc = np.arange(-20, 20)
    expected = [floor(Fraction(int(a), 8) + Fraction(1, 2)) for a in acc]
    assert round_shift(acc, total_shift(0, weight_bits=4)).tolist() == expected


def test_int8_input_does_not_wrap():
    data = np.array([100, -100], dtype=np.int8)
    assert combine([data, data], Combine.ADD).tolist() == [127, -128]
    assert round_shift(data, 15).tolist() == [25600, -25600]
    assert activate(np.array([-128], dtype=np.int8), Activation.ABS).tolist() == [127]


@given(x=ACCUMULATORS, bits=st.sampled_from([1, 2, 4, 8, 30]))
def test_saturate_clamps_to_the_signed_range(x, bits):
    expected = max(-(2 ** (bits - 1)), min(2 ** (bits - 1) - 1, x))
    assert saturate(np.array(x), bits) == expected


def test_activation_follows_rounding_and_clamp():
    acc = np.array([-100_000, -192, 0, 192, 100_000])
    assert requantize(acc, 0, Activation.NONE).tolist() == [-128, -1, 0, 2, 127]
    assert requantize(acc, 0, Activation.RELU).tolist() == [0, 0, 0, 2, 127]
    assert requantize(acc, 0, Activation.ABS).tolist() == [127, 1, 0, 2, 127]


@given(total=st.integers(min_value=-128 * 256, max_value=127 * 256), n=st.integers(1, 256))
def test_averages_are_symmetric_in_sign(total, n):
    exact = Fraction(abs(total), n)
    sign = -1 if total < 0 else 1
    assert average_trunc(np.array(total), n) == sign * floor(exact)
    assert average_round(np.array(total), n) == sign * floor(exact + Fraction(1, 2))


def test_average_examples_of_the_vendor():
    sums = np.array([11, -11, 10, -10])
    assert average_trunc(sums, 4).tolist() == [2, -2, 2, -2]
    assert average_round(sums, 4).tolist() == [3, -3, 3, -3]


def test_combine_goes_left_to_right_and_clamps_once():
    a, b, c = (np.array([value], dtype=np.int8) for value in (100, 100, -100))
    assert combine([a, b, c], Combine.ADD).tolist() == [100]
    assert combine([a, b, c], Combine.SUB).tolist() == [100]
    assert combine([c, a], Combine.SUB).tolist() == [-128]


@pytest.mark.long
@given(x=st.integers(-128, 127), y=st.integers(-128, 127))
def test_bitwise_operations_act_on_bytes(x, y):
    operands = [np.array(x, dtype=np.int8), np.array(y, dtype=np.int8)]
    as_byte = {Combine.OR: (x | y) & 0xFF, Combine.XOR: (x ^ y) & 0xFF}
    for op, expected in as_byte.items():
        assert int(combine(operands, op)) & 0xFF == expected
