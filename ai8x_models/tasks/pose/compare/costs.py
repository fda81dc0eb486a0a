"""What a network costs: by itself, and on the chip, by the compiler's own figures.

What does not fit the chip is asked about once more with narrower weights: cycles are the same, or
nearly, and can be compared. Energy is the estimate of `max78000.facts.energy`: expect a factor of
two.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from ai8x_models.describe.stored import trainable
from ai8x_models.layers.layers import FusedLayer
from ai8x_models.layers.policy import QatPolicy
from ai8x_models.layers.qat import QatModule
from ai8x_models.tasks.pose.network_input import INPUT_SHAPE
from ai8x_models.tasks.pose.predictor import Predictor
from ai8x_models.training.search.figures import Compiler, Figures, figures_of
from max78000.errors import ProblemList, ToolError
from max78000.facts.energy import IDLE_MW

_DATA_BITS, _WIDE_BITS = 8, 32
_NARROWER = (4, 2, 1)  # bits of all weights, tried for networks that do not fit as they are
_BITS_PER_BYTE = 8


@dataclass(frozen=True, slots=True)
class Costs:
    """Of one network, as on the chip: data have 8 bits, weights theirs, or 8 while they are real.

    Args:
        parameters: weights and biases, batch norm folded.
        weight_bytes: of the weights, packed.
        macs: multiply-accumulates of one answer.
        traffic_bytes: of one answer: every weight, and what goes into and comes out of each layer.
        peak_bytes: what goes into and comes out of the layer with most of both.
        chip: the compiler's figures; None if it refuses the network whatever the widths.
        refusal: why it does with the network's own widths; empty if it does not.
        chip_bits: the width of all weights that `chip` is for; None: their own.
    """

    parameters: int
    weight_bytes: int
    macs: int
    traffic_bytes: int
    peak_bytes: int
    chip: Figures | None = None
    refusal: str = ""
    chip_bits: int | None = None

    @property
    def cycles(self) -> int | None:
        """Of an answer; None if it is not for the chip, as below."""
        return self.chip.cycles if self.chip else None

    @property
    def milliseconds(self) -> float | None:
        """Of an answer."""
        return self.chip.milliseconds if self.chip else None

    @property
    def energy_uj(self) -> float | None:
        """Of an answer, with loading its input."""
        return self.chip.energy_uj if self.chip else None

    def power_mw(self, per_second: float) -> float | None:
        """Mean power at so many answers a second; None if the chip is not that quick."""
        if self.chip is None or per_second > self.most_per_second * (1 + 1e-9):
            return None
        busy_s = per_second * self.chip.milliseconds / 1e3
        return IDLE_MW * (1 - busy_s) + per_second * self.chip.energy_uj / 1e3

    @property
    def most_per_second(self) -> float:
        """Answers a second, one after the other; 0 if it is not for the chip."""
        return 1e3 / self.chip.milliseconds if self.chip else 0.0

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        powers = {
            "power_mw_1_a_second": self.power_mw(1),
            "power_mw_10_a_second": self.power_mw(10),
            "power_mw_flat_out": self.power_mw(self.most_per_second),
        }
        return asdict(self) | powers


@dataclass(frozen=True, slots=True)
class _Passage:
    """A layer while one answer passes: its weights, its work, and what it reads and writes."""

    weights: int
    biases: int
    weight_bits: int
    macs: int
    data_bits: int


def costs_of(network: Predictor, compiler: Compiler) -> Costs:
    """Count, and ask the compiler.

    Args:
        network: in any mode.
        compiler: whom to ask.
    """
    layers = _passages(network.model)
    weight_bits = sum(layer.weights * layer.weight_bits for layer in layers)
    costs = Costs(
        parameters=sum(layer.weights + layer.biases for layer in layers),
        weight_bytes=weight_bits // _BITS_PER_BYTE,
        macs=sum(layer.macs for layer in layers),
        traffic_bytes=(weight_bits + sum(layer.data_bits for layer in layers)) // _BITS_PER_BYTE,
        peak_bytes=max(layer.data_bits for layer in layers) // _BITS_PER_BYTE,
    )
    return _on_chip(costs, network, compiler)


def _on_chip(costs: Costs, network: Predictor, compiler: Compiler) -> Costs:
    """Add the compiler's figures, or its refusal and those of a network with narrower weights."""
    own = QatPolicy(0, overrides=widths_of(network.model))
    for bits in (None, *_NARROWER):
        policy = own if bits is None else QatPolicy(0, weight_bits=bits)
        try:
            model = trainable(network.word, INPUT_SHAPE)
            chip = figures_of(model, INPUT_SHAPE, policy, compiler)
        except ToolError as error:
            costs = replace(costs, refusal=costs.refusal or _first_reason(error))
            continue
        return replace(costs, chip=chip, chip_bits=bits)
    return costs


def _first_reason(error: ToolError) -> str:
    """What is wrong first, without places in files that nobody keeps."""
    return error.problems[0].why if isinstance(error, ProblemList) else error.why


def widths_of(model: nn.Module) -> dict[str, int]:
    """Bits of the weights of each layer that does not have 8; real numbers are to get 8."""
    layers = ((name, one) for name, one in model.named_modules() if isinstance(one, QatModule))
    widths = {name: int(layer.weight_bits) for name, layer in layers}
    return {name: bits for name, bits in widths.items() if bits not in (0, _DATA_BITS)}


def _passages(model: nn.Module) -> list[_Passage]:
    """What every layer with weights does while one answer passes."""
    passed = []

    def see(layer: FusedLayer, given: tuple[Tensor, ...], result: Tensor) -> None:
        weight, bias = layer.op.weight, layer.op.bias
        result_bits = _WIDE_BITS if layer.plan.wide else _DATA_BITS
        passed.append(
            _Passage(
                weights=weight.numel(),
                biases=0 if bias is None else bias.numel(),
                weight_bits=int(layer.weight_bits) or _DATA_BITS,
                macs=weight.numel() * result[0, 0].numel(),
                data_bits=given[0].numel() * _DATA_BITS + result.numel() * result_bits,
            )
        )

    layers = (layer for layer in model.modules() if isinstance(layer, FusedLayer))
    hooks = [layer.register_forward_hook(see) for layer in layers]
    try:
        with torch.no_grad():
            model.eval()(torch.zeros(1, *INPUT_SHAPE))
    finally:
        for hook in hooks:
            hook.remove()
    return passed
