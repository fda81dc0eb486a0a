"""Quantization-aware training with measured ranges: what happens when it begins (QATv2).

The network runs over the training data once, with real weights and in evaluation mode. The range of
every layer's results is found (`quantize.thresholds`), results that meet get one range
(`quantize.scales`), and the layers store what follows. Then QAT begins as with fixed ranges.

Source: docs/hardware/arithmetic.md#qatv2.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

from ai8x_models.describe.record import record
from ai8x_models.describe.topology import topology_of
from ai8x_models.layers.layers import FusedLayer
from ai8x_models.layers.policy import QatPolicy
from ai8x_models.layers.qat import (
    V2_MARK,
    Layer,
    Mode,
    QatModule,
    enter_qat,
    set_generation,
    set_mode,
)
from ai8x_models.quantize.scales import Topology, exact_scales
from ai8x_models.quantize.thresholds import RangeMeter
from max78000.errors import InputError

Seen = Callable[[int], None]  # number of examples so far


def start_measured_qat(
    model: nn.Module, policy: QatPolicy, batches: Iterable[Tensor], seen: Seen = lambda _count: None
) -> None:
    """Fold batch norm, measure the ranges of all results, and start QAT with them.

    Layers are measured as they compute in float: those of the first generation clamp.

    Args:
        model: of our layers, in float, or in QAT with fixed ranges.
        policy: also says which results are outliers.
        batches: inputs (N, ...) in -1..127/128, enough of them to stand for the training data.
        seen: is told how many examples were measured.

    Raises:
        InputError: integer weights, ranges that are there already, no data, or as `start_qat`.
        UnsupportedError: the network's Python code looks at the numbers in a tensor.
    """
    layers = _layers(model)
    if any(layer.mode is Mode.INTEGER for layer in layers.values()):
        why = "a network that holds integer weights cannot be trained"
        raise InputError(why, fix="start from the checkpoint that was quantized")
    if any(layer.mode is Mode.QAT and layer.is_v2 for layer in layers.values()):
        why = "the ranges were measured already; biases are divided by them"
        raise InputError(why, fix="call start_qat, which keeps them")
    batches = iter(batches)
    first = next(batches, None)
    if first is None or not len(first):
        raise InputError("there are no data to measure ranges on", fix="give some batches")
    topology = find_topology(model, first[:1])
    for layer in layers.values():
        if isinstance(layer, QatModule):
            layer.fold_batchnorm()
            layer.output_shift.zero_()
    set_mode(model, Mode.FLOAT)
    ranges = _measure(model, chain([first], batches), policy.z_score, seen)
    _store(model, topology, ranges)
    enter_qat(model, policy)


def find_topology(model: nn.Module, example: Tensor) -> Topology:
    """Find out who reads whom; raises as `start_measured_qat` does."""
    return topology_of(record(model, example), model)


def _layers(model: nn.Module) -> dict[str, Layer]:
    return {name: layer for name, layer in model.named_modules() if isinstance(layer, Layer)}


def _measure(
    model: nn.Module, batches: Iterable[Tensor], z_score: float, seen: Seen
) -> dict[str, float]:
    """Logarithm of the range of what each layer gives."""
    meters = {name: RangeMeter() for name in _layers(model)}
    training = {module: module.training for module in model.modules()}
    with ExitStack() as stack:
        for name, layer in _layers(model).items():
            stack.callback(layer.register_forward_hook(_counting(meters[name])).remove)
        stack.enter_context(torch.no_grad())
        model.eval()
        count = 0
        for batch in batches:
            model(batch)
            count += len(batch)
            seen(count)
    for module, was_training in training.items():
        module.training = was_training
    return {
        name: meter.threshold_log2(z_score) for name, meter in meters.items() if meter.n_batches
    }


def _counting(meter: RangeMeter) -> Callable[[nn.Module, Any, Tensor], None]:
    return lambda _layer, _inputs, results: meter.add(results)


def _store(model: nn.Module, topology: Topology, ranges: Mapping[str, float]) -> None:
    """Let the layers be of the second generation, with these ranges."""
    layers = _layers(model)
    set_generation(model, is_v2=True)
    for name, found in ranges.items():  # of layers without weights nobody reads it
        layers[name].get_buffer(V2_MARK).fill_(found if math.isfinite(found) else 0.0)
    wanted = dict(ranges)
    for name, needed in _fixed_scale_biases(layers):
        for reader in topology.producers.get(name, ()):
            for tensor in {reader, topology.adds.get(reader, reader)}:
                wanted[tensor] = max(wanted.get(tensor, needed), needed)
    for name, scale in exact_scales(topology, wanted, wanted).items():
        layer = layers[name]
        assert isinstance(layer, FusedLayer)
        layer.get_buffer(V2_MARK).fill_(scale.threshold)
        layer.get_buffer("final_scale").fill_(scale.final_scale)
        if layer.op.bias is not None:
            with torch.no_grad():
                layer.op.bias.mul_(2.0**-scale.bias_log2)


def _fixed_scale_biases(layers: Mapping[str, Layer]) -> Iterable[tuple[str, float]]:
    """What the range of a layer's data must be at least, for its divided bias to stay below 1."""
    for name, layer in layers.items():
        if isinstance(layer, FusedLayer) and layer.fixed_scale and layer.op.bias is not None:
            largest = float(layer.op.bias.detach().abs().max())
            if largest > 0:
                yield name, float(math.ceil(math.log2(largest)))
