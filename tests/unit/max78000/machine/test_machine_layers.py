"""Every operator of the machine against plain loops, on small random layers."""

import numpy as np
import pytest
from hand_made import Case
from hypothesis import given, settings
from hypothesis import strategies as st

from max78000.machine import Machine

SEED = 7


def run(case):
    program = case.program()
    machine = Machine()
    machine.run(program)
    assert machine.check_known_answer(program) is None
    assert np.array_equal(machine.read_output(program.outputs[0]), case.answer())
    return machine


def data(*shape):
    return np.random.default_rng(SEED).integers(-128, 128, shape)


def kernels(*shape, bits=8):
    limit = 1 << bits - 1
    return np.random.default_rng(SEED + 1).integers(-limit, limit, shape)


@pytest.mark.parametrize("pad", [0, 1, 2])
def test_conv3x3(pad):
    run(Case(data(1, 3, 5, 6), kernels(5, 3, 3, 3), pad=(pad, pad), shift=-4))


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_weight_widths(bits):
    run(
        Case(
            data(1, 4, 4, 4), kernels(8, 4, 3, 3, bits=bits), bits=bits, pad=(1, 1), shift=8 - bits
        )
    )


@pytest.mark.parametrize("activation", ["", "relu", "abs"])
def test_activations_and_bias(activation):
    bias = np.arange(-3, 3)
    run(Case(data(1, 2, 4, 4), kernels(6, 2, 1, 1), bias=bias, activation=activation))


def test_wide_output():
    run(Case(data(1, 3, 3, 3), kernels(6, 3, 3, 3), is_wide=True, pad=(1, 1)))


def test_sums_beyond_single_precision_are_exact():
    weights = np.full((2, 128, 3, 3), 127)
    weights[0, 0, 0, 0] = 126  # an odd sum above 2^24
    run(Case(np.full((1, 128, 3, 3), 127), weights, is_wide=True))


@pytest.mark.parametrize(("channels", "outputs"), [(70, 5), (3, 70), (130, 66)])
def test_passes(channels, outputs):
    run(Case(data(1, channels, 3, 3), kernels(outputs, channels, 1, 1), shift=-3))


def test_passes_with_wide_output_and_one_pixel():
    run(Case(data(1, 66, 1, 1), kernels(70, 66, 1, 1), is_wide=True))


@pytest.mark.parametrize("length", [1, 2, 3, 5, 8, 9])
def test_conv1d(length):
    case = Case(data(1, 4, 12, 1), kernels(3, 4, length, 1), pad=(min(1, length - 1), 0), shift=-2)
    run(case)


def test_transposed():
    run(Case(data(1, 3, 4, 3), kernels(4, 3, 3, 3), is_transposed=True, pad=(1, 1), shift=-2))


@pytest.mark.parametrize(
    ("is_average", "is_rounding"), [(False, False), (True, False), (True, True)]
)
def test_pool_then_convolve(is_average, is_rounding):
    run(
        Case(
            data(1, 3, 7, 8),
            kernels(4, 3, 3, 3),
            pool=(2, 3),
            step=2,
            is_average=is_average,
            is_rounding=is_rounding,
            pad=(1, 1),
            shift=-3,
        )
    )


def test_passthrough_pools_in_all_quadrants():
    run(Case(data(1, 64, 5, 5), pool=(2, 2), step=3))


def test_passthrough_of_two_passes():
    run(Case(data(1, 70, 3, 2)))
    run(Case(data(1, 70, 3, 2), gap=1))


def test_decimation_without_pool():
    run(Case(data(1, 9, 5, 4), step=2))


@pytest.mark.parametrize("function", ["add", "sub", "or", "xor"])
def test_element_wise(function):
    run(Case(data(3, 5, 3, 4), function=function))


@pytest.mark.parametrize("is_pooled_first", [True, False])
def test_element_wise_pools_and_convolves(is_pooled_first):
    run(
        Case(
            data(2, 4, 6, 6),
            kernels(4, 4, 3, 3),
            function="add",
            pool=(2, 2),
            step=2,
            is_average=True,
            is_pooled_first=is_pooled_first,
            pad=(1, 1),
        )
    )


def test_write_gap():
    run(Case(data(1, 4, 3, 3), kernels(4, 4, 1, 1), gap=2))
    run(Case(data(1, 6, 3, 3), gap=1))


def test_chw_input():
    run(Case(data(1, 1, 5, 5), kernels(4, 1, 3, 3), is_chw=True, pad=(1, 1)))


@st.composite
def convolutions(draw):
    generator = np.random.default_rng(draw(st.integers(0, 99)))
    channels, outputs = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    bits, kernel = draw(st.sampled_from([1, 2, 4, 8])), draw(st.sampled_from([1, 3]))
    size = draw(st.tuples(st.integers(3, 6), st.integers(3, 6)))
    limit = 1 << bits - 1
    return Case(
        generator.integers(-128, 128, (1, channels, *size)),
        generator.integers(-limit, limit, (outputs, channels, kernel, kernel)),
        bits=bits,
        shift=draw(st.integers(-15, 15)),
        pool=draw(st.tuples(st.integers(1, 3), st.integers(1, 3))),
        step=draw(st.integers(1, 3)),
        pad=(kernel // 2, kernel // 2),
        first_processor=12,
        first_out_processor=16 * draw(st.integers(0, 3)) + 4,
    )


@given(convolutions())
@settings(max_examples=40, deadline=None)
def test_random_convolutions(case):
    run(case)
