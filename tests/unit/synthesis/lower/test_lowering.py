"""Description and weights become a graph: order, operations, shapes; each refusal word by word."""

import numpy as np
import pytest

from max78000.errors import CapacityError, ToolError, UnsupportedError
from max78000.facts.chip import MAX78000
from max78000.facts.fixed import Activation, Combine
from networks import Net, checkpoint_of, graph_of, network_of
from synthesis.graph.ir import PoolKind
from synthesis.lower.lower import lower
from synthesis.lower.operation import read_operation
from synthesis.lower.sequence import order_layers, reference_to
from synthesis.read.checkpoint import Checkpoint, LayerWeights
from synthesis.read.description import Operator
from synthesis.read.source import Source

W = "4x2x3x3"  # two channels to four
W4 = "4x4x3x3"


def problems(net):
    with pytest.raises(ToolError) as refusal:
        graph_of(net)
    return str(refusal.value).splitlines()


# -- order -----------------------------------------------------------------------------------------


def order(layers):
    steps = order_layers(network_of(Net(layers)), MAX78000)
    return [(step.name, *map(reference_to, step.sources)) for step in steps]


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ("{}\n{name: b}\n{}", [("layer0", "input"), ("b", 0), ("layer2", 1)]),
        ("{sequence: 7}\n{sequence: 2, name: b}\n{}",
            [("b", "input"), ("layer1", 0), ("layer2", 1)]),
        ("{name: A}\n{}\n{in_sequences: [a, 1, Input]}",
            [("A", "input"), ("layer1", 0), ("layer2", 0, 1, "input")]),
        ("{sequence: 4}\n{sequence: 9, in_sequences: 4}", [("layer0", "input"), ("layer1", 0)]),
        ("{next_sequence: b}\n{name: b, next_sequence: stop}\n{}", [("layer0", "input"), ("b", 0)]),
        ("{next_sequence: -1}\n{}", [("layer0", "input")]),
        ("{next_sequence: 1}\n{next_sequence: 2}", [("layer0", "input"), ("layer1", 0)]),
    ],
)  # fmt: skip
def test_order(layers, expected):
    assert order(layers) == expected


# fmt: off
ORDER_PROBLEMS = [
    # layers                                  the only message
    ("{sequence: 3}\n{sequence: 3}",          "net.yaml:5 layers[1]: sequence 3 is also that of "
                                              "net.yaml:4 layers[0] [G6]"),
    ("{name: a}\n{name: A}",                  "net.yaml:5 layers[1] A: the name is also that of "
                                              "net.yaml:4 layers[0] a [G7] (rename)"),
    ("{name: Stop}",                          "net.yaml:4 layers[0] Stop: the name 'stop' is "
                                              "reserved [G7] (rename)"),
    ("{name: input}",                         "net.yaml:4 layers[0] input: the name 'input' is "
                                              "reserved [G7] (rename)"),
    ("{name: a}\n{in_sequences: b}",          "net.yaml:5 layers[1]: no layer 'b' [G8] (there "
                                              "are input, a, 0, 1)"),
    ("{sequence: 3}\n{in_sequences: 2}",      "net.yaml:5 layers[1]: no layer 2 [G8] (there are "
                                              "input, 3, 4)"),
    ("{weight_source: x}",                    "net.yaml:4 layers[0]: no layer 'x' [G8] (there "
                                              "are input, 0)"),
    ("{next_sequence: x}\n{}",                "net.yaml:4 layers[0]: no layer 'x' [G8] (there "
                                              "are input, 0, 1)"),
    ("{in_sequences: b}\n{name: b}",          "net.yaml:4 layers[0]: reads layer 'b', which "
                                              "runs later [G9] (put that layer first: layers "
                                              "run in order)"),
    ("{in_sequences: 0}",                     "net.yaml:4 layers[0]: reads layer 0, which runs "
                                              "later [G9] (put that layer first: layers run "
                                              "in order)"),
    ("{next_sequence: 2}\n{}\n{}",            "net.yaml:4 layers[0]: next_sequence 2 is not the "
                                              "following layer [G10] (reorder the layers; links "
                                              "exist on MAX78002 only)"),
]
# fmt: on


@pytest.mark.parametrize(("layers", "message"), ORDER_PROBLEMS, ids=range(len(ORDER_PROBLEMS)))
def test_order_problems(layers, message):
    with pytest.raises(ToolError) as refusal:
        order(layers)
    assert str(refusal.value) == message


def test_links_are_unsupported_and_too_many_layers_do_not_fit():
    with pytest.raises(UnsupportedError):
        order("{next_sequence: 2}\n{}\n{}")
    with pytest.raises(CapacityError) as refusal:
        order("\n".join(["{op: none}"] * 33))
    assert str(refusal.value) == (
        "net.yaml: 33 layers, the chip has 32 [G5] (merge pooling and element-wise layers into the "
        "convolution that follows)"
    )
    assert len(order("\n".join(["{op: none}"] * 32))) == 32


# -- one layer's operation -------------------------------------------------------------------------


def operation(entries):
    return read_operation(network_of(Net(f"{{{entries}}}")).layers[0], "here")


# fmt: off
DEFAULTS = [
    # entries                   operator                   kernel  pad     stride  output_pad
    ("",                        Operator.CONV2D,           (3, 3), (1, 1), (1, 1), 0),
    ("op: conv1d",              Operator.CONV1D,           (9, 1), (1, 0), (1, 1), 0),
    ("op: convtranspose2d",     Operator.CONVTRANSPOSE2D,  (3, 3), (1, 1), (2, 2), 1),
    ("op: mlp",                 Operator.LINEAR,           (1, 1), (0, 0), (1, 1), 0),
    ("op: none",                Operator.PASSTHROUGH,      (1, 1), (0, 0), (1, 1), 0),
    ("op: none, kernel_size: 5", Operator.PASSTHROUGH,     (1, 1), (0, 0), (1, 1), 0),
    ("op: xor",                 Operator.PASSTHROUGH,      (1, 1), (0, 0), (1, 1), 0),
    ("eltwise: sub",            Operator.CONV2D,           (3, 3), (1, 1), (1, 1), 0),
    ("op: conv1d, pad: 2",      Operator.CONV1D,           (9, 1), (2, 0), (1, 1), 0),
]
# fmt: on


@pytest.mark.parametrize(("entries", "op", "kernel", "pad", "stride", "output_pad"), DEFAULTS)
def test_defaults(entries, op, kernel, pad, stride, output_pad):
    found = operation(entries)
    assert (found.op, found.kernel_size, found.pad) == (op, kernel, pad)
    assert (found.stride, found.output_pad) == (stride, output_pad)


def test_element_wise_words():
    assert operation("op: bitwise_or").combine is Combine.OR
    assert operation("op: add, eltwise: xor").combine is Combine.XOR
    assert operation("op: add").operands == 2
    assert operation("eltwise: sub, operands: 5").operands == 5
    assert operation("op: conv2d").operands == 1


def test_pooling_and_activation_words():
    found = operation("avg_pool: [2, 3], pool_stride: 2, activate: ABS")
    assert (found.pool.kind, found.pool.window) == (PoolKind.AVERAGE, (2, 3))
    assert found.pool.stride == (2, 2)
    assert found.activation is Activation.ABS


# fmt: off
OPERATION_PROBLEMS = [
    # entries                             message
    ("operands: 2",                       "operands without an element-wise operation [E1] (add "
                                          "eltwise or remove it)"),
    ("op: linear, kernel_size: 1x1",      "kernel_size given for a linear layer [C21] (remove it)"),
    ("max_pool: 2, avg_pool: 2",          "both max_pool and avg_pool [L10] (keep one)"),
    ("max_pool: [0, 1]",                  "pool window (0, 1), stride (1, 1): both start at 1 [L1] "
                                          "(use 1 or more)"),
    ("pool_stride: 0",                    "pool window (1, 1), stride (0, 0): both start at 1 [L1] "
                                          "(use 1 or more)"),
    ("dilation: [1, 2]",                  "dilation (1, 2) [C7] (give one number, 1 or more)"),
    ("op: conv1d, dilation: 0",           "dilation (0, 0) [C6] (give one number, 1 or more)"),
]
# fmt: on


@pytest.mark.parametrize(("entries", "message"), OPERATION_PROBLEMS)
def test_operation_problems(entries, message):
    assert problems(Net(f"{{{entries}}}", W)) == [f"net.yaml:4 layers[0]: {message}"]


def test_operation_problems_of_all_layers_at_once():
    assert [line[:20] for line in problems(Net("{operands: 2}\n{}\n{pool_stride: 0}", W))] == [
        "net.yaml:4 layers[0]",
        "net.yaml:6 layers[2]",
    ]


# -- shapes ----------------------------------------------------------------------------------------

# fmt: off
SHAPES = [
    # layers, weights, image, input and output shape of the last layer
    ("{}",                                              W,         "2x6x7",   "2x6x7",  "4x6x7"),
    ("{pad: 0}",                                        W,         "2x6x7",   "2x6x7",  "4x4x5"),
    ("{pad: 2, max_pool: 3, pool_stride: 2}",           W,         "2x9x10",  "2x9x10", "4x6x6"),
    ("{max_pool: [2, 3], pool_stride: 1, pad: 0}",      W,         "2x6x7",   "2x6x7",  "4x3x3"),
    ("{op: conv1d, kernel_size: 3, pad: 0}",            "4x2x3",   "2x9",     "2x9x1",  "4x7x1"),
    ("{op: conv1d, kernel_size: 3, pad: 1, dilation: 3}", "4x2x3", "2x9",     "2x9x1",  "4x5x1"),
    ("{op: convtranspose2d}",                           "2x4x3x3t", "2x5x6",  "2x5x6",  "4x10x12"),
    ("{op: convtranspose2d, pad: 0}",                   "2x4x3x3t", "2x5x6",  "2x5x6",  "4x12x14"),
    ("{op: convtranspose2d, pad: 2}",                   "2x4x3x3t", "2x5x6",  "2x5x6",  "4x8x10"),
    ("{op: none, max_pool: 2, pool_stride: 2}",         "",        "2x6x7",   "2x6x7",  "2x3x3"),
    ("{op: linear, flatten: true}",                     "3x72",    "2x6x6",   "2x6x6",  "3x1x1"),
    ("{op: linear}",                                    "3x2",     "2x1x1",   "2x1x1",  "3x1x1"),
    ("{op: add}",                                       "",        "4x6x6",   "2x6x6",  "2x6x6"),
    ("{eltwise: add, operands: 3}",                     W,         "6x6x6",   "2x6x6",  "4x6x6"),
    ("{}\n{in_sequences: [0, 0], name: b}",             W + " 3x8x3x3", "2x6x6", "8x6x6", "3x6x6"),
    ("{}\n{op: conv1d, kernel_size: 3, pad: 1, in_dim: 36}", W + " 4x4x3", "2x6x6", "4x36x1",
                                                                                    "4x36x1"),
    ("{}\n{in_crop: [1, 2], in_dim: [3, 6]}",           W + " " + W4, "2x6x6", "4x3x6", "4x3x6"),
    ("{}\n{in_sequences: [0, 0], in_dim: [12, 6], in_channels: 4}",
                                                        W + " " + W4, "2x6x6", "4x12x6", "4x12x6"),
]
# fmt: on


@pytest.mark.parametrize(("layers", "weights", "image", "read", "made"), SHAPES)
def test_shapes(layers, weights, image, read, made):
    layer = graph_of(Net(layers, weights, image)).layers[-1]
    assert (str(layer.in_shape), str(layer.out_shape)) == (read, made)


SAMPLE = "(check the sample's shape, in_sequences and the order of the layers)"
# fmt: off
SHAPE_PROBLEMS = [
    # network, messages
    (Net("{max_pool: 7, pool_stride: 7}", W), [
        "net.yaml:4 layers[0]: nothing is left: input 2x6x6, pooled to 0x0, output 4x0x0 [D3] "
        "(check the sample's size, pooling windows and strides)"]),
    (Net("{in_dim: [5, 6]}", W), [
        "net.yaml:4 layers[0]: reads 5x6 pixels, its producers have 6x6 [G14] (give in_dim, or "
        "make the producers equal)"]),
    (Net("{op: conv1d, kernel_size: 3}", "4x2x3"), [
        "net.yaml:4 layers[0]: Conv1d reads an image of 6x6 [G16] (give in_dim: 36, or use "
        "Conv2d)"]),
    (Net("{op: linear, flatten: true}", "3x70"), [
        "net.yaml:4 layers[0]: 72 flattened input channels, the weights w0 have 70 [G24] "
        + SAMPLE]),
    (Net("{}\n{in_sequences: 0}", W + " 4x3x3x3"), [
        f"net.yaml:5 layers[1]: 4 input channels, the weights w1 have 3 [P2] {SAMPLE}"]),
    (Net("{}\n{}", W + " 4x3x3x3"), [
        "net.yaml:5 layers[1]: reads 3 channels, its producers have 4 [P2] (check in_sequences, "
        "in_channels and the order of the layers)"]),
    (Net("{}\n{op: none, in_channels: 5}", W), [
        "net.yaml:5 layers[1]: reads 5 channels, its producers have 4 [P2] (check in_sequences, "
        "in_channels and the order of the layers)"]),
    (Net("{out_channels: 8}", W), [
        "net.yaml:4 layers[0]: out_channels is 8, the layer makes 4 channels [P3] (remove "
        "out_channels)"]),
    (Net("{}\n{in_sequences: input}\n{op: add, in_sequences: [0, 1]}", W + " 3x2x3x3"), [
        "net.yaml:6 layers[2]: combines tensors of 4, 3 channels [G13] (make them equal)"]),
    (Net("{}\n{in_sequences: input, pad: 0}\n{in_sequences: [0, 1]}", f"{W} {W} 4x8x3x3"), [
        "net.yaml:6 layers[2]: reads 6x6 pixels, its producers have 6x6, 4x4 [G14] (give in_dim, "
        "or make the producers equal)"]),
    (Net("{pad: 0}\n{}\n{out_channels: 9}", f"{W} {W4} {W4}", "2x3x2"), [
        "net.yaml:4 layers[0]: nothing is left: input 2x3x2, pooled to 3x2, output 4x1x0 [D3] "
        "(check the sample's size, pooling windows and strides)",
        "net.yaml:5 layers[1]: nothing is left: input 4x1x0, pooled to 1x0, output 4x1x0 [D3] "
        "(check the sample's size, pooling windows and strides)",
        "net.yaml:6 layers[2]: nothing is left: input 4x1x0, pooled to 1x0, output 9x1x0 [D3] "
        "(check the sample's size, pooling windows and strides)"]),
]
# fmt: on


@pytest.mark.parametrize(("net", "messages"), SHAPE_PROBLEMS, ids=range(len(SHAPE_PROBLEMS)))
def test_shape_problems(net, messages):
    assert problems(net) == messages


# -- weights ---------------------------------------------------------------------------------------

# fmt: off
WEIGHT_PROBLEMS = [
    # layers, weights, the only message
    ("{}\n{name: c2}\n{}",                   f"{W} {W4}",
        "net.yaml:6 layers[2]: 3 layers need weights, tiny-q.pth.tar has 2: layer0 <- w0, "
        "c2 <- w1, layer2 <- nothing [G11] (check for a missing `op: passthrough` or "
        "`weight_source`)"),
    ("{}",                                   "",
        "net.yaml:4 layers[0]: 1 layers need weights, tiny-q.pth.tar has 0: layer0 <- nothing "
        "[G11] (check for a missing `op: passthrough` or `weight_source`)"),
    ("{kernel_size: 1x1}",                   W,
        "net.yaml:4 layers[0]: kernel_size is 1x1, w0 in tiny-q.pth.tar has weights 4x2x3x3 [C9] "
        "(correct kernel_size, or the order of the layers)"),
    ("{op: conv1d, kernel_size: 3}",         W,
        "net.yaml:4 layers[0]: kernel_size is 3x1, w0 in tiny-q.pth.tar has weights 4x2x3x3 [C9] "
        "(correct kernel_size, or the order of the layers)"),
    ("{}\n{weight_source: input}",           W,
        "net.yaml:5 layers[1]: weight_source 'input': one of the two has no weights [G8] (name a "
        "convolution)"),
    ("{}\n{op: none, weight_source: 0}",     W,
        "net.yaml:5 layers[1]: weight_source 0: one of the two has no weights [G8] (name a "
        "convolution)"),
]
# fmt: on


@pytest.mark.parametrize(("layers", "weights", "message"), WEIGHT_PROBLEMS)
def test_weight_problems(layers, weights, message):
    assert problems(Net(layers, weights)) == [message]


def lowered(net, *entries, arch=None):
    source = Source(
        network_of(net), Checkpoint("q", arch, entries), np.zeros((2, 6, 6), np.int64)
    )  # fmt: skip
    return lower(source, MAX78000)


def entry(name="w", bits=None, shift=0, bias=None, weight=None):
    weight = checkpoint_of(Net("", W)).layers[0].weight if weight is None else weight
    return LayerWeights(name, weight, bias, bits, shift)


def test_the_arch_has_to_be_the_same_in_any_case():
    net = Net("{}", W)
    assert lowered(net, entry(), arch="TINY").name == "tiny"
    assert lowered(net, entry(), arch=None).name == "tiny"
    with pytest.raises(ToolError) as refusal:
        lowered(net, entry(), arch="large")
    assert str(refusal.value) == (
        "net.yaml:1: arch is tiny, the checkpoint q was made for large [G12] (use the checkpoint "
        "of this network, or correct arch)"
    )


def test_the_description_overrides_the_checkpoint():
    net = Net("{}\n{in_sequences: input, quantization: 4, output_shift: -2}")
    first, second = lowered(net, entry(bits=2, shift=3), entry(bits=2, shift=3)).layers
    assert (first.kernel.bits, first.kernel.output_shift, first.kernel.shift) == (2, 3, 9)
    assert (second.kernel.bits, second.kernel.output_shift, second.kernel.shift) == (4, -2, 2)


def test_default_widths():
    zeros = np.zeros((4, 2, 3, 3), np.int64)
    first, second = lowered(
        Net("{}\n{in_sequences: input}"), entry(), entry(weight=zeros, bias=np.zeros(4))
    ).layers
    assert first.kernel.bits == 8
    assert second.kernel.bits == 1
    assert second.kernel.bias is None


def test_layers_without_weights_take_no_entry_and_more_entries_are_left():
    net = Net("{}\n{op: none}\n{in_sequences: input, weight_source: 0}\n{in_sequences: input}")
    layers = lowered(net, entry("a"), entry("b"), entry("c")).layers
    names = [layer.kernel.source if layer.kernel else None for layer in layers]
    assert names == ["a", None, "a", "b"]


def test_a_bias_of_the_wrong_length():
    with pytest.raises(ToolError) as refusal:
        lowered(Net("{}"), entry(bias=np.ones(3)))
    assert str(refusal.value) == (
        "net.yaml:4 layers[0]: 3 bias values for 4 output channels [C13] (check out_channels and "
        "the checkpoint)"
    )


def test_transposed_weights_are_turned():
    kernel = graph_of(Net("{op: convtranspose2d}", "2x4x3x3t")).layers[0].kernel
    stored = checkpoint_of(Net("", "2x4x3x3t")).layers[0].weight
    assert kernel.weights_oihw.shape == (4, 2, 3, 3)
    assert kernel.weights_oihw[3, 1, 0, 2] == stored[1, 3, 2, 0]
