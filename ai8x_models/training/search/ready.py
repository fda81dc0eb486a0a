"""The families that are ready: plain chains of layers for pictures and for signals.

What is drawn: how wide the first layer is and how the width grows, how many layers there are and
after how many the data are halved, the kinds of kernels, the pooling, and for pictures whether the
first layer reads them folded. A family only says what could be; if it fits, the compiler says.
"""

from dataclasses import dataclass

from optuna.trial import BaseTrial

from ai8x_models.zoo.registry import Shape
from max78000.errors import UnsupportedError

_OPTIONS = 'batchnorm="Affine", activation="ReLU"'  # as those of `zoo.blocks` have
_BLOCKS = frozenset({"hidden", "hidden_1d", "scores"})
_STEP = 4  # channels: the accelerator's groups of processors
_MAX_WIDTH = 128
_END_SIZE = 3  # pictures are halved until they are not larger than this
_END_STEPS = 8  # and signals, that they are shorter than this


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the constructor, and the shape of what comes out."""

    code: str
    result: str


def pictures(trial: BaseTrial, shape: Shape, n_classes: int) -> str:
    """Convolutions over (C, H, W), then a fully connected layer.

    Raises:
        UnsupportedError: the data are no pictures.
    """
    if len(shape) != 3:
        why = f"samples of {_words(shape)} are not pictures"
        raise UnsupportedError(why, where="pictures", fix="search among `signals`")
    n_in, *sizes = shape
    can_fold = all(size % 2 == 0 for size in sizes)
    folds = can_fold and trial.suggest_categorical("fold", (1, 2)) == 2
    widths = _widths(trial, first=range(8, 65, 8), depth=(2, 6))
    per_size = trial.suggest_int("layers_per_size", 1, 2)
    second_kernel = trial.suggest_categorical("second_kernel", (3, 1))
    pool = trial.suggest_categorical("pool", ("max", "avg"))
    lines: list[_Line] = []
    for index, width in enumerate(widths):
        if folds and not index:
            sizes = [size // 2 for size in sizes]
            code = f"FoldedConv2d({n_in}, {width}, {_OPTIONS})"
        else:
            kernel = "" if index % 2 == 0 or second_kernel == 3 else ", 1"
            halves = index > 0 and (index - 1) % per_size == 0 and min(sizes) > _END_SIZE
            sizes = [size // 2 for size in sizes] if halves else sizes
            pooling = f', pool="{pool}"' if halves else ""
            code = f"hidden({n_in}, {width}{kernel}{pooling})"
        lines.append(_Line(code, _words((width, *sizes))))
        n_in = width
    return _text(lines, shape, n_in * sizes[0] * sizes[1], n_classes)


def signals(trial: BaseTrial, shape: Shape, n_classes: int) -> str:
    """Convolutions over (C, L), then a fully connected layer.

    Raises:
        UnsupportedError: the data are no signals.
    """
    if len(shape) != 2:
        why = f"samples of {_words(shape)} are not signals"
        raise UnsupportedError(why, where="signals", fix="search among `pictures`")
    n_in, steps = shape
    widths = _widths(trial, first=range(16, 97, 16), depth=(3, 7))
    kernel = trial.suggest_categorical("kernel", (3, 5))
    first_kernel = trial.suggest_categorical("first_kernel", (1, 3, 5))
    ratio = trial.suggest_categorical("pool", (2, 4))
    lines: list[_Line] = []
    for index, width in enumerate(widths):
        shortens = index > 0 and steps >= _END_STEPS
        steps = steps // ratio if shortens else steps
        pooling = f", pool_size={ratio}" if shortens else ""
        taps = kernel if index else first_kernel
        code = f"hidden_1d({n_in}, {width}, {taps}{pooling})"
        lines.append(_Line(code, _words((width, steps))))
        n_in = width
    return _text(lines, shape, n_in * steps, n_classes)


def _widths(trial: BaseTrial, first: range, depth: tuple[int, int]) -> tuple[int, ...]:
    """Channels that each layer gives."""
    width: float = trial.suggest_int("width", first[0], first[-1], step=first.step)
    growth = trial.suggest_categorical("growth", (1.0, 1.25, 1.5, 2.0))
    found = []
    for _ in range(trial.suggest_int("depth", *depth)):
        found.append(min(round(width / _STEP) * _STEP, _MAX_WIDTH))
        width *= growth
    return tuple(found)


def _text(lines: list[_Line], shape: Shape, n_features: int, n_classes: int) -> str:
    """A model file: layers in order, the last one fully connected."""
    used = {line.code.partition("(")[0] for line in lines} | {"scores"}
    blocks = f"from ai8x_models.zoo.blocks import {', '.join(sorted(used & _BLOCKS))}"
    folded = ["from ai8x_models.layers.layers import FoldedConv2d"] if used - _BLOCKS else []
    names = [f"conv{index + 1}" for index in range(len(lines))]
    layers = [
        f"        self.{name} = {line.code}  # {line.result}"
        for name, line in zip(names, lines, strict=True)
    ]
    return "\n".join(
        (
            f'"""A network for samples of {_words(shape)}, found by `ai8x search`."""',
            "",
            "from torch import Tensor, nn",
            "",
            *folded,
            blocks,
            "",
            "",
            "class Found(nn.Module):",
            f'    """Samples of {_words(shape)} to {n_classes} scores."""',
            "",
            "    def __init__(self) -> None:",
            "        super().__init__()  # output shape",
            *layers,
            f"        self.classify = scores({n_features}, {n_classes})",
            "",
            "    def forward(self, x: Tensor) -> Tensor:",
            f'        """(N, {", ".join(map(str, shape))}) -> (N, {n_classes})."""',
            *(f"        x = self.{name}(x)" for name in names),
            "        answer: Tensor = self.classify(x.flatten(1))",
            "        return answer",
            "",
        )
    )


def _words(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
