"""Kernel and bias memory: order, sharing, first fit; the engine's forms of layers; advice."""

from dataclasses import replace

import numpy as np
import pytest

from max78000.facts.chip import MAX78000
from networks import Net, compile_net, graph_of, network_of, placement_of, source_of
from synthesis.lower.hardware import hardware_form, row_buffer_entries
from synthesis.read.checkpoint import Checkpoint, LayerWeights
from synthesis.read.description import Operator
from synthesis.read.source import InputPath
from synthesis.report.report import report_on
from synthesis.rules.advice import fit_data

W, W4 = "4x2x3x3", "4x4x3x3"
ALL = "0xffffffffffffffff"


def slots(net):
    """First word and number of words of each layer's kernels."""
    layers = placement_of(net).layers
    return [
        (p.kernel_slot.first_word, p.kernel_slot.n_words) if p.kernel_slot else None for p in layers
    ]


def biases(net):
    """Quadrant, offset and length of each layer's biases."""
    layers = placement_of(net).layers
    return [
        (p.bias_slot.quadrant, p.bias_slot.offset, p.bias_slot.length) if p.bias_slot else None
        for p in layers
    ]


# -- kernel memory ---------------------------------------------------------------------------------


def test_kernels_start_at_multiples_of_four():
    """Five words each, on the same two and four processors."""
    net = Net("{}\n{}\n{op: none}\n{}", "5x2x3x3 5x5x3x3 5x5x3x3")
    assert slots(net) == [(0, 5), (8, 5), None, (16, 5)]


def test_kernels_fill_gaps_that_the_processors_leave():
    """The third layer's processors hold only the second layer's words."""
    net = Net(
        "{processors: 0x3, output_processors: 0xf0, out_offset: 0x1000}\n"
        "{processors: 0xf0, output_processors: 0xf, out_offset: 0x2000}\n"
        "{processors: 0xf}",
        f"{W} {W4} {W4}",
    )
    assert slots(net) == [(0, 4), (0, 4), (4, 4)]


def test_layers_on_all_processors_come_first():
    net = Net("{}\n{kernel_size: 1x1, pad: 0}", "64x2x3x3 9x64x1x1", "2x4x4")
    assert slots(net) == [(4, 64), (0, 1)]


@pytest.mark.parametrize(
    ("outputs", "picture", "bits", "n_words"),
    [
        (1, "2x4x4", 4, 1),  # 16 weights of half a byte
        (3, "2x4x4", 4, 3),  # 24 bytes, not the 32 of two pairs of outputs
        (3, "2x3x3", 4, 2),  # 27 weights: 14 bytes
        (5, "2x4x4", 2, 3),  # 20 bytes, not 32
        (9, "2x2x2", 1, 1),  # 36 bits; the vendor's allowance is 4 x 7 more
        (9, "2x8x8", 1, 8),  # 72 bytes, not 128
    ],
)
def test_outputs_of_narrow_flattened_layers_share_bytes(outputs, picture, bits, n_words):
    """One sequence of bits over all outputs."""
    channels, *dims = (int(n) for n in picture.split("x"))
    layers = f"{{op: linear, flatten: true, quantization: {bits}}}"
    net = Net(layers, f"{outputs}x{channels * np.prod(dims)}", picture, bits=bits)
    assert slots(net) == [(0, n_words)]


def same_weights(*changes):
    """Two layers that read the input, with the same weights."""
    keys = "{in_sequences: input, processors: 0x3, output_processors: 0xf, in_offset: 0"
    layers = "\n".join(f"{keys}, out_offset: {0x1000 * (i + 1)}}}" for i in range(2))
    net = Net(layers)
    for change in changes:
        net = replace(net, layers=net.layers.replace(*change))
    weight = source_of(Net("{}", W)).checkpoint.layers[0].weight % 8
    entries = tuple(LayerWeights(f"w{i}", weight, None, None, 0) for i in range(2))
    source = replace(
        source_of(net), network=network_of(net), checkpoint=Checkpoint("q", None, entries)
    )
    return compile_net(net, source)


def test_equal_weights_are_stored_once():
    layers = same_weights().placement.layers
    assert layers[1].kernel_slot == layers[0].kernel_slot
    assert layers[1].kernel_slot.owner == 0
    assert report_on(same_weights(), MAX78000).weights.used == 2 * 4 * 9


@pytest.mark.parametrize(
    "change",
    [
        ("out_offset: 8192", "out_offset: 8192, quantization: 4"),
        ("output_processors: 0xf, in_offset: 0, out_offset: 8192",
         "output_processors: 0x55, in_offset: 0, out_offset: 8192"),
    ],
    ids=["other width", "other columns"],
)  # fmt: skip
def test_equal_weights_in_another_form_are_not(change):
    layers = same_weights(change).placement.layers
    assert [layer.kernel_slot.owner for layer in layers] == [0, 1]


def test_words_past_the_end_are_kept_for_the_refusal():
    placement = placement_of(Net("{}", "1024x64x3x3", "64x4x4"))
    assert placement.kernels.is_used.shape[1] == 1024
    assert MAX78000.kernel_words == 768


# -- bias memory -----------------------------------------------------------------------------------


def test_biases_go_to_the_emptiest_quadrant_longest_first():
    """Four quadrants are in use; the layers have 4, 8, 6 and 64 biases."""
    net = Net("{}\n{}\n{}\n{}\n{}", "4x2x3x3 8x4x3x3 6x8x3x3 64x6x3x3 4x64x3x3", bias=1)
    assert biases(net) == [(3, 0, 4), (1, 0, 8), (2, 0, 6), (0, 0, 64), (3, 4, 4)]


def test_flattened_layers_come_first_then_bound_ones():
    net = Net(
        "{bias_group: 0}\n{}\n{op: linear, flatten: true}", "16x2x3x3 20x16x3x3 3x720", bias=1
    )
    assert biases(net) == [(0, 3, 16), (1, 0, 20), (0, 0, 3)]


def test_equal_biases_are_stored_once_and_zeros_not_at_all():
    net = Net("{}\n{}\n{}", f"{W} {W4} {W4}", bias=0)
    assert biases(net) == [None, (0, 0, 4), (0, 4, 4)]
    graph = graph_of(Net("{}\n{}", f"{W} {W4}", bias=5))
    assert [layer.kernel.bias.tolist() for layer in graph.layers] == [[5] * 4, [6] * 4]


def test_unaligned_outputs_have_room_in_front_of_their_biases():
    """First output in lane 2: two bytes in front, in each of two passes."""
    net = Net("{output_processors: 0x3c}", W, bias=7)
    assert biases(net) == [(0, 0, 6)]
    assert placement_of(net).biases.contents[0] == bytes([0, 0, 7, 7, 7, 7])


# -- the engine's forms ----------------------------------------------------------------------------


def form(layers, weights, image):
    return hardware_form(graph_of(Net(layers, weights, image)).layers[-1], MAX78000)


def test_short_dilation_is_stretched_with_zeros():
    """H2 of docs/hardware/registers.md#hardware-form."""
    hardware = form("{op: conv1d, kernel_size: 3, pad: 1, dilation: 4}", "1x1x3", "1x20")
    assert (hardware.op, hardware.kernel_size, hardware.pad) == (Operator.CONV1D, (9, 1), (1, 0))
    taps = hardware.weights_oihw[0, 0, :, 0]
    assert np.flatnonzero(taps).tolist() == [0, 4, 8]
    assert hardware.out_dims == (14, 1)


@pytest.mark.parametrize(
    ("taps", "rows", "lead"), [(2, [1, 2], 0), (3, [0, 1, 2], 20)], ids=["k2", "k3"]
)
def test_long_dilation_is_folded(taps, rows, lead):
    """H3: an image of five columns, weights in the middle column."""
    layers = f"{{op: conv1d, kernel_size: {taps}, pad: 0, dilation: {9 if taps == 2 else 5}}}"
    hardware = form(layers, f"1x1x{taps}", "1x43")
    width = 9 if taps == 2 else 5
    assert (hardware.op, hardware.kernel_size) == (Operator.CONV2D, (3, 3))
    assert hardware.in_dims == (-(-43 // width), width)
    assert np.flatnonzero(hardware.weights_oihw[0, 0, :, 1]).tolist() == rows
    assert not hardware.weights_oihw[0, 0, :, ::2].any()
    assert hardware.lead_bytes == lead


def test_transposed_layers_are_padded_by_the_complement():
    """H4, and the row buffer."""
    hardware = form("{op: convtranspose2d, pad: 0}", "2x4x3x3t", "2x5x6")
    assert hardware.pad == (2, 2)
    assert row_buffer_entries(hardware, output_pad=1) == (6 - 1) * 2 + 1 + 1 + 2 * 2 - 3 + 1


def test_a_1x1_kernel_in_a_streaming_group_is_widened():
    """H1."""
    net = Net(
        "{streaming: true}\n{kernel_size: 1x1, pad: 0}", f"{W} 4x4x1x1", input_path=InputPath.FIFO
    )
    hardware = hardware_form(graph_of(net).layers[1], MAX78000)
    assert (hardware.kernel_size, hardware.pad) == ((3, 3), (1, 1))
    weights = hardware.weights_oihw
    assert weights[:, :, 1, 1].any()
    assert np.count_nonzero(weights) == np.count_nonzero(weights[:, :, 1, 1])


# -- advice ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "pixels", "advice"),
    [
        (30_000, 100, "use out_offset: 0xad0 or less"),
        (32_768, 100, "use out_offset: 0x0 or less"),
        (40_000, 10_000, "fold the picture by 2 (2500 pixels), or pool in the layer before"),
        (131_076, 32_769, "fold the picture by 4 (2048 pixels), or pool in the layer before"),
    ],
)
def test_advice_for_data(size, pixels, advice):
    assert fit_data("out_offset", size, pixels, MAX78000) == advice
