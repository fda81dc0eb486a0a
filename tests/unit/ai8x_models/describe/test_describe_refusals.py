"""What the accelerator cannot do: all at once, each with its place and a rewrite, word by word."""

import inspect

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from ai8x_models.describe.describe import describe
from ai8x_models.layers.layers import Conv2d, ElementWise, FoldedConv2d, Linear
from max78000.errors import InputError, ProblemList, UnsupportedError
from max78000.facts.fixed import Combine


class Impossible(nn.Module):
    def __init__(self):
        super().__init__()
        self.large = nn.Conv2d(3, 8, 5, padding=2)
        self.step = nn.Conv2d(8, 8, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.groups = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.six = nn.ReLU6()
        self.flat = nn.Conv2d(8, 8, (1, 3), padding=(0, 1))
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.resize = nn.Upsample(scale_factor=2)
        self.grow = nn.ConvTranspose2d(8, 8, 2, stride=2)
        self.lstm = nn.LSTM(8, 8, batch_first=True)
        self.answer = nn.Linear(8, 4)

    def forward(self, x):
        x = torch.sigmoid(self.large(x))  # +1
        x = F.relu(self.step(x))  # +2
        x = self.norm(x)  # +3
        x = self.six(self.groups(x))  # +4
        x = self.pool(self.flat(x))  # +5
        x = self.resize(x) * 2  # +6
        x = F.relu(x + 1)  # +7
        x = self.grow(x - x.mean((2, 3), keepdim=True))  # +8
        x = x.permute(0, 2, 3, 1).reshape(len(x), -1, 8)  # +9
        x, _ = self.lstm(x)  # +10
        return self.answer(x[:, -1])  # +11


ALL_OF_IT = """\
large +1: kernel size 5 is not 1 or 3 [C1] (two 3x3 layers see 5x5, three see 7x7; a 2x2 is a 3x3 with zeros)
Impossible +1: sigmoid (use ReLU and train again; the CPU can do it behind the last layer only)
step +2: stride 2 is not 1 [C4] (fold the picture by 2 (FoldedConv2d), or pool before the next layer)
norm +3: batch norm that follows no convolution (put it directly after one, into whose weights it is folded)
groups +4: 8 groups are not 1 [C8] (use groups=1 with zeros, or an MAX78002, which has a depthwise mode)
six +4: keeps numbers within 0..6 (use ReLU, or nothing: data saturate at -1 and 1)
flat +5: kernel size 1x3 is not square [C1] (use 3x3 with zeros)
pool +5: pooling with padding [L3] (drop the padding, and pad a convolution before or after it instead)
resize +6: resizing (use mode="nearest" with a power of two, or ConvTranspose2d, which doubles the size)
Impossible +6: multiplication (scale the weights of the next layer; the CPU can do it behind the last layer only)
Impossible +7: ReLU that follows no convolution [C17] (move it in front of the addition or pooling, or put a 1x1 convolution before it)
Impossible +8: combines shapes 8x8x8 and 8x1x1 [G14] (make them equal: nothing is broadcast)
grow +8: kernel size 2 is not 3 [C3] (upsample by 2 with 3x3 kernels, or interpolate)
Impossible +9: data in another order (keep rows, columns and channels where they are; at the end the CPU can move them)
lstm +10: LSTM (use convolutions over time (Conv1d, dilated))
Impossible +11: a part of a tensor, or parts put together (keep rows, columns and channels where they are; at the end the CPU can move them)"""  # noqa: E501


def test_everything_is_refused_at_once():
    with pytest.raises(ProblemList) as caught:
        describe(Impossible(), (3, 16, 16), rewrites=False)
    first = inspect.getsourcelines(Impossible.forward)[1]
    wanted = ALL_OF_IT
    for n in range(11, 0, -1):
        wanted = wanted.replace(f" +{n}:", f" test_describe_refusals.py:{first + n}:")
    assert str(caught.value) == wanted
    assert caught.value.exit_code == UnsupportedError.exit_code


def refused(model, shape):
    with pytest.raises((UnsupportedError, InputError)) as caught:
        describe(model, shape, rewrites=False)
    problems = getattr(caught.value, "problems", (caught.value,))
    return "; ".join(problem.why for problem in problems)


class Function(nn.Module):
    """A convolution and what a test does with it."""

    def __init__(self, then):
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 3, padding=1)
        self.again = nn.Conv2d(4, 4, 3, padding=1)
        self.then = then

    def forward(self, x):
        return self.again(self.then(self.conv(x).relu()))


@pytest.mark.parametrize(
    ("then", "why"),
    [
        (torch.tanh, "tanh"),
        (F.gelu, "GELU"),
        (lambda x: F.leaky_relu(x, 0.1), "leaky ReLU"),
        (lambda x: 2 / x, "division by data"),
        (lambda x: 1 - x, "subtraction from a number"),
        (lambda x: x + torch.ones(4, 8, 8), "combines shapes 4x8x8 and 8x8"),
        (lambda x: x + torch.ones(2, 4, 8, 8), "joins data with a constant tensor"),
        (lambda x: torch.cat((x, x), 2), "joins tensors along dimension 2"),
        (lambda x: F.max_pool2d(x, 3, 2, ceil_mode=True), "pooling with windows that are not full"),
        (lambda x: F.adaptive_avg_pool2d(x, 3), "adaptive pooling from 8x8 to 3x3"),
        (lambda x: F.avg_pool2d(x, 2, divisor_override=3), "average pooling with another divisor"),
        (lambda x: F.max_pool2d(x, 2, dilation=2), "pooling with dilation"),
        (lambda x: torch.cat([F.conv2d(x, x)] * 2, 1), "weights that depend on the data"),
        (lambda x: x.transpose(2, 3), "data in another order"),
        (lambda x: F.dropout(x, 0.5, training=True), "dropout that stays on"),
        (lambda x: F.avg_pool2d(F.pad(x, (1, 1, 1, 1)), 2), "padding on its own"),
        (lambda x: x.cumsum(2), "`cumsum`"),
        (F.hardsigmoid, "hard sigmoid"),
    ],
)  # fmt: skip
def test_functions_are_refused_by_name(then, why):
    assert refused(Function(then), (2, 8, 8)) == why


def test_one_number_of_all_data_is_refused_with_what_is_done_with_it():
    with pytest.raises(ProblemList) as caught:
        describe(Function(lambda x: x - F.relu(-x.sum() * 2)), (2, 8, 8))
    whys = [one.why for one in caught.value.problems]
    relu = "ReLU that follows no convolution"
    assert whys == ["`sum`", "multiplication", relu, "combines shapes 4x8x8 and 1"]


def test_data_weighed_by_data_are_not_said_to_be_a_matter_of_weights():
    with pytest.raises(UnsupportedError) as caught:
        describe(Function(lambda x: x * x.mean((2, 3), keepdim=True)), (2, 8, 8))
    assert caught.value.why == "multiplication"
    assert "leave out what weighs data by data" in caught.value.fix


def test_channels_cannot_become_pixels():
    model = Function(lambda x: torch.cat((x, x), 1).reshape(len(x), 4, 16, 8))
    assert refused(model, (2, 8, 8)) == "reshapes 8x8x8 to 4x16x8"


def test_inputs_of_another_shape_are_refused_with_the_reason():
    with pytest.raises(InputError) as caught:
        describe(Function(torch.abs), (3, 8, 8))
    where, _, why = str(caught.value).partition(": ")
    assert where.startswith("Function conv test_describe_refusals.py:")
    assert why.startswith("does not run on an input of 3x8x8: Given groups")
    assert "--input" in caught.value.fix


def test_a_mistake_in_the_model_is_not_blamed_on_the_input():
    with pytest.raises(InputError) as caught:
        describe(Function(lambda x: x.relu() + no_such_name), (2, 8, 8))  # noqa: F821
    assert "name 'no_such_name' is not defined" in caught.value.why
    assert "test_describe_refusals.py:" in caught.value.where
    assert caught.value.fix == "mend the model there: no other input would do"


class Two(nn.Module):
    def forward(self, image, mask, scale=1.0):
        return image * mask * scale


def test_a_second_input_is_refused():
    with pytest.raises(UnsupportedError) as caught:
        describe(Two(), (3, 8, 8))
    assert str(caught.value) == (
        "Two: takes 2 inputs (image, mask), the accelerator has one (join them along the channels,"
        " and take them apart in the model: a = x[:, :3])"
    )


class Unused(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = Conv2d(2, 4)
        self.idle = Conv2d(4, 4)

    def forward(self, x):
        return self.conv1(x)


class Backwards(nn.Module):
    def __init__(self):
        super().__init__()
        self.second = Conv2d(4, 4)
        self.first = Conv2d(2, 4)

    def forward(self, x):
        return self.second(self.first(x))


class FoldedLater(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = Conv2d(2, 4)
        self.fold = FoldedConv2d(4, 4)

    def forward(self, x):
        return self.fold(self.conv1(x))


class FlattensTwice(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = Conv2d(2, 4), Conv2d(2, 4, pool="max")
        self.answer = Linear(4 * 64 + 4 * 16, 3)

    def forward(self, x):
        return self.answer(torch.cat((self.conv1(x).flatten(1), self.conv2(x).flatten(1)), 1))


class AddsFlattened(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = Conv2d(2, 4), Conv2d(2, 4)
        self.add, self.answer = ElementWise(Combine.ADD), Linear(256, 3)
        self.other = Linear(256, 3)

    def forward(self, x):
        x = self.add(self.conv1(x).flatten(1), self.conv2(x).flatten(1))
        return self.answer(x), self.other(x)


class AddsWhatWasNot(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.line = Conv2d(2, 4), Linear(256, 256)
        self.add, self.answer = ElementWise(Combine.ADD), Linear(256, 3)

    def forward(self, x):
        x = self.conv(x).flatten(1)
        return self.answer(self.add(x, self.line(x)))


class PoolsManyChannels(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.answer = Conv2d(2, 72), Linear(72 * 16, 3)

    def forward(self, x):
        return self.answer(F.max_pool2d(self.conv(x), 2).flatten(1))


class Nothing(nn.Module):
    def forward(self, x):
        return x.flatten(1)


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (Unused, "layers that never run have weights in the checkpoint: idle"),
        (Backwards, "the model defines second before first, which it reads"),
        (FoldedLater, "a folded layer that is not the only one to read the picture"),
        (PoolsManyChannels, "pools 72 channels without convolution, 64 is the limit"),
        (AddsFlattened, "flattened data that no Linear layer reads"),
        (AddsWhatWasNot, "combines tensors of 4x8x8 and 256"),
        (Nothing, "does nothing that the accelerator could do"),
        (FlattensTwice, "joins tensors of 4x8x8 and 4x4x4"),
    ],
)
def test_structures_are_refused(kind, why):
    assert refused(kind(), (2, 8, 8)) == why
