"""Pose networks for `ai8x search`: what the chip could do with a picture and its 64 processors.

What is drawn: how far the first layer folds the picture, channels and layers of each size of the
maps on the way to 16x16, those of the context there, and whether the heads have a layer of their
own. `NativePoseModel` is one of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ai8x_models.tasks.pose.network_input import INPUT_SHAPE
from ai8x_models.zoo.registry import Shape
from max78000.apps.pose.skeleton import IMAGE_SIZE, MAP_SIZE, N_HEATMAPS, N_PAF
from max78000.errors import UnsupportedError

if TYPE_CHECKING:
    from optuna.trial import BaseTrial

_HEADS = (("heat", N_HEATMAPS), ("paf", N_PAF))
_STEP = 16  # channels: four groups of the accelerator's processors


@dataclass(frozen=True, slots=True)
class _Plan:
    """A network.

    Args:
        ratio: of the fold.
        first_width: channels of the maps that are larger than 16x16.
        n_each: layers of each of their sizes.
        width: channels of the maps of 16x16.
        n_context: layers with 3x3 kernels there.
        mixes: one with 1x1 kernels follows.
        head_width: channels of a layer of each head before its answer; 0 for none.
    """

    ratio: int
    first_width: int
    n_each: int
    width: int
    n_context: int
    mixes: bool
    head_width: int

    @classmethod
    def drawn(cls, trial: "BaseTrial") -> "_Plan":
        """Draw one."""
        return cls(
            ratio=trial.suggest_categorical("ratio", (2, 4, 8)),
            first_width=trial.suggest_int("first_width", 16, 64, step=_STEP),
            n_each=trial.suggest_int("n_each", 1, 2),
            width=trial.suggest_int("width", 32, 128, step=_STEP),
            n_context=trial.suggest_int("n_context", 3, 8),
            mixes=trial.suggest_categorical("mixes", (True, False)),
            head_width=trial.suggest_categorical("head_width", (0, 32, 64)),
        )

    def trunk(self) -> Iterator[tuple[str, str]]:
        """Name and code of each layer before the heads, in order."""
        size, n_in, number = IMAGE_SIZE // self.ratio, 0, 0
        while size >= MAP_SIZE:
            is_last = size == MAP_SIZE
            width, n_layers = (
                (self.width, self.n_context) if is_last else (self.first_width, self.n_each)
            )
            for index in range(n_layers):
                number += 1
                pool = "" if index else ', pool="max"'
                code = (
                    f"hidden({n_in}, {width}{pool})" if n_in else f"folded({width}, {self.ratio})"
                )
                yield f"conv{number}", f"{code}  # {width}x{size}x{size}"
                n_in = width
            size //= 2
        if self.mixes:
            yield "mix", f"hidden({n_in}, {n_in}, 1)  # {n_in}x{MAP_SIZE}x{MAP_SIZE}"

    def head(self, name: str, n_maps: int) -> Iterator[tuple[str, str]]:
        """Name and code of each layer of a head, in order."""
        n_in, size = self.width, f"{MAP_SIZE}x{MAP_SIZE}"
        if self.head_width:
            width = self.head_width
            yield f"{name}_hidden", f"hidden({n_in}, {width}, 1)  # {width}x{size}"
            n_in = width
        yield name, f"maps({n_in}, {n_maps})  # {n_maps}x{size}"


def poses(trial: "BaseTrial", shape: Shape, _n_classes: int) -> str:
    """A fold, convolutions down to 16x16, context, and heads for heatmaps and part affinities.

    Raises:
        UnsupportedError: the data are no pictures for poses.
    """
    if shape != INPUT_SHAPE:
        given, wanted = ("x".join(map(str, one)) for one in (shape, INPUT_SHAPE))
        why = f"samples of {given} are no pictures of {wanted}"
        raise UnsupportedError(why, where="poses", fix="search with a recipe of a pose network")
    plan = _Plan.drawn(trial)
    trunk = dict(plan.trunk())
    heads = {name: dict(plan.head(name, n_maps)) for name, n_maps in _HEADS}
    layers = trunk | heads["heat"] | heads["paf"]
    return _TEXT.format(
        layers="\n".join(f"        self.{name} = {code}" for name, code in layers.items()),
        trunk="\n".join(f"        x = self.{name}(x)" for name in trunk),
        answers="\n".join(f"        {name} = {_nested(heads[name])}" for name, _ in _HEADS),
    )


def _nested(names: dict[str, str]) -> str:
    """Layers applied to x, one to what another one gives."""
    code = "x"
    for name in names:
        code = f"self.{name}({code})"
    return code


_TEXT = '''\
"""A pose network, found by `ai8x search`."""

from torch import Tensor, nn

from ai8x_models.layers.layers import Conv2d, FoldedConv2d
from ai8x_models.zoo.blocks import hidden


def folded(width: int, ratio: int) -> FoldedConv2d:
    """A convolution over the picture folded by a ratio, batch norm, ReLU."""
    return FoldedConv2d(3, width, ratio=ratio, batchnorm="Affine", activation="ReLU")


def maps(width: int, n_maps: int) -> Conv2d:
    """1x1 convolution with 32-bit output; 1.0 is 2^14 on the chip, and stays so in QAT."""
    return Conv2d(width, n_maps, 1, wide=True, fixed_scale=True)


class Found(nn.Module):
    """A picture to 19 heatmaps and 38 part-affinity maps."""

    def __init__(self) -> None:
        super().__init__()  # output shape
{layers}

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures (N, 3, 128, 128) in -1..127/128 -> (N, 19, 16, 16), (N, 38, 16, 16)."""
{trunk}
{answers}
        return heat, paf
'''
