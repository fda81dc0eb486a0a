"""The width test: which layers bear narrower weights, and of how many it takes to fit the chip.

Every layer alone is put at the narrow width, as QAT would compute with it, and the loss on the
validation data says what that costs. The cheapest layers, by loss per byte that they give back, are
narrowed one after the other until the compiler takes the network; those that it takes wide after
all are widened again, the dearest first. Training then repairs what is left.
One layer at a time and greedy: after Dong et al., HAWQ, 2019, with the loss itself in place of its
curvature, which costs one pass over the validation data a layer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from torch import nn

from ai8x_models.describe.stored import trainable
from ai8x_models.layers.policy import QatPolicy
from ai8x_models.layers.qat import QatModule
from ai8x_models.training.logs import Console
from ai8x_models.training.loop import validation_loss
from ai8x_models.training.processes import ALONE
from ai8x_models.training.recipe import Recipe
from ai8x_models.training.run import Run, begin_qat, prepare
from ai8x_models.training.search.figures import Compiler, Figures, figures_of
from max78000.errors import CapacityError, InputError, ProblemList, ToolError

NARROW = 4  # bits
WIDE = 8

Fits = Callable[[QatPolicy], Figures]  # raises CapacityError for what does not fit


@dataclass(frozen=True, slots=True)
class Width:
    """What a narrow layer costs.

    Args:
        layer: its name in the model.
        n_weights: of its kernels.
        rise: of the validation loss, when it alone is narrow.
    """

    layer: str
    n_weights: int
    rise: float

    @property
    def saved(self) -> float:
        """Bytes of weights that it gives back."""
        return self.n_weights * (WIDE - NARROW) / 8

    @property
    def price(self) -> float:
        """Rise of the loss a byte."""
        return self.rise / self.saved


@dataclass(frozen=True, slots=True)
class WidthTest:
    """What was found.

    Args:
        loss: on the validation data, all layers wide.
        widths: of every layer, the cheapest one first.
        overrides: width of each narrow layer, for the policy of QAT; none if it fits as it is.
        figures: the compiler's, of the network with these.
    """

    loss: float
    widths: Sequence[Width]
    overrides: Mapping[str, int]
    figures: Figures

    def to_text(self) -> str:
        """A table, and the lines of the recipe."""
        longest = max(len(one.layer) for one in self.widths)
        lines = [f"{'layer':{longest}}   weights  loss at {NARROW} bits, {self.loss:.5f} at {WIDE}"]
        lines += [
            f"{one.layer:{longest}} {one.n_weights:9,}  {self.loss + one.rise:.5f}"
            f"{'  narrow' if one.layer in self.overrides else ''}"
            for one in self.widths
        ]
        lines.append(
            f"{self.figures.weight_bytes:,} bytes of weights, {self.figures.cycles:,} cycles"
        )
        pairs = ", ".join(f"{name}: {bits}" for name, bits in self.overrides.items())
        return "\n".join((*lines, f"qat.overrides: {{{pairs}}}"))


def find_widths(recipe: Recipe, compiler: Compiler, console: Console) -> WidthTest:
    """Find which layers to train at 4 bits, so that the network fits; nothing is written.

    Args:
        recipe: with `start_from`: the widths of untrained weights say nothing.
        compiler: who says what fits.
        console: shows how far it is.

    Raises:
        InputError: the recipe starts from nothing.
        ToolError: as `loop.train`; or the network does not fit with all layers narrow.
    """
    if recipe.start_from is None:
        why, fix = "starts from nothing", "give `start_from`: a trained float checkpoint"
        raise InputError(why, where=recipe.name, fix=fix)
    policy = replace(recipe.qat or QatPolicy(0), start_epoch=0, weight_bits=WIDE, overrides={})
    run = prepare(replace(recipe, qat=policy, average=None, distill=None), console, ALONE)
    policy = run.qat or policy  # with the ranges that the checkpoint has
    begin_qat(run, policy, console)
    shape = tuple(next(run.validation.in_order(1)).inputs.shape[1:])
    loss, widths = _measured(run, policy, console)
    fits = partial(_figures, recipe.model, shape, compiler)
    return narrowed(loss, widths, policy, fits)


def narrowed(loss: float, widths: Sequence[Width], policy: QatPolicy, fits: Fits) -> WidthTest:
    """Make the cheapest layers narrow, no more than it takes.

    Args:
        loss: all layers wide.
        widths: of every layer.
        policy: all layers wide.
        fits: asks the compiler.

    Raises:
        CapacityError: not even all of them are enough; why is that of the compiler.
        ToolError: the compiler refuses the network for another reason.
    """
    by_price = sorted(widths, key=lambda one: one.price)
    narrow: list[Width] = []
    figures = _taken(narrow, policy, fits)
    for one in by_price:
        if isinstance(figures, Figures):
            break
        narrow.append(one)
        figures = _taken(narrow, policy, fits)
    if not isinstance(figures, Figures):
        why = f"does not fit with {NARROW} bits in every layer: {figures}"
        raise CapacityError(why, fix="make it smaller: fewer channels, fewer layers")
    for one in sorted(narrow, key=lambda one: -one.rise):
        fewer = [other for other in narrow if other is not one]
        if isinstance(answer := _taken(fewer, policy, fits), Figures):
            narrow, figures = fewer, answer
    return WidthTest(loss, by_price, _overrides(narrow), figures)


def _taken(narrow: Sequence[Width], policy: QatPolicy, fits: Fits) -> Figures | ToolError:
    """What the compiler says of a network with these layers narrow: figures, or what is too large.

    Raises:
        ToolError: anything else that is wrong with it, which narrow layers do not mend.
    """
    try:
        return fits(replace(policy, overrides=_overrides(narrow)))
    except CapacityError as error:
        return error
    except ProblemList as error:
        if not all(isinstance(one, CapacityError) for one in error.problems):
            raise
        return error


def _overrides(narrow: Sequence[Width]) -> Mapping[str, int]:
    return {one.layer: NARROW for one in narrow}


def _measured(run: Run, policy: QatPolicy, console: Console) -> tuple[float, list[Width]]:
    """The loss with all layers wide, and what each costs when it is narrow."""
    layers = {
        name: layer
        for name, layer in run.model.named_modules()
        if isinstance(layer, QatModule) and _n_weights(layer)
    }
    loss, widths = validation_loss(run), list[Width]()
    with console.progress("trying widths", quiet=True) as progress:
        for name, layer in layers.items():
            share = policy.shift_quantile_of(name)
            layer.enter_qat(NARROW, share)
            widths.append(Width(name, _n_weights(layer), validation_loss(run) - loss))
            layer.enter_qat(WIDE, share)
            progress(len(widths), len(layers))
    return loss, widths


def _n_weights(layer: nn.Module) -> int:
    return sum(one.numel() for name, one in layer.named_parameters() if name.endswith("weight"))


def _figures(word: str, shape: tuple[int, ...], compiler: Compiler, policy: QatPolicy) -> Figures:
    return figures_of(trainable(word, shape), shape, policy, compiler)
