"""One tree of plain torch layers in three styles: `nn.Sequential`, functions, a graph of torch.fx.

`random_plain` grows trees; `leaves` lists their layers in order.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import fx, nn


@dataclass(frozen=True)
class Branches:
    """Two ways from the same data, and what joins them; a way may be empty."""

    word: str
    left: tuple
    right: tuple


class Applied(nn.Module):
    """A function as a module, for `nn.Sequential`."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


class Scaled(nn.Module):
    """x * scale + offset with one number a channel, as a picture is brought to mean 0."""

    def __init__(self, scale, offset, n_axes):
        super().__init__()
        sizes = (-1, *(1,) * n_axes)
        self.register_buffer("scale", torch.tensor(scale).reshape(sizes))
        self.register_buffer("offset", torch.tensor(offset).reshape(sizes))

    def forward(self, x):
        return (x - self.offset) / self.scale


class Product(nn.Module):
    """A fully connected layer as it comes out of other frameworks."""

    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(n_in, n_out))
        self.bias = nn.Parameter(torch.zeros(n_out))

    def forward(self, x):
        return x @ self.weight + self.bias


JOINS = {
    "add": lambda a, b: a + b,
    "add_": torch.add,
    "sub": lambda a, b: a - b,
    "cat": lambda a, b: torch.cat((a, b), 1),
}


class Joined(nn.Module):
    """`Branches` as a module."""

    def __init__(self, word, left, right):
        super().__init__()
        self.word, self.left, self.right = word, left, right

    def forward(self, x):
        return JOINS[self.word](self.left(x), self.right(x))


# The same as functions.


def _norm(m, x):
    return F.batch_norm(x, m.running_mean, m.running_var, m.weight, m.bias, False, 0.0, m.eps)


def _convolve(function):
    def run(m, x):
        return function(x, m.weight, m.bias, m.stride, m.padding, m.dilation, m.groups)

    return run


def _transposed(m, x):
    sizes = (m.stride, m.padding, m.output_padding, m.groups)
    return F.conv_transpose2d(x, m.weight, m.bias, *sizes)


def _pool(function):
    def run(m, x):
        return function(x, m.kernel_size, m.stride, m.padding)

    return run


FUNCTIONS: dict[type, Callable[[Any, Any], Any]] = {
    nn.Conv1d: _convolve(F.conv1d),
    nn.Conv2d: _convolve(F.conv2d),
    nn.ConvTranspose2d: _transposed,
    nn.Linear: lambda m, x: F.linear(x, m.weight, m.bias),
    Product: lambda m, x: torch.matmul(x, m.weight).add(m.bias),
    nn.BatchNorm1d: _norm,
    nn.BatchNorm2d: _norm,
    nn.ReLU: lambda _m, x: F.relu(x),
    nn.ReLU6: lambda _m, x: torch.clamp(x, 0, 6),
    nn.MaxPool1d: _pool(F.max_pool1d),
    nn.MaxPool2d: _pool(F.max_pool2d),
    nn.AvgPool1d: _pool(F.avg_pool1d),
    nn.AvgPool2d: _pool(F.avg_pool2d),
    nn.AdaptiveAvgPool1d: lambda m, x: F.adaptive_avg_pool1d(x, m.output_size),
    nn.AdaptiveAvgPool2d: lambda m, x: F.adaptive_avg_pool2d(x, m.output_size),
    nn.AdaptiveMaxPool1d: lambda m, x: F.adaptive_max_pool1d(x, m.output_size),
    nn.AdaptiveMaxPool2d: lambda m, x: F.adaptive_max_pool2d(x, m.output_size),
    nn.Upsample: lambda m, x: F.interpolate(x, scale_factor=m.scale_factor, mode=m.mode),
    nn.ZeroPad1d: lambda m, x: F.pad(x, m.padding),
    nn.ZeroPad2d: lambda m, x: F.pad(x, m.padding),
    nn.Flatten: lambda _m, x: x.flatten(1),
    nn.Dropout: lambda m, x: F.dropout(x, m.p, False),
    nn.Identity: lambda _m, x: x,
    Scaled: lambda m, x: x.sub(m.offset).div(m.scale),
    Applied: lambda m, x: m.function(x),
}


class Listed(nn.Module):
    """The functional style: parameters here, functions in `forward`."""

    def __init__(self, tree):
        super().__init__()
        self.tree = tree
        self.held = nn.ModuleList(leaves(tree))  # never called

    def forward(self, x):
        return self.run(self.tree, x)

    def run(self, tree, x):
        for one in tree:
            if isinstance(one, Branches):
                x = JOINS[one.word](self.run(one.left, x), self.run(one.right, x))
            else:
                x = FUNCTIONS[type(one)](one, x)
        return x


def leaves(tree):
    """All layers, in order."""
    for one in tree:
        if isinstance(one, Branches):
            yield from leaves(one.left)
            yield from leaves(one.right)
        else:
            yield one


def sequential(tree):
    """The tree as an `nn.Sequential` of modules."""
    found = [
        Joined(one.word, sequential(one.left), sequential(one.right))
        if isinstance(one, Branches)
        else one
        for one in tree
    ]
    return nn.Sequential(*found)


def traced(tree):
    """The functional style as a graph of `torch.fx`, whose code no file holds."""
    return fx.symbolic_trace(Listed(tree))


STYLES = {"sequential": sequential, "functional": Listed, "fx": traced}
