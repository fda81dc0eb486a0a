"""Accuracy of layers: decibels and clipped values by hand, and against the interpreter."""

from dataclasses import replace
from math import log10, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from max78000.facts import fixed
from max78000.facts.fixed import Activation
from networks import Net, graph_of, image_of
from synthesis.graph.interpret import interpret, run_layer
from synthesis.report.accuracy import Deviation, measure

POINT = "{op: conv2d, kernel_size: 1x1, pad: 0, %s}"
WIDE = "output_width: 32"


def measured(net, image=None, **options):
    graph = graph_of(net)
    image = image_of(net) if image is None else np.array(image)
    return measure(graph, image, interpret(graph, image, **options), **options)


def one_layer(keys, weights, pixels, **net):
    """A 1x1 convolution of a row of pixels; `pixels` has a list for each channel."""
    image = np.array(pixels)[:, None, :]
    shape = "x".join(map(str, image.shape))
    (accuracy,) = measured(Net(POINT % keys, weights, shape, **net), image)
    return accuracy


# -- by hand -------------------------------------------------------------------------------------


def test_rounding_by_hand():
    """Weight 0.5: 0.5, 1, 1.5 and -1.5 become 1, 1, 2 and -1."""
    accuracy = one_layer("", "1x1x1x1", [[1, 2, 3, -3]], fill=64)
    assert accuracy.network.signal_rms == pytest.approx(sqrt(5.75 / 4) / 128)
    assert accuracy.network.error_rms == pytest.approx(sqrt(0.75 / 4) / 128)
    assert accuracy.network.qsnr_db == pytest.approx(10 * log10(5.75 / 0.75))
    assert accuracy.alone == accuracy.rounding == accuracy.network
    assert (accuracy.n_clipped, accuracy.n_clippable) == (0, 4)


def test_clipping_by_hand():
    """Two weights of -1: 100 + 100 is -200, clipped to -128; real numbers are -200 and -20."""
    accuracy = one_layer("", "1x2x1x1", [[100, 10], [100, 10]], fill=-128)
    assert (accuracy.n_clipped, accuracy.n_clippable) == (1, 2)
    assert accuracy.network.error_rms == pytest.approx(sqrt(72**2 / 2) / 128)
    assert accuracy.network.signal_rms == pytest.approx(sqrt((200**2 + 20**2) / 2) / 128)
    assert accuracy.rounding.error_rms == 0
    assert accuracy.rounding.qsnr_db is None


@pytest.mark.parametrize(
    ("activation", "n_clipped"),
    [("None", 1), ("ReLU", 1), ("Abs", 2)],
)
def test_the_lowest_byte_has_no_counterpart(activation, n_clipped):
    """Times -1, -128 would be 128; and 128 is the magnitude of -128."""
    pixels, weights = [[-128, 0], [0, 127], [0, 1]], "1x3x1x1"
    accuracy = one_layer(f"activate: {activation}", weights, pixels, fill=-128)
    assert accuracy.n_clipped == n_clipped


def test_negative_values_that_relu_drops_are_not_clipped():
    pixels = [[-100, 100], [-100, 100]]
    assert one_layer("activate: ReLU", "1x2x1x1", pixels, fill=127).n_clipped == 1
    assert one_layer("activate: Abs", "1x2x1x1", pixels, fill=127).n_clipped == 2
    assert one_layer("", "1x2x1x1", pixels, fill=127).n_clipped == 2


def test_sums_of_operands_are_clipped():
    layer = "{op: none, eltwise: add, operands: 2}"
    (accuracy,) = measured(Net(layer, "", "2x1x3"), [[[100, 100, -100]], [[27, 28, -29]]])
    assert (accuracy.n_clipped, accuracy.n_clippable) == (2, 3)
    assert accuracy.network.error_rms == pytest.approx(sqrt((1 + 1) / 3) / 128)
    assert accuracy.rounding.error_rms == 0


def test_averages_are_truncated():
    """7 / 4 gives 1, with rounding 2; -7 / 4 gives -1 and -2."""
    layer = "{op: none, avg_pool: 2, pool_stride: 2}"
    pixels = [[[1, 2, -1, -2], [2, 2, -2, -2]]]
    (truncated,) = measured(Net(layer, "", "1x2x4"), pixels)
    (rounded,) = measured(Net(layer, "", "1x2x4"), pixels, round_average=True)
    assert truncated.network.error_rms == pytest.approx(0.75 / 128)
    assert rounded.network.error_rms == pytest.approx(0.25 / 128)
    assert (truncated.n_clipped, truncated.n_clippable) == (0, 0)


@pytest.mark.parametrize(("bits", "one"), [(8, 128 * 128), (4, 128 * 8), (2, 128 * 2), (1, 128)])
def test_full_scale_of_wide_results(bits, one):
    keys = f"{WIDE}, quantization: {bits}"
    accuracy = one_layer(keys, "1x1x1x1", [[100, -100]], fill=-1, bits=bits)
    assert accuracy.network == Deviation(pytest.approx(100 / one), 0)
    assert (accuracy.n_clipped, accuracy.n_clippable) == (0, 0)


def test_errors_are_carried_on_unless_a_layer_is_taken_alone():
    """1 halves to 0.5, which becomes 1; times 1 the error stays, alone it is none."""
    layers = POINT % "" + "\n" + POINT % WIDE
    graph = graph_of(Net(layers, "1x1x1x1 1x1x1x1", "1x1x1", fill=64))
    image = np.array([[[1]]])
    _, second = measure(graph, image, interpret(graph, image))
    one = 128 * 128
    assert second.network == second.rounding == Deviation(32 / one, 32 / one)
    assert second.network.qsnr_db == pytest.approx(0)
    assert second.alone == Deviation(64 / one, 0)


def test_no_signal_has_no_decibels():
    assert Deviation(0.0, 0.1).qsnr_db is None
    assert Deviation(0.1, 0.0).qsnr_db is None
    assert Deviation(0.1, 0.01).qsnr_db == pytest.approx(20)


# -- against the interpreter ---------------------------------------------------------------------

# Layers in which nothing is lost: 32-bit results, or values that stay as they are.
# fmt: off
LOSSLESS = [
    # layers, weights, image
    (f"{{pad: 1, {WIDE}}}", "5x3x3x3", "3x6x7"),
    (f"{{pad: 2, {WIDE}}}", "5x3x3x3", "3x6x7"),
    (f"{{kernel_size: 1x1, pad: 0, {WIDE}}}", "70x66x1x1", "66x3x4"),
    (f"{{op: conv1d, kernel_size: 5, pad: 2, {WIDE}}}", "4x3x5", "3x20"),
    (f"{{op: conv1d, kernel_size: 3, pad: 1, dilation: 4, {WIDE}}}", "4x3x3", "3x20"),
    (f"{{op: convtranspose2d, pad: 0, {WIDE}}}", "3x5x3x3t", "3x4x6"),
    (f"{{op: convtranspose2d, pad: 1, {WIDE}}}", "3x5x3x3t", "3x4x6"),
    (f"{{op: linear, flatten: true, {WIDE}}}", "5x36", "3x3x4"),
    (f"{{max_pool: [2, 3], pool_stride: 1, {WIDE}}}", "5x3x3x3", "3x7x8"),
    (f"{{max_pool: 1, pool_stride: 2, {WIDE}}}", "5x3x3x3", "3x7x8"),
    (f"{{op: conv1d, kernel_size: 3, max_pool: 3, pool_stride: 2, {WIDE}}}", "4x3x3", "3x20"),
    ("{op: none, max_pool: 2, pool_stride: 2, name: a}\n"
     f"{{in_sequences: [a, a], {WIDE}}}", "5x6x3x3", "3x6x6"),
    ("{op: none, eltwise: xor, operands: 2}", "", "6x4x4"),
    ("{op: none, eltwise: or, operands: 3}", "", "6x4x4"),
    (f"{{eltwise: or, operands: 3, max_pool: 2, pool_stride: 2, {WIDE}}}", "5x2x3x3", "6x4x4"),
]
# fmt: on


@pytest.mark.parametrize(("layers", "weights", "image"), LOSSLESS)
def test_nothing_is_lost_where_the_integers_are_exact(layers, weights, image):
    for accuracy in measured(Net(layers, weights, image)):
        assert accuracy.network.error_rms == accuracy.rounding.error_rms == 0
        assert accuracy.alone.error_rms == 0
        assert accuracy.n_clipped == 0


def test_the_rolling_buffer_moves_as_in_the_interpreter():
    """Small numbers, weights of 1: all real numbers are the integers."""
    layers = (
        "{op: none, name: copy}\n"
        "{op: none, in_sequences: past, buffer_shift: 1}\n"
        "{op: conv2d, kernel_size: 3x3, pad: 0, in_sequences: copy, buffer_insert: 1}\n"
        f"{{op: conv1d, kernel_size: 3, pad: 0, in_sequences: past, {WIDE}}}"
    )
    section = (
        "data_buffer:\n"
        "  - {name: Past, processors: 0x00000000000000ff, channels: 8, dim: 5, offset: 0x7fec}\n"
    )
    net = Net(layers, "8x2x3x3 4x8x3", "2x3x3", fill=-128, sections=section)
    accuracies = measured(net, np.full((2, 3, 3), -5))
    assert [accuracy.network.error_rms for accuracy in accuracies] == [0, 0, 0, 0]
    assert accuracies[3].network.signal_rms > 0


@pytest.mark.long
@given(
    seed=st.integers(0, 999),
    keys=st.sampled_from(["", "activate: ReLU", "activate: Abs", "output_shift: 2"]),
    pool=st.sampled_from(["", "max_pool: 2, pool_stride: 2", "avg_pool: 2, pool_stride: 2"]),
    rounds=st.booleans(),
)
def test_clipped_values_are_those_of_the_accumulators(seed, keys, pool, rounds):
    """Counted from the exact sums that the interpreter gives for the same layer, 32 bits wide."""
    text = "{" + ", ".join(filter(None, ("pad: 1", keys, pool))) + "}"
    net = Net(text, "3x4x3x3", "4x6x6")
    graph, image = graph_of(net), image_of(net, seed)
    results = interpret(graph, image, round_average=rounds)
    (layer,), (accuracy,) = graph.layers, measure(graph, image, results, round_average=rounds)
    wide = replace(layer, output_width=32)
    sums = run_layer(wide, [image], round_average=rounds)
    values = fixed.round_shift(sums, layer.kernel.shift)
    if layer.activation is Activation.RELU:
        values = np.maximum(values, 0)
    elif layer.activation is Activation.ABS:
        values = np.abs(values)
    assert accuracy.n_clipped == np.count_nonzero((values > 127) | (values < -128))
    assert accuracy.n_clippable == results[0].size
    assert accuracy.rounding.error_rms <= accuracy.network.error_rms
