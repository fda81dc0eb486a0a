"""The cycle model against worked examples and against numbers of the vendor's generator."""

import pytest

from max78000.facts.cycles import LayerTiming, layer_cycles

CONV3X3 = LayerTiming(
    rows=3, columns=3, out_columns=3, pad_rows=1, pad_columns=1,
    kernel_rows=3, kernel_columns=3, kernels=2,
)  # fmt: skip


@pytest.mark.parametrize(
    ("layer", "cycles"),
    [
        (CONV3X3, 84),
        (LayerTiming(rows=1, columns=2, out_columns=2, in_passes=2, kernels=3), 20),
        # a dense layer on one pixel, 768 inputs in 12 passes, 10 outputs
        (LayerTiming(rows=1, columns=1, out_columns=1, in_passes=12, kernels=10), 144),
        # flattening 4x4: the same answer as 16 passes on one pixel
        (LayerTiming(rows=4, columns=4, out_columns=4, kernels=10), 192),
        (LayerTiming(rows=1, columns=1, out_columns=1, in_passes=16, kernels=10), 192),
        # pass-through with 2x2 pool, one and four time slots
        (LayerTiming(rows=5, columns=5, out_columns=5, pool_size=4, is_passthrough=True), 150),
        (
            LayerTiming(
                rows=5, columns=5, out_columns=5, pool_size=4, time_slots=4, is_passthrough=True
            ),
            225,
        ),
        # adding two operands of 20x10
        (LayerTiming(rows=20, columns=10, out_columns=10, operands=2, is_passthrough=True), 1000),
    ],
)
def test_layers(layer, cycles):
    assert layer_cycles(layer) == cycles


def test_streaming_is_half_as_long_again():
    streaming = LayerTiming(
        rows=1, columns=2, out_columns=2, in_passes=2, kernels=3, is_streaming=True
    )
    assert layer_cycles(streaming) == 30


def test_a_long_flatten_takes_one_more():
    short = LayerTiming(rows=1, columns=1, out_columns=1, in_passes=17, kernels=10)
    long = LayerTiming(
        rows=1, columns=1, out_columns=1, in_passes=17, kernels=10, is_long_flatten=True
    )
    assert layer_cycles(long) == layer_cycles(short) + 1


def test_passes_of_a_pooling_passthrough():
    """Two passes take three turns."""
    one = LayerTiming(rows=1, columns=1, out_columns=1, pool_size=4, is_passthrough=True)
    two = LayerTiming(
        rows=1,
        columns=1,
        out_columns=1,
        pool_size=4,
        in_passes=2,
        out_passes=2,
        is_passthrough=True,
    )
    assert layer_cycles(two) == 3 * layer_cycles(one)


def test_combining_before_pooling_loads_kernels_again():
    def layer(kernel_start):
        return LayerTiming(
            rows=4, columns=4, out_columns=4, pad_rows=1, pad_columns=1,
            kernel_rows=3, kernel_columns=3, operands=2, pool_size=4, kernels=4,
            kernel_start=kernel_start, is_pooled_first=False,
        )  # fmt: skip

    # 4 rows and 4 columns with padding 1 and a 3x3 kernel: 4 + 4 - 1 pixels
    assert layer_cycles(layer(8)) - layer_cycles(layer(0)) == 7 * 8
