"""One operation has many names in PyTorch: they are described alike, and compute the same."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from ai8x_models.describe.convert import convert
from ai8x_models.describe.describe import describe
from max78000.errors import ToolError

SHAPE = (2, 8, 8)


class Spelled(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.conv, self.last = nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(4, 3, 1)
        self.matrix = nn.Parameter(torch.linspace(-0.1, 0.1, 4 * 16 * 3).reshape(64, 3))
        self.bias = nn.Parameter(torch.tensor([0.1, -0.2, 0.3]))
        self.function = function

    def forward(self, x):
        return self.function(self, x)


def rows(model, x):
    return F.max_pool2d(model.conv(x).relu(), 2).flatten(1)


def first(model, x):
    return model.last(model.conv(x).relu())


def kind_of(layer):
    """A layer but for names."""
    return replace(layer, name="", sources=())


# The first of each is how most people write it.
SPELLINGS = {
    "product": (
        lambda m, x: F.linear(rows(m, x), m.matrix.T, m.bias),
        lambda m, x: rows(m, x) @ m.matrix + m.bias,
        lambda m, x: m.bias + torch.matmul(rows(m, x), m.matrix),
        lambda m, x: torch.mm(rows(m, x), m.matrix) - -m.bias,
        lambda m, x: rows(m, x).mm(m.matrix).add_(m.bias),
        lambda m, x: torch.addmm(m.bias, rows(m, x), m.matrix),
    ),
    "order of axes": (
        lambda m, x: first(m, x.permute(0, 3, 1, 2)),
        lambda m, x: first(m, torch.permute(x, (0, 3, 1, 2))),
        lambda m, x: first(m, x.transpose(1, 3).transpose(-1, -2)),
        lambda m, x: first(m, x.swapaxes(1, 3).swapdims(2, 3)),
        lambda m, x: first(m, x.movedim(-1, 1)),
        lambda m, x: first(m, torch.moveaxis(x, source=3, destination=1)),
        lambda m, x: first(m, torch.transpose(x, dim0=3, dim1=1).transpose(dim0=2, dim1=3)),
    ),
    "largest of all": (
        lambda m, x: m.last(F.adaptive_max_pool2d(m.conv(x).relu(), 1)).flatten(1),
        lambda m, x: m.last(m.conv(x).relu().amax((2, 3), keepdim=True)).flatten(1),
        lambda m, x: m.last(torch.amax(m.conv(x).relu(), dim=(-1, -2), keepdim=True)).flatten(1),
    ),
    "mean of all": (
        lambda m, x: m.last(F.adaptive_avg_pool2d(m.conv(x).relu(), 1)).flatten(1),
        lambda m, x: m.last(m.conv(x).relu().mean(dim=[2, 3], keepdim=True)).flatten(1),
    ),
    "ReLU": (
        first,
        lambda m, x: m.last(F.relu_(m.conv(x))),
        lambda m, x: m.last(m.conv(x).clamp(min=0)),
        lambda m, x: m.last(torch.clamp_min(m.conv(x), 0.0)),
        lambda m, x: first(m, x.chunk(1, 1)[0]),
        lambda m, x: first(m, x[:, :, None].squeeze(2)[..., None].squeeze(-1)),
        lambda m, x: first(m, F.pad(x[:, :2], (0, 0, 0, 0)).split(2, dim=1)[0]),
    ),
}
ALL = [(name, i) for name, functions in SPELLINGS.items() for i in range(1, len(functions))]


@pytest.mark.parametrize(("name", "number"), ALL)
def test_spellings_mean_the_same(name, number):
    torch.manual_seed(0)
    usual, other = (Spelled(SPELLINGS[name][i]).eval() for i in (0, number))
    other.load_state_dict(usual.state_dict())
    shape = (8, 8, 2) if name == "order of axes" else SHAPE
    wanted, found = describe(usual, shape), describe(other, shape)
    assert [kind_of(layer) for layer in found.layers] == [kind_of(one) for one in wanted.layers]
    assert found.preparations[-1:] == wanted.preparations[-1:]
    assert (found.left, found.rewrites) == ((), wanted.rewrites)
    x = torch.rand(2, *shape) * 2 - 1
    network = convert(other, shape, x).eval()
    with torch.no_grad():
        answers = network(network.network.prepared(x) * network.network.input_scale)
        answers = answers / network.network.output_scales[0]
        torch.testing.assert_close(
            answers.reshape(2, -1), usual(x).reshape(2, -1), atol=1e-4, rtol=0
        )


@pytest.mark.parametrize("function", [F.softplus, F.logsigmoid, torch.square])
def test_steps_that_only_the_application_knows_are_left_to_it(function):
    found = describe(Spelled(lambda m, x: function(first(m, x))), SHAPE)
    assert found.left
    assert len(found.layers) == 2


def padded(*pads, **options):
    options = {"kernel_size": (3, 1), "padding": (1, 0), "groups": 2} | options
    layers = (nn.Conv2d(2, 4, **options), nn.ReLU(), nn.Conv2d(4, 3, 1))
    return nn.Sequential(*map(nn.ZeroPad2d, pads), *layers).eval()


@pytest.mark.parametrize(
    ("pads", "options"),
    [
        (((0, 1, 0, 1), (0, 1, 0, 1)), {}),
        (((0, 1, 0, 1), (1, 0, 1, 0), 0), {"kernel_size": 3, "padding": 0}),
        (((1, 0, 0, 0), (0, 1, 0, 0)), {"kernel_size": 3}),
    ],
)
def test_paddings_in_a_row_are_one(pads, options):
    """As the optimizer of torch's exporter has it."""
    sides = [(pad,) * 4 if isinstance(pad, int) else pad for pad in pads]
    several, one = (
        padded(*pads, **options),
        padded(tuple(map(sum, zip(*sides, strict=True))), **options),
    )
    one.load_state_dict(dict(zip(one.state_dict(), several.state_dict().values(), strict=True)))
    wanted, found = (describe(model, SHAPE) for model in (one, several))
    assert [kind_of(layer) for layer in found.layers] == [kind_of(layer) for layer in wanted.layers]
    x = torch.rand(2, *SHAPE) * 2 - 1
    network = convert(several, SHAPE, x).eval()
    with torch.no_grad():
        answers = network(x * network.network.input_scale) / network.network.output_scales[0]
        torch.testing.assert_close(answers, several(x), atol=1e-4, rtol=0)


def test_zeros_do_not_bring_back_what_was_cut_off():
    with pytest.raises(ToolError):
        describe(padded((0, -1, 0, 0), (0, 1, 0, 0)), SHAPE)


class PadsForTwo(nn.Module):
    """Padded data for a convolution and for a sum; `is_own`: the convolution pads them itself."""

    def __init__(self, is_own):
        super().__init__()
        self.conv, self.last = nn.Conv2d(2, 2, 3, padding=1 + is_own), nn.Conv2d(2, 3, 1)
        self.is_own = is_own

    def forward(self, x):
        y = F.pad(x, (1, 1, 1, 1))
        return self.last(self.conv(x if self.is_own else y) + y)


def test_a_convolution_takes_padding_that_others_read_too():
    """As the optimizer of torch's exporter has it."""
    wanted, found = (describe(PadsForTwo(is_own).eval(), SHAPE) for is_own in (True, False))
    assert found.layers == wanted.layers
