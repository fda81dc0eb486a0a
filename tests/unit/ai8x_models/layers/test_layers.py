import pytest
import torch
import torch.nn.functional as F
from torch import nn

from ai8x_models.layers.layers import (
    Conv1d,
    Conv2d,
    ConvTranspose2d,
    ElementWise,
    FoldedConv2d,
    Linear,
    Pool,
)
from ai8x_models.layers.policy import QatPolicy
from ai8x_models.layers.qat import Mode, set_mode, start_qat
from ai8x_models.layers.space_to_depth import fold_image
from max78000.facts.fixed import Combine


def _with_integers(layer, weight, bias=None):
    """Give a layer integer weights and bias bytes."""
    layer.op.weight.data = weight.float()
    if bias is not None and layer.op.bias is not None:
        layer.op.bias.data = bias.float() * 128
    set_mode(layer, Mode.INTEGER)
    return layer.eval()


# Worked examples from runs of the vendor's generator.


def test_convolution_example():
    taps, channel = torch.arange(1, 10), 16 * torch.arange(2).view(1, 2, 1)
    weight = (taps + channel + 32 * torch.arange(2).view(2, 1, 1)).view(2, 2, 3, 3)
    data = torch.stack([torch.arange(-8, 1), torch.arange(1, 10)]).view(1, 2, 3, 3).float()
    bias = torch.tensor([5, -7])
    wide = _with_integers(Conv2d(2, 2, wide=True), weight, bias)(data)
    assert wide.dtype == torch.int32
    assert wide[0, :, 0, 0].tolist() == [0x300, -1152]
    assert wide[0, :, 0, 1].tolist() == [933, -987]
    narrow = _with_integers(Conv2d(2, 2), weight, bias)(data)
    assert narrow[0, :, 0, 0].tolist() == [6, -9]
    assert narrow[0, :, 0, 1].tolist() == [7, -8]


def test_average_pooling_example():
    layer = Conv2d(1, 1, 1, pool="avg", bias=False)
    _with_integers(layer, torch.full((1, 1, 1, 1), 64))
    windows = torch.tensor([[[[1.0, 2, -3, -4], [3, 5, -2, -2]]]])
    assert layer(windows).flatten().tolist() == [1, -1]


def test_transposed_convolution_example():
    kernel = 8 * torch.arange(1, 10).view(1, 1, 3, 3)
    layer = ConvTranspose2d(1, 1, padding=1, bias=False)
    _with_integers(layer, kernel.flip(2, 3))  # the example gives the kernel as the chip holds it
    data = torch.tensor([[[[16.0, 32], [48, 64]]]])
    rows = [[5, 16, 10, 8], [26, 64, 36, 30], [15, 36, 20, 16], [6, 15, 8, 4]]
    assert layer(data)[0, 0].tolist() == rows


def test_sums_beyond_float32_are_exact():
    layer = Conv2d(1024, 1, 3, wide=True, padding=0, bias=False)
    weight = torch.full((1, 1024, 3, 3), 127)
    weight[0, 0, 0, 0] = 126
    _with_integers(layer, weight)
    data = torch.full((1, 1024, 3, 3), -127.0)
    assert layer(data).item() == -127 * (127 * 9 * 1024 - 1)


@pytest.mark.parametrize(("output_shift", "weight_bits"), [(0, 8), (-2, 8), (3, 4), (1, 2), (0, 1)])
def test_shift_and_narrow_weights(output_shift, weight_bits):
    one = 2 ** (weight_bits - 1)
    layer = Conv2d(4, 3, 1, bias=True)
    weight = torch.randint(-one, one, (3, 4, 1, 1), generator=torch.Generator().manual_seed(0))
    layer.op.bias.data = torch.tensor([1.0, -1, 0]) * one  # a checkpoint stores byte * 2^(bits - 1)
    layer.op.weight.data = weight.float()
    layer.weight_bits.fill_(weight_bits)
    layer.output_shift.fill_(output_shift)
    set_mode(layer, Mode.INTEGER)
    data = torch.randint(-128, 128, (1, 4, 5, 5)).float()
    bias = torch.tensor([1.0, -1, 0]).view(3, 1, 1)
    acc = F.conv2d(data, weight.float()) + 128 * bias
    scaled = acc * 2.0 ** (output_shift + 8 - weight_bits) / 128
    assert torch.equal(layer(data), torch.floor(scaled + 0.5).clamp(-128, 127))


# Float mode.


def test_float_forward_is_the_sequence_of_the_vendor():
    torch.manual_seed(0)
    layer = Conv2d(3, 4, pool="avg", batchnorm="Affine", activation="ReLU").train()
    x = torch.rand(4, 3, 8, 8) * 2 - 1
    pooled = F.avg_pool2d(x, 2)
    norm = nn.BatchNorm2d(4, momentum=0.05)
    expected = F.relu(norm(layer.op(pooled)) / 4).clamp(-1, 127 / 128)
    assert torch.allclose(layer(x), expected, atol=1e-6)
    assert layer.bn is not None
    assert torch.allclose(layer.bn.running_mean, norm.running_mean)
    assert layer.bn.num_batches_tracked.item() == 1


def test_batch_norm_without_affine_folds_too():
    torch.manual_seed(0)
    layer = Conv2d(3, 4, batchnorm="NoAffine")
    for _ in range(4):
        layer(torch.rand(4, 3, 8, 8))
    layer.eval()
    x = torch.rand(1, 3, 8, 8)
    before = layer(x)
    layer.fold_batchnorm()
    assert torch.allclose(layer(x), before, atol=1e-6)


def test_wide_outputs_are_not_limited_to_data():
    layer = Conv2d(1, 1, 1, wide=True, bias=False)
    layer.op.weight.data.fill_(5.0)
    assert layer(torch.full((1, 1, 1, 1), 0.5)).item() == 2.5


def test_fixed_scale_means_the_same_in_every_mode():
    """1.0 stays 2^14, whatever the weights; without it QAT multiplies by 2^-output_shift."""
    data = torch.full((1, 1, 1, 1), 64.0)
    for fixed_scale, expected in ((True, 0.05), (False, 0.05 * 8)):
        layer = Conv2d(1, 1, 1, wide=True, fixed_scale=fixed_scale, bias=False)
        layer.op.weight.data.fill_(0.1)
        assert layer(data / 128).item() == pytest.approx(0.05)
        start_qat(layer, QatPolicy(0))
        assert layer(data / 128).item() == pytest.approx(expected, rel=0.03)
        assert layer.output_shift.item() == (0 if fixed_scale else -3)


def test_weight_bits_begin_in_qat():
    layer = Conv2d(2, 2, weight_bits=4)
    assert layer.mode is Mode.QAT
    assert len(set((layer.eval()(torch.ones(1, 2, 4, 4)) * 128).flatten().tolist())) > 1


# The other operators.


def test_one_dimensional_layer():
    layer = Conv1d(2, 3, 9, padding=2, pool="max", pool_size=4, activation="Abs")
    x = torch.rand(2, 2, 64) * 2 - 1
    expected = layer.op(F.max_pool1d(x, 4)).clamp(-1, 127 / 128).abs()
    assert torch.allclose(layer(x), expected.clamp(max=127 / 128))
    start_qat(layer, QatPolicy(0))
    assert layer(x).shape == (2, 3, 16 + 4 - 8)


def test_linear_layer_integers():
    layer = _with_integers(Linear(192, 10, wide=True), torch.ones(10, 192), torch.arange(10))
    assert layer(torch.ones(1, 192)).tolist() == [[192 + 128 * i for i in range(10)]]


def test_pool_alone_keeps_integers():
    x = torch.tensor([[[[-1.0, -2], [0, 0]]]])
    pool = Pool(pool="avg")
    set_mode(pool, Mode.INTEGER)
    assert pool(x).item() == 0
    set_mode(pool, Mode.FLOAT)
    assert pool(x / 128).item() == -0.75 / 128
    assert Pool(1, pool="max", pool_size=3, pool_stride=2)(torch.rand(1, 1, 7)).shape == (1, 1, 3)


@pytest.mark.parametrize(
    ("op", "expected"), [(Combine.ADD, [127, -4]), (Combine.SUB, [50, -2]), (Combine.OR, [118, -1])]
)
def test_element_wise(op, expected):
    operands = (torch.tensor([100.0, -3]), torch.tensor([50.0, -1]))
    layer = ElementWise(op)
    real = layer(*(operand / 128 for operand in operands))
    assert (real * 128).tolist() == expected
    set_mode(layer, Mode.INTEGER)
    assert layer(*operands).tolist() == expected


# The stride-2 stem.


@pytest.mark.parametrize("free", [False, True])
def test_stem_takes_pictures_and_folded_pictures(free):
    torch.manual_seed(0)
    stem = FoldedConv2d(3, 16, free=free, batchnorm="Affine", activation="ReLU").eval()
    n_weights = {False: 432, True: 1728}[free]
    assert stem.op.weight.numel() == n_weights
    x = torch.rand(2, 3, 16, 16) * 2 - 1
    out = stem(x)
    assert out.shape == (2, 16, 8, 8)
    assert torch.allclose(stem(fold_image(x)), out, atol=1e-5)


@pytest.mark.parametrize("ratio", [3, 4])
def test_a_stem_of_a_larger_ratio_is_free(ratio):
    torch.manual_seed(0)
    stem = FoldedConv2d(3, 16, ratio=ratio, batchnorm="Affine", activation="ReLU").eval()
    assert stem.op.weight.shape == (16, 3 * ratio**2, 3, 3)
    x = torch.rand(2, 3, 24, 12) * 2 - 1
    out = stem(x)
    assert out.shape == (2, 16, 24 // ratio, 12 // ratio)
    assert torch.equal(stem(fold_image(x, ratio)), out)
    again = FoldedConv2d(3, 16, ratio=ratio, batchnorm="Affine", activation="ReLU").eval()
    again.load_state_dict(stem.state_dict())
    assert torch.equal(again(x), out)


def test_free_stem_starts_from_a_trained_one():
    torch.manual_seed(0)
    trained, free = FoldedConv2d(3, 8).eval(), FoldedConv2d(3, 8, free=True).eval()
    free.load_state_dict(trained.state_dict())
    x = torch.rand(1, 3, 8, 8)
    assert torch.allclose(free(x), trained(x), atol=1e-6)
    free.op.weight.data += 0.01
    trained.load_state_dict(free.state_dict())  # now holds the folded kernel, too
    assert torch.equal(free(x), trained(x))
    assert trained.fold.item() == 1
