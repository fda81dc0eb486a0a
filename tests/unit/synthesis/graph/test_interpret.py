"""The integer interpreter against PyTorch's layers in exact arithmetic, and sums by hand."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from max78000.errors import InternalError
from networks import Net, checkpoint_of, graph_of, image_of
from synthesis.graph.interpret import compare, interpret

WIDE = "output_width: 32"


def results(net, image=None, **options):
    graph = graph_of(net)
    return interpret(graph, image_of(net) if image is None else np.array(image), **options)


def tensors(net):
    """Sample and weights as PyTorch sees them: float64 holds these sums exactly."""
    weights = [torch.tensor(e.weight, dtype=torch.float64) for e in checkpoint_of(net).layers]
    image = image_of(net)
    if len(net.image.split("x")) == 2:
        image = image[:, :, 0]
    return torch.tensor(image, dtype=torch.float64)[None], weights


def same(found, expected):
    return np.array_equal(found.reshape(-1), expected[0].numpy().reshape(-1))


# -- one layer against PyTorch ---------------------------------------------------------------------

# fmt: off
AGAINST_TORCH = [
    # layer, weights, image, the same in PyTorch
    (f"{{pad: 1, {WIDE}}}", "5x3x3x3", "3x6x7", lambda x, w: F.conv2d(x, w, padding=1)),
    (f"{{pad: 0, {WIDE}}}", "5x3x3x3", "3x6x7", F.conv2d),
    (f"{{pad: 2, {WIDE}}}", "5x3x3x3", "3x6x7", lambda x, w: F.conv2d(x, w, padding=2)),
    (f"{{kernel_size: 1x1, pad: 0, {WIDE}}}", "70x66x1x1", "66x3x4", F.conv2d),
    (f"{{op: conv1d, kernel_size: 5, pad: 2, {WIDE}}}", "4x3x5", "3x20",
        lambda x, w: F.conv1d(x, w, padding=2)),
    (f"{{op: conv1d, kernel_size: 3, pad: 1, dilation: 4, {WIDE}}}", "4x3x3", "3x20",
        lambda x, w: F.conv1d(x, w, padding=1, dilation=4)),
    (f"{{op: conv1d, kernel_size: 2, pad: 0, dilation: 11, {WIDE}}}", "4x3x2", "3x20",
        lambda x, w: F.conv1d(x, w, dilation=11)),
    *[(f"{{op: convtranspose2d, pad: {pad}, {WIDE}}}", "3x5x3x3t", "3x4x6",
        lambda x, w, pad=pad: F.conv_transpose2d(x, w, stride=2, padding=pad, output_padding=1))
        for pad in (0, 1, 2)],
    (f"{{op: linear, flatten: true, {WIDE}}}", "5x36", "3x3x4",
        lambda x, w: x.reshape(1, -1) @ w.T),
    (f"{{max_pool: 2, pool_stride: 2, {WIDE}}}", "5x3x3x3", "3x7x8",
        lambda x, w: F.conv2d(F.max_pool2d(x, 2, 2), w, padding=1)),
    (f"{{max_pool: [2, 3], pool_stride: 1, {WIDE}}}", "5x3x3x3", "3x7x8",
        lambda x, w: F.conv2d(F.max_pool2d(x, (2, 3), 1), w, padding=1)),
    (f"{{max_pool: 1, pool_stride: 2, {WIDE}}}", "5x3x3x3", "3x7x8",
        lambda x, w: F.conv2d(x[:, :, ::2, ::2], w, padding=1)),
    (f"{{op: conv1d, kernel_size: 3, pad: 1, max_pool: 3, pool_stride: 2, {WIDE}}}", "4x3x3",
        "3x20", lambda x, w: F.conv1d(F.max_pool1d(x, 3, 2), w, padding=1)),
    ("{op: none, max_pool: 3, pool_stride: 2}", "1x1", "3x7x8",
        lambda x, w: F.max_pool2d(x, 3, 2)),
    ("{op: none, avg_pool: 3, pool_stride: 2}", "1x1", "3x7x8",
        lambda x, w: F.avg_pool2d(x, 3, 2).trunc()),
    (f"{{eltwise: add, {WIDE}}}", "5x3x3x3", "6x4x5",
        lambda x, w: F.conv2d((x[:, :3] + x[:, 3:]).clamp(-128, 127), w, padding=1)),
    (f"{{eltwise: sub, max_pool: 2, pool_stride: 2, {WIDE}}}", "5x3x3x3", "6x4x6",
        lambda x, w: F.conv2d((F.max_pool2d(x[:, :3], 2) - F.max_pool2d(x[:, 3:], 2))
                              .clamp(-128, 127), w, padding=1)),
    (f"{{eltwise: sub, max_pool: 2, pool_stride: 2, pool_first: false, {WIDE}}}",
        "5x3x3x3", "6x4x6",
        lambda x, w: F.conv2d(F.max_pool2d((x[:, :3] - x[:, 3:]).clamp(-128, 127), 2), w,
                              padding=1)),
]
# fmt: on


@pytest.mark.parametrize(
    ("layer", "weights", "image", "reference"), AGAINST_TORCH, ids=[row[0] for row in AGAINST_TORCH]
)
def test_one_layer_against_torch(layer, weights, image, reference):
    net = Net(layer, weights, image)
    sample, (weight,) = tensors(net)
    (found,) = results(net)
    assert found.dtype == np.int64
    assert same(found, reference(sample, weight))


@pytest.mark.parametrize("shift", [-3, 0, 2])
@pytest.mark.parametrize(
    ("activate", "function"), [("None", lambda y: y), ("ReLU", F.relu), ("Abs", torch.abs)]
)
def test_scale_round_saturate_activate(shift, activate, function):
    net = Net(f"{{activate: {activate}, output_shift: {shift}}}", "5x3x3x3", "3x6x7", bias=-3)
    sample, (weight,) = tensors(net)
    total = F.conv2d(sample, weight, torch.full((5,), -3.0 * 128, dtype=torch.float64), padding=1)
    scaled = (total * 2.0**shift / 128 + 0.5).floor().clamp(-128, 127)
    assert same(results(net)[0], function(scaled).clamp(-128, 127))


@pytest.mark.parametrize(("bits", "factor"), [(8, 1), (4, 16), (2, 64), (1, 128)])
def test_narrow_weights_count_more(bits, factor):
    net = Net(f"{{quantization: {bits}}}", "5x3x3x3", "3x6x7", bits=bits)
    sample, (weight,) = tensors(net)
    total = F.conv2d(sample, weight, padding=1) * factor
    assert same(results(net)[0], (total / 128 + 0.5).floor().clamp(-128, 127))


# -- by hand ---------------------------------------------------------------------------------------


def test_average_pooling_truncates_or_rounds():
    net = Net("{op: none, avg_pool: 2, pool_stride: 2}", "", "1x2x4")
    image = [[[1, 2, -1, -2], [3, 1, -3, -1]]]
    assert results(net, image)[0].tolist() == [[[1, -1]]]
    assert results(net, image, round_average=True)[0].tolist() == [[[2, -2]]]


@pytest.mark.parametrize(
    ("op", "expected"), [("add", 127), ("sub", -28), ("or", 100 | 127), ("xor", 100 ^ 127)]
)
def test_element_wise(op, expected):
    net = Net(f"{{op: {op}, operands: 2}}", "", "2x1x1")
    second = 128 if op == "sub" else 127
    assert results(net, [[[100]], [[second]]])[0].tolist() == [[[expected]]]


def test_operands_of_several_producers():
    net = Net("{op: none}\n{op: add, in_sequences: [input, 0]}\n{op: sub, in_sequences: [1, 0]}")
    image = image_of(net) // 4
    copied, doubled, back = results(net, image)
    assert np.array_equal(copied, image)
    assert np.array_equal(doubled, 2 * image)
    assert np.array_equal(back, image)


def test_joined_channels_and_joined_rows():
    net = Net("{op: none}\n{op: none, in_sequences: [input, 0]}")
    image = image_of(net)
    assert np.array_equal(results(net)[1], np.concatenate([image, image]))
    net = Net("{op: none}\n{op: none, in_sequences: [input, 0], in_dim: [12, 6], in_channels: 2}")
    assert np.array_equal(results(net)[1], np.concatenate([image, image], axis=1))


def test_cropping():
    net = Net("{op: none}\n{op: none, in_crop: [1, 2], in_dim: [3, 6]}")
    assert np.array_equal(results(net)[1], image_of(net)[:, 1:4])
    net = Net("{op: none}\n{op: none, in_crop: [2, 0], in_dim: [4, 6]}")
    assert np.array_equal(results(net)[1], image_of(net)[:, 2:])


def test_flattening_is_channel_major():
    weight = np.zeros((1, 8), int)
    weight[0, 4 * 1 + 2 * 1 + 0] = 1  # channel 1, row 1, column 0
    net = Net(f"{{op: linear, flatten: true, {WIDE}}}", "1x8", "2x2x2")
    graph = graph_of(net)
    np.copyto(graph.layers[0].kernel.weights_oihw.reshape(1, 8), weight)
    image = image_of(net)
    assert interpret(graph, image)[0].tolist() == [[[image[1, 1, 0]]]]


# -- comparing answers -----------------------------------------------------------------------------


def test_the_first_difference_in_words():
    net = Net("{op: none, name: a}\n{op: none, name: b}")
    graph, answer = graph_of(net), dict(enumerate(results(net)))
    assert compare(graph, answer, answer) is None
    other = {i: tensor.copy() for i, tensor in answer.items()}
    other[1][1, 2, 3] += 1
    value = answer[1][1, 2, 3]
    assert compare(graph, answer, other) == (
        f"layer b channel 1 row 2 column 3: {value} and {value + 1}"
    )
    assert compare(graph, answer, {0: other[0]}) is None
    with pytest.raises(InternalError, match=r"b: shapes \(2, 6, 6\) and \(2, 36\)"):
        compare(graph, answer, {1: other[1].reshape(2, -1)})
