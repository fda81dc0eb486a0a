"""Random networks of plain torch, for tests, in the styles of `plain_styles`.

Structure is drawn by hypothesis as numbers, whose meaning depends on the data so far, so that every
draw is a network that PyTorch runs. Weights are -1, 0, 1 and halves, and a layer is left out where
the numbers would leave the grid of the accelerator's data: what PyTorch computes is then what its
integers have to be, without rounding. `ONE` is a little more than 1, which quantizes exactly.
"""

from dataclasses import dataclass, field

import torch
from hypothesis import strategies as st
from plain_styles import STYLES, Applied, Branches, Listed, Product, Scaled, leaves
from torch import nn

ONE = 1 + 2.0**-23
GRID, LARGEST = 128, 127 / 128
NEAR = 1e-3  # of a step: what ONE adds up to
EPS = 2.0**-10
N_EXAMPLES = 2
MAX_NUMBERS = 6000  # of one tensor, so that an example takes milliseconds


@dataclass(frozen=True)
class Plain:
    """A random network."""

    tree: tuple
    shape: tuple
    examples: torch.Tensor  # (N, *shape)

    def model(self, style):
        return STYLES[style](self.tree).eval()

    @property
    def is_scaled(self):
        """True if limits such as those of ReLU6 scale tensors, so that the grid is another."""
        return any(isinstance(one, nn.ReLU6) for one in leaves(self.tree))


class Dice:
    """A drawn number, taken apart in choices."""

    def __init__(self, number):
        self.number = number

    def pick(self, *options):
        self.number, place = divmod(self.number, len(options))
        return options[place]


@dataclass
class Builder:
    """Layers so far and the data behind them."""

    x: torch.Tensor
    random: torch.Generator
    tree: list = field(default_factory=list)

    @property
    def n_channels(self):
        return self.x.shape[1]

    @property
    def sizes(self):
        return self.x.shape[2:]

    @property
    def n_axes(self):
        return self.x.dim() - 2

    def of_axes(self, *kinds):
        """The kind for data of one or two axes."""
        return kinds[self.n_axes - 1]

    def add(self, *layers):
        """Append layers, all or none: none where PyTorch or the grid has no room for them."""
        try:
            with torch.no_grad():
                x = Listed(layers).eval()(self.x)
                steps = [Listed(layers[:n]).eval()(self.x) for n in range(1, len(layers))]
        except (RuntimeError, ValueError):
            return False
        if not all(is_on_grid(one) and one.numel() < MAX_NUMBERS for one in (*steps, x)):
            return False
        self.tree += layers
        self.x = x
        return True

    def branch(self, numbers):
        other = Builder(self.x, self.random)
        for kind, number in numbers:
            kind(other, Dice(number))
        return other


def is_on_grid(x):
    steps = x * GRID
    is_whole = bool(((steps - steps.round()).abs() < NEAR).all())
    return x.numel() > 0 and is_whole and bool(x.abs().max() < LARGEST + NEAR / GRID)


# Layers. Each looks at the data so far and appends what the dice say.


def filled(builder, layer, dice=None):
    """Give a layer few weights: up to two each output, and a bias."""
    n_taps = dice.pick(1, 2, 2) if dice else 1
    unit = dice.pick(ONE, ONE, ONE / 2) if dice else ONE
    is_turned = isinstance(layer, nn.ConvTranspose2d | Product)  # inputs come first there
    with torch.no_grad():
        weight = layer.weight.transpose(0, 1) if is_turned else layer.weight
        rows = torch.zeros(weight.shape).flatten(1)
        for row in rows:
            places = torch.randint(0, len(row), (n_taps,), generator=builder.random)
            signs = torch.randint(0, 2, (n_taps,), generator=builder.random) * 2 - 1
            row[places] = signs * unit
        weight.copy_(rows.reshape(weight.shape))
        if layer.bias is not None:
            whole = torch.randint(-2, 3, layer.bias.shape, generator=builder.random)
            layer.bias.copy_(whole / 16)
    return layer


def convolution(builder, dice):
    if not builder.n_axes:
        return fully_connected(builder, dice)
    n_in = builder.n_channels
    size = dice.pick(3, 3, 1, (3, 1), (1, 3), 3, 2, 5, 7)
    size = size if builder.n_axes == 2 else dice.pick(3, 1, 2, 5, 9)
    stride = dice.pick(1, 1, 1, 2, 2, 3)
    groups = dice.pick(1, 1, 1, n_in, 2)
    groups = groups if n_in % groups == 0 else 1
    n_out = groups * dice.pick(1, 2, 3) if groups > 1 else dice.pick(2, 3, 4, 6)
    halves = tuple(n // 2 for n in size) if isinstance(size, tuple) else size // 2
    padding = dice.pick(halves, halves, 0, 1, 2)
    dilation = dice.pick(1, 1, 1, 1, 2)
    kind = builder.of_axes(nn.Conv1d, nn.Conv2d)
    options = (size, stride, padding, dilation, groups, dice.pick(True, False))
    layer = filled(builder, kind(n_in, n_out, *options), dice)
    builder.add(layer, *dice.pick((), (), (nn.ReLU(),)))


def usual_block(builder, dice):
    """Convolution, batch norm, activation: what most networks are made of."""
    convolution(builder, Dice(dice.pick(*range(0, 36 * 6, 7))))
    batch_norm(builder, dice)
    builder.add(nn.ReLU())


def fully_connected(builder, dice):
    if builder.n_axes:
        builder.add(nn.Flatten())
    if builder.n_axes:
        return
    kind = dice.pick(nn.Linear, Product)
    builder.add(filled(builder, kind(builder.n_channels, dice.pick(2, 5, 8)), dice))


def batch_norm(builder, dice):
    kind = (nn.BatchNorm1d, nn.BatchNorm1d, nn.BatchNorm2d)[builder.n_axes]
    layer = kind(builder.n_channels, eps=EPS, affine=dice.pick(True, True, False))
    with torch.no_grad():
        layer.running_var.fill_(dice.pick(1.0, 1.0, 0.25, 4.0) - EPS)
        layer.running_mean.fill_(dice.pick(0, 1 / 16, -1 / 8))
        if layer.affine:
            layer.weight.fill_(dice.pick(1, 1, -1, 2))
            layer.bias.fill_(dice.pick(0, 1 / 8))
    builder.add(layer)


def activation(builder, dice):
    builder.add(dice.pick(nn.ReLU(), nn.ReLU(), nn.ReLU(), Applied(torch.abs), nn.ReLU6()))


def pooling(builder, dice):
    if not builder.n_axes:
        return
    kinds = ((nn.MaxPool1d, nn.AvgPool1d), (nn.MaxPool2d, nn.AvgPool2d))[builder.n_axes - 1]
    size = dice.pick(2, 2, 3, 4)
    stride, padding = dice.pick(size, size, 1, 2), dice.pick(0, 0, 0, 0, 1)
    if not builder.add(dice.pick(*kinds)(size, stride, padding)):
        builder.add(dice.pick(*kinds)(2))


def global_pooling(builder, dice):
    if not builder.n_axes:
        return
    axes = tuple(range(2, 2 + builder.n_axes))
    size = dice.pick(1, 1, 2)
    average, largest = (
        builder.of_axes(*kinds)(size)
        for kinds in (
            (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d),
            (nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d),
        )
    )
    means = Applied(lambda x: x.mean(axes)), Applied(lambda x: torch.mean(x, axes, keepdim=True))
    if not builder.add(dice.pick(average, *means, largest)):
        builder.add(largest)


def join(builder, dice):
    """Two branches of the same shape, one of them perhaps the data as they are."""
    word = dice.pick("add", "add_", "sub", "cat")
    kinds = (convolution, batch_norm, activation, usual_block)
    left = builder.branch([(dice.pick(*kinds), dice.number // 3 + 11)])
    right = builder.branch([(dice.pick(*kinds), dice.number // 7)] * dice.pick(1, 1, 0))
    if left.x.shape != right.x.shape:
        left, right = (builder.branch([(same_size, number)]) for number in (5, dice.number))
    if all(left.x.shape[axis] == right.x.shape[axis] for axis in range(2, builder.x.dim())):
        ways = tuple(left.tree), tuple(right.tree)
        builder.add(Branches(word, *ways), *dice.pick((), (nn.ReLU(),)))


def same_size(builder, dice):
    """A convolution that keeps rows and columns."""
    if builder.n_axes:
        size = dice.pick(1, 3)
        kind = builder.of_axes(nn.Conv1d, nn.Conv2d)
        layer = kind(builder.n_channels, 4, size, padding=size // 2)
        builder.add(filled(builder, layer, dice))


def part(builder, dice):
    n = builder.n_channels
    if n < 2:
        return
    start = dice.pick(0, 1, n // 2)
    builder.add(Applied(dice.pick(lambda x: x[:, start:], lambda x: x.chunk(2, 1)[1])))


def enlarged(builder, dice):
    if builder.n_axes != 2:
        return
    n = builder.n_channels
    kind = dice.pick("nearest", "up", "three", "two")
    if kind in ("nearest", "up"):
        builder.add(nn.Upsample(scale_factor=dice.pick(2, 2, 4, 3)))
        return
    options = (3, 2, 1, 1) if kind == "three" else (2, 2, 0, 0)
    groups = n if dice.pick(False, False, True) else 1
    layer = nn.ConvTranspose2d(n, groups * dice.pick(1, 2), *options, groups)
    builder.add(filled(builder, layer, dice))


def padding(builder, dice):
    if not builder.n_axes:
        return
    sides = dice.pick((1, 1), (0, 1), (2, 0), (1, 0))
    kind = builder.of_axes(nn.ZeroPad1d, nn.ZeroPad2d)
    pad = kind((*sides, *sides)[: 2 * builder.n_axes])
    n_in, size, stride = builder.n_channels, dice.pick(3, 2), dice.pick(1, 2)
    layer = builder.of_axes(nn.Conv1d, nn.Conv2d)(n_in, 3, size, stride)
    builder.add(pad, *dice.pick((filled(builder, layer),), (filled(builder, layer),), ()))


def moved(builder, dice):
    if builder.n_axes != 2:
        return
    back = Applied(lambda x: x.permute(0, 3, 1, 2))
    there = Applied(lambda x: x.permute(0, 2, 3, 1))
    flat = nn.Flatten()
    other = Applied(lambda x: x.transpose(2, 3))
    builder.add(*dice.pick((there, flat), (there, back), (there, flat), (other, other), (other,)))


def numbers(builder, dice):
    """A factor or a number to add, as scripts have them in the middle."""
    n = dice.pick(2.0, 0.5, -1.0)
    builder.add(
        Applied(dice.pick(lambda x: x * n, lambda x: x + 0.125, lambda x: x - 0.0625, lambda x: -x))
    )


def nothing(builder, dice):
    builder.add(dice.pick(nn.Dropout(0.5), nn.Identity()))


KINDS = (
    *(convolution, usual_block, usual_block, convolution, batch_norm, activation, activation),
    *(pooling, global_pooling, join, join, part, enlarged, padding, moved, numbers, nothing),
    fully_connected,
)
SHAPES = ((2, 8, 8), (3, 12, 12), (1, 10, 6), (4, 9, 9), (2, 16), (3, 21), (2, 20, 20))
STEPS = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 1 << 24)), min_size=1, max_size=7)


@st.composite
def plain_networks(draw):
    """Networks, with examples on the grid."""
    shape, steps = draw(st.sampled_from(SHAPES)), draw(STEPS)
    random = torch.Generator().manual_seed(draw(st.integers(0, 1 << 16)))
    whole = torch.randint(-2, 3, (N_EXAMPLES, *shape), generator=random)
    x = whole / draw(st.sampled_from((16, 16, 16, 32, 128)))
    builder = Builder(x, random)
    if draw(st.integers(0, 4)) == 4:
        n = shape[0]
        builder.add(Scaled([0.5] * n, [1 / 16] * n, len(shape) - 1))
    for kind, number in steps:
        kind(builder, Dice(number))
    end = Dice(draw(st.integers(0, 11)))
    if end.pick(True, True, False):
        (same_size if builder.n_axes else fully_connected)(builder, Dice(0))
        builder.add(*end.pick((), (nn.ReLU(),)))
    return Plain(tuple(builder.tree), shape, x)
