"""Quantization after training: what samples say about a network takes the place of QAT.

Three things are settled on them. The range of every tensor, so that small results use all of their
eight bits; the output shift of every layer, which may clip a few large weights to round the others
finer; and biases, from which the mean error of rounded weights is subtracted. Answers keep their
meaning: the integers are those of any other checkpoint of the network, only nearer to it. 32-bit
answers of narrow weights are larger by a power of two.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from ai8x_models.checkpoint import State
from ai8x_models.layers.layers import FusedLayer
from ai8x_models.layers.qat import (
    V2_MARK,
    V2_NAMES,
    Layer,
    Mode,
    bias_grid,
    output_shift_for,
    parameter_limit,
    set_generation,
    weight_grid,
)
from ai8x_models.quantize.options import QuantizeOptions
from ai8x_models.quantize.quantize import quantize_state
from ai8x_models.quantize.report import LayerReport
from ai8x_models.quantize.thresholds import RangeMeter

_BIAS_BITS = 8  # whatever the width of the weights
_BIAS_REACH = 1 << (_BIAS_BITS - 1)
_NOT_WHOLE = 1 - 2.0**-20  # whole weights look like those of a quantized layer
_MOST_CLIPPED = 3  # octaves that a shift may give up
_N_SEARCHED = 32  # samples that shifts and biases are settled on; ranges take all
_BATCH = 32


@dataclass(frozen=True, slots=True)
class Wiring:
    """Which tensors share a scale: those that are added, joined, or only pooled in between.

    Args:
        reads: group of what each layer with parameters is given, by the layer's name.
        writes: group of what each layer gives.
        settled: groups whose scale stays 1: the network's input, its answers, and bits of bytes.
    """

    reads: Mapping[str, int]
    writes: Mapping[str, int]
    settled: frozenset[int]


def calibrated_state(
    model: nn.Module,
    wiring: Wiring,
    examples: Tensor,
    bits_of: Callable[[str], int],
    options: QuantizeOptions,
) -> tuple[State, tuple[LayerReport, ...]]:
    """Integers of a float network of our layers, which is left as it was.

    Args:
        model: in float mode.
        wiring: of its layers.
        examples: (N, *shape), what stands for the data to come.
        bits_of: width of a layer's weights, by its name.
        options: as for `quantize_state`.
    """
    model = deepcopy(model).eval()
    layers = {name: layer for name, layer in model.named_modules() if isinstance(layer, FusedLayer)}
    for layer in layers.values():
        layer.fold_batchnorm()
    ranges, inputs = _observed(model, wiring, examples)
    set_generation(model, is_v2=True)
    for module in model.modules():
        if isinstance(module, Layer) and not isinstance(module, FusedLayer):
            module.mode = Mode.QAT  # joins and poolings round as the chip does from the start
    for name, real in inputs.items():  # as they run: each is given what those before it round to
        layer = layers[name]
        before, behind = ranges[wiring.reads[name]], ranges[wiring.writes[name]]
        layer.enter_qat(bits_of(name))
        layer.get_buffer(V2_MARK).fill_(0.0 if layer.plan.wide else behind - before)
        rounded = _given_to(layer, model, examples[:_N_SEARCHED])
        _settle(layer, (real / 2.0**before, rounded), before)
    state, reports = quantize_state(model.state_dict(), replace(options, has_chip_limits=True))
    plain = {name: one for name, one in state.items() if not name.endswith(V2_NAMES)}
    return plain, reports


def _observed(
    model: nn.Module, wiring: Wiring, examples: Tensor
) -> tuple[dict[int, float], dict[str, Tensor]]:
    """Range of every group as a logarithm, and what every layer with parameters is given."""
    meters = {name: RangeMeter() for name in wiring.writes}
    inputs: dict[str, Tensor] = {}
    handles = []
    for name, layer in model.named_modules():
        if isinstance(layer, FusedLayer):
            handles.append(layer.register_forward_pre_hook(_keeper(inputs, name)))
        if isinstance(layer, Layer) and name in meters:
            handles.append(layer.register_forward_hook(_counter(meters[name])))
    with torch.no_grad():
        for start in range(0, len(examples), _BATCH):
            model(examples[start : start + _BATCH])
    for handle in handles:
        handle.remove()
    groups = {*wiring.reads.values(), *wiring.writes.values()}
    ranges = dict.fromkeys(groups, 0.0)
    for group in groups - wiring.settled:
        found = [meters[name].threshold_log2() for name in meters if wiring.writes[name] == group]
        # Nothing but zeros has no range; above 1 layers clamp in float mode already.
        ranges[group] = min(0.0, max(found)) if found and max(found) > -float("inf") else 0.0
    return ranges, inputs


def _given_to(layer: FusedLayer, model: nn.Module, examples: Tensor) -> Tensor:
    """What a layer's operator is given by the layers before it, in the numbers they have now."""
    inputs: dict[str, Tensor] = {}
    handle = layer.register_forward_pre_hook(_keeper(inputs, "it"))
    with torch.no_grad():
        model(examples)
    handle.remove()
    return inputs["it"]


def _keeper(inputs: dict[str, Tensor], name: str) -> Callable[[nn.Module, Any], None]:
    def keep(layer: nn.Module, given: tuple[Tensor, ...]) -> None:
        assert isinstance(layer, FusedLayer)
        inputs.setdefault(name, layer.pooled(given[0][:_N_SEARCHED]))

    return keep


def _counter(meter: RangeMeter) -> Callable[[nn.Module, Any, Tensor], None]:
    def count(_layer: nn.Module, _given: Any, result: Tensor) -> None:
        meter.add(result)

    return count


@torch.no_grad()
def _settle(layer: FusedLayer, x: tuple[Tensor, Tensor], range_before: float) -> None:
    """Bring the bias to the input's scale, and choose shift and bias by the error of the sums.

    Args:
        layer: in QAT.
        x: what it is given by the float network, and by the layers before it as they are now.
        range_before: logarithm of the input's range.
    """
    if layer.op.bias is not None:
        layer.op.bias.div_(2.0**range_before)
    weight, bias = layer.op.weight, layer.op.bias
    bits = int(layer.weight_bits.item())
    layer.bias_bits.fill_(_BIAS_BITS)
    # A byte of bias reaches farther than narrow weights: it need not push their shift up.
    reach = _BIAS_REACH / weight_grid(bits).one
    limits = [parameter_limit(weight, None, 1.0)]
    limits += [] if bias is None else [parameter_limit(bias, None, 1.0) / reach]
    first = output_shift_for(torch.stack(limits).amax(), bits)
    # A fixed scale has room for it in eight bits; narrower, next to all weights would become 0.
    is_fixed = layer.fixed_scale and bits == _BIAS_BITS
    n_tries = 1 if is_fixed else _MOST_CLIPPED + 1
    start = 0 if is_fixed else first
    tries = [_tried(layer, x, start - i) for i in range(n_tries)]
    _, shift, corrected = min(tries, key=lambda one: one[0])
    if corrected is not None and bias is not None:
        bias.copy_(corrected)
    _settle_on(layer, shift)


def _settle_on(layer: FusedLayer, shift: int) -> None:
    """Scale the parameters for a shift that is not chosen anew."""
    layer.op.weight.div_(2.0**shift)
    if layer.op.bias is not None:
        layer.op.bias.div_(2.0**shift)
    if torch.equal(layer.op.weight, layer.op.weight.round()):
        layer.op.weight.mul_(_NOT_WHOLE)
    layer.output_shift.fill_(shift)
    layer.adjust_output_shift.fill_(False)


def _tried(
    layer: FusedLayer, x: tuple[Tensor, Tensor], shift: int
) -> tuple[float, int, Tensor | None]:
    """Mean square error of the sums with this shift, the shift, and the bias it goes with."""
    weight, bias = layer.op.weight, layer.op.bias
    real, rounded = x
    error = layer.operate(rounded, _on_grid(weight, shift, layer), None)
    error = error - layer.operate(real, weight, None)
    axes = [axis for axis in range(error.dim()) if axis != 1]
    corrected = None
    if bias is not None:
        corrected = bias - error.mean(axes)
        shape = [1, -1, *[1] * (error.dim() - 2)]
        error = error + (_on_grid(corrected, shift, layer, _BIAS_BITS) - bias).view(shape)
    return float(error.square().mean()), shift, corrected


def _on_grid(values: Tensor, shift: int, layer: FusedLayer, own_bits: int = 0) -> Tensor:
    """Weights, or biases with a width of their own, as this shift rounds them."""
    grid = bias_grid(int(layer.weight_bits.item()), own_bits)
    scale = grid.one * 2.0**-shift
    return torch.floor(values * scale + 0.5).clamp(grid.low, grid.high) / scale
