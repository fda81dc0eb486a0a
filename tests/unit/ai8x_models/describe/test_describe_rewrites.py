"""What is said in other words computes the same integers, and the report names it.

Weights are multiples of 1/4 and data of 1/16, so that the model's own numbers lie on the integer
grid all the way and are compared for equality.
"""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from ai8x_models.describe.convert import convert
from ai8x_models.describe.describe import describe
from ai8x_models.layers.layers import FusedLayer
from ai8x_models.layers.policy import QatPolicy
from ai8x_models.layers.qat import Mode, set_mode, start_qat
from ai8x_models.quantize.quantize import QuantizeOptions, quantize_state
from max78000.errors import ToolError

SHAPE = (2, 8, 8)
CASES = {}


def case(**words):
    """Remember a model by its name, with the words of its report, or other shapes."""

    def add(maker):
        CASES[maker.__name__] = (maker, words)
        return maker

    return add


class Applied(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


class Joined(nn.Module):
    def __init__(self, function, *layers):
        super().__init__()
        self.layers, self.function = nn.ModuleList(layers), function

    def forward(self, x):
        return self.function(x, *self.layers)


def conv(n_in=2, n_out=4, size=3, **options):
    options.setdefault("padding", 1)
    return nn.Conv2d(n_in, n_out, size, **options)


def last(n_in=4):
    return nn.Conv2d(n_in, 3, 1)


@case(says="stride 2x2 as stride 1")
def stride():
    return nn.Sequential(conv(), nn.ReLU(), conv(4, 4, stride=2), nn.ReLU(), last())


@case(says="stride 3 as stride 1", shape=(2, 32))
def stride_1d():
    layers = (nn.Conv1d(2, 4, 5, stride=3, padding=1), nn.BatchNorm1d(4), nn.ReLU())
    return nn.Sequential(*layers, nn.Conv1d(4, 3, 1))


@case(says="a kernel of 5x5 with stride 2 on the picture folded by 2")
def first_stride_5x5():
    return nn.Sequential(conv(2, 4, 5, stride=2, padding=2), nn.ReLU(), last())


@case(says="a kernel of 3x3 with stride 2 on the picture folded by 2")
def first_stride_of_keras():
    return nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), conv(stride=2, padding=0), nn.ReLU(), last())


@case(says="a kernel of 4x4 with stride 4 on the picture folded by 4")
def first_stride_of_patches():
    return nn.Sequential(conv(2, 4, 4, stride=4, padding=0), nn.ReLU(), last())


@case(says="a kernel of 7x7 with stride 4 on the picture folded by 4", shape=(2, 8, 16))
def first_stride_4():
    return nn.Sequential(conv(2, 4, 7, stride=4, padding=3), nn.ReLU(), last())


@case(says="4 groups as one")
def depthwise():
    return nn.Sequential(conv(), nn.ReLU(), conv(4, 4, groups=4), nn.ReLU(), last())


@case(says="2 groups as one")
def groups():
    return nn.Sequential(conv(), nn.ReLU(), conv(4, 6, groups=2), nn.ReLU(), last(6))


@case(says="2 groups as one")
def groups_transposed():
    up = nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2)
    return nn.Sequential(conv(), nn.ReLU(), up, nn.ReLU(), last(6))


@case(says="upsampling by 2 as 1 transposed convolution")
def upsampling():
    return nn.Sequential(conv(), nn.ReLU(), nn.Upsample(scale_factor=2), last())


@case(says="upsampling by 4 as 2 transposed convolutions")
def upsampling_twice():
    return nn.Sequential(conv(), nn.ReLU(), nn.Upsample(scale_factor=4), last())


@case(says="a transposed kernel of 2x2 as one of 3x3")
def transposed_2x2():
    return nn.Sequential(
        conv(), nn.ReLU(), nn.ConvTranspose2d(4, 4, 2, stride=2), nn.ReLU(), last()
    )


@case(says="batch norm on its own")
def norm_behind_pool():
    layers = (conv(), nn.ReLU(), nn.MaxPool2d(2), nn.BatchNorm2d(4))
    return nn.Sequential(*layers, nn.Conv2d(4, 3, 3, padding=1))


@case(says="")
def norm_before_unpadded():
    return nn.Sequential(conv(), nn.ReLU(), nn.BatchNorm2d(4), last())


@case(says="batch norm on its own", shape=(2, 16))
def norm_first_1d():
    layers = (nn.Conv1d(2, 4, 3), nn.ReLU(), nn.BatchNorm1d(4), nn.ReLU())
    return nn.Sequential(*layers, nn.Conv1d(4, 3, 1))


@case(says="a kernel of 1x3")
def flat_kernel():
    return nn.Sequential(conv(2, 4, (1, 3), padding=(0, 1)), nn.ReLU(), last())


@case(says="a kernel of 3x1")
def tall_kernel():
    return nn.Sequential(conv(2, 4, (3, 1), padding=(1, 0)), nn.ReLU(), last())


@case(says="a kernel of 2x2")
def even_kernel():
    return nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), conv(2, 4, 2, padding=0), nn.ReLU(), last())


@case(says="a kernel of 5x5, with its padding, as one of 3 on 4 shifted copies")
def kernel_5x5():
    return nn.Sequential(conv(), nn.ReLU(), conv(4, 4, 5, padding=2), nn.ReLU(), last())


@case(says="a kernel of 5x5, with its padding, as one of 3 on 4 shifted copies")
def kernel_5x5_unpadded():
    return nn.Sequential(conv(2, 4, 5, padding=0), nn.ReLU(), last())


@case(says="a kernel of 7x7, with its padding, as one of 3 on 9 shifted copies")
def kernel_7x7():
    return nn.Sequential(conv(2, 4, 7, padding=3), nn.ReLU(), last())


@case(says="a kernel of 3x3, with its padding, as one of 3 on 4 shifted copies")
def dilated():
    return nn.Sequential(conv(2, 4, padding=2, dilation=2), nn.ReLU(), last())


@case(says="a kernel of 9, with its padding, as one of 9 on 1 shifted copy", shape=(2, 20))
def padded_wide_1d():
    return nn.Sequential(nn.Conv1d(2, 4, 9, padding=3), nn.ReLU(), nn.Conv1d(4, 3, 1))


@case(says="a kernel of 3x3, with its padding, as one of 3 on 1 shifted copy")
def same_of_tensorflow():
    """Stride 2 in mid-network reads one row of zeros below and none above."""
    pad, step = nn.ZeroPad2d((0, 1, 0, 1)), conv(4, 4, stride=2, padding=0)
    return nn.Sequential(conv(), nn.ReLU(), pad, step, nn.ReLU(), last())


@case(says="padding on its own as a layer")
def padded_pooling():
    """As residual networks begin."""
    return nn.Sequential(conv(), nn.ReLU(), nn.MaxPool2d(3, stride=2, padding=1), last())


@case(says="padding on its own as a layer")
def padded_average():
    return nn.Sequential(nn.AvgPool2d(2, padding=1), conv(), nn.ReLU(), last())


@case(says="pooling over 20x20 as 10x10, then 2x2", shape=(2, 20, 20))
def pooled_over_all():
    return nn.Sequential(conv(), nn.ReLU(), nn.AdaptiveMaxPool2d(1), last())


@case(says="pooling over 17 as 9, then 2", shape=(2, 17))
def pooled_over_a_prime():
    layers = nn.Conv1d(2, 4, 1), nn.ReLU(), nn.AdaptiveMaxPool1d(1)
    return nn.Sequential(*layers, nn.Conv1d(4, 3, 1))


@case(says="", shape=(2, 10, 6))
def pooled_over_a_rectangle():
    return nn.Sequential(conv(), nn.ReLU(), nn.AdaptiveMaxPool2d(1), last())


@case(says="")
def activations_that_change_nothing():
    layers = conv(), nn.ReLU(), nn.MaxPool2d(2), nn.ReLU(), Applied(torch.abs)
    return nn.Sequential(*layers, last())


@case(says="an activation behind no convolution")
def mean_and_relu():
    """A mean keeps no axes."""
    function = lambda x, first, end: end((first(x) - 0.125).mean((2, 3)).relu())  # noqa: E731
    return Joined(function, conv(), nn.Linear(4, 3))


@case(says="a kernel of 3x3", shape=(2, 9, 9))
def cropped_by_pool():
    pad = nn.ZeroPad2d((1, 0, 1, 0))
    return nn.Sequential(pad, conv(padding=0), nn.ReLU(), nn.MaxPool2d(2), last())


@case(says="a kernel of 3, with its padding, as one of 5", shape=(2, 16))
def causal():
    layers = (nn.ConstantPad1d((2, 0), 0.0), nn.Conv1d(2, 4, 3), nn.ReLU())
    return nn.Sequential(*layers, nn.Conv1d(4, 3, 1))


@case(says="an activation behind no convolution")
def relu_behind_join():
    def function(x, first, second, end):
        x = first(x).relu()
        return end(F.relu(x + second(x)))

    return Joined(function, conv(), nn.Conv2d(4, 4, 1), last())


@case(says="channels cut out: the convolution is split")
def halves():
    def function(x, first, norm, end):
        left, right = norm(first(x)).relu().chunk(2, 1)
        return end(left - right)

    return Joined(function, conv(2, 4), nn.BatchNorm2d(4), last(2))


@case(says="channels picked out")
def picked():
    return Joined(lambda x, first, end: end(first(x[:, 1:]).relu()), conv(1, 4), last())


@case(says="")
def product_and_sum():
    def function(x, first, factor):
        x = F.max_pool2d(first(x).relu(), 2).flatten(1)
        return x @ factor.weight.T + factor.bias

    return Joined(function, conv(), nn.Linear(64, 3))


@case(says="")
def channels_last():
    def function(x, first, end):
        x = F.max_pool2d(first(x.permute(0, 3, 1, 2)).relu(), 2)
        return end(x.permute(0, 2, 3, 1).flatten(1))

    return Joined(function, conv(), nn.Linear(64, 3))


CASES["channels_last"][1]["shape"] = (8, 8, 2)


@case(says="")
def shifted_input():
    return Joined(lambda x, first, end: end(first(x - 0.0625).relu()), conv(), last())


@case(says="")
def normalized_input_unpadded():
    def function(x, first, end):
        return end(first((x - 0.0625) / 0.5).relu())

    return Joined(function, conv(padding=0), last())


def on_the_grid(maker):
    """The model with weights and biases that the integers hold exactly, 3/4 the largest."""
    generator = torch.Generator().manual_seed(4)
    model = maker()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.eps = 2.0**-10
            module.running_var.fill_(1 - 2.0**-10)
            module.running_mean.fill_(1 / 16)
    with torch.no_grad():
        for parameter in model.parameters():
            whole = torch.randint(-3, 4, parameter.shape, generator=generator)
            kept = torch.rand(parameter.shape, generator=generator) < 0.25
            is_kernel = parameter.dim() > 1
            parameter.copy_(whole * kept / 4 if is_kernel else whole / 16)
            if is_kernel:
                parameter.flatten()[0] = 0.75
        for module in model.modules():
            if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                module.weight.fill_(1)
    return model.eval()


def integers(network):
    start_qat(network, QatPolicy(0))
    state, _ = quantize_state(network.state_dict(), QuantizeOptions())
    network.load_state_dict(state)
    set_mode(network, Mode.INTEGER)
    return network.eval()


@pytest.mark.parametrize("name", CASES)
def test_the_integers_are_the_models_own(name):
    maker, words = CASES[name]
    shape = words.get("shape", SHAPE)
    model, generator = on_the_grid(maker), torch.Generator().manual_seed(9)
    x = torch.randint(-1, 2, (3, *shape), generator=generator) / 16
    network = convert(model, shape)
    data = network.network.prepared(x) * 128
    with torch.no_grad():
        wanted, found = model(x).double(), integers(network)(data)
    layers = [one for one in network.modules() if isinstance(one, FusedLayer)]
    one = 1 << 14 if layers[-1].plan.wide else 128
    assert wanted.abs().max() > 0.05
    torch.testing.assert_close(found.double() / one, wanted.reshape(found.shape), atol=0, rtol=0)


@pytest.mark.parametrize("name", [name for name in CASES if CASES[name][1]["says"]])
def test_the_report_names_it_and_it_can_be_forbidden(name):
    maker, words = CASES[name]
    shape = words.get("shape", SHAPE)
    description = describe(on_the_grid(maker), shape)
    assert any(words["says"] in one for one in description.rewrites)
    assert f"# Rewritten: {description.rewrites[0]}." in description.to_text().splitlines()
    with pytest.raises(ToolError):
        describe(on_the_grid(maker), shape, rewrites=False)


@pytest.mark.parametrize("name", [name for name in CASES if not CASES[name][1]["says"]])
def test_what_costs_nothing_is_not_a_rewrite(name):
    maker, words = CASES[name]
    shape = words.get("shape", SHAPE)
    assert describe(maker(), shape, rewrites=False).rewrites == ()


def test_limits_are_those_of_the_data():
    model = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.ReLU6(), nn.Conv2d(4, 2, 1)).eval()
    with torch.no_grad():
        model[0].weight *= 40
    x = torch.rand(2, *SHAPE) * 2 - 1
    network = convert(model, SHAPE).eval()
    with torch.no_grad():
        torch.testing.assert_close(network(x), model(x), atol=1e-4, rtol=0)
        assert model[:2](x).max() == 6
    (line,) = describe(model, SHAPE).rewrites
    assert "limits 0..6" in line
    assert "steps of 0.0472; train with ReLU for finer ones" in line


def test_costs_are_counted():
    (line,) = describe(depthwise(), SHAPE).rewrites
    assert line == "2 (Conv2d): 4 groups as one, with zeros; costs 108 weights"
    (line,) = describe(stride(), SHAPE).rewrites
    assert line.endswith("costs about 192 cycles")


def test_the_application_is_told_how_to_prepare_the_input():
    description = describe(shifted_input(), SHAPE)
    assert description.preparations == ("plus -0.0625",)
    line = "# The application prepares the input: plus -0.0625."
    assert line in description.to_text().splitlines()
    assert describe(channels_last(), (8, 8, 2)).preparations == ("axes moved to 2x8x8",)


def test_a_reduced_range_of_data_that_are_combined_is_refused():
    def function(x, first, second, end):
        return end(F.relu6(first(x)) + F.hardtanh(second(x), 0.0, 3.0))

    with pytest.raises(ToolError) as caught:
        describe(Joined(function, conv(), conv(), last()), SHAPE)
    assert "data that are kept within other limits are combined with these" in str(caught.value)
