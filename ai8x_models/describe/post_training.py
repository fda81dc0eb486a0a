"""A float checkpoint to integers by samples: the network's wiring for `quantize.calibration`."""

import math
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path

import torch
from torch import Tensor, nn

from ai8x_models.checkpoint import Checkpoint, State, file_hash, load_checkpoint, save_checkpoint
from ai8x_models.describe.calibrate import qsnr_db, read_examples
from ai8x_models.describe.convert import Converted, Network, network_of
from ai8x_models.describe.graph import Graph, Input, Own
from ai8x_models.describe.subject import find_subject
from ai8x_models.layers.layers import ElementWise, FusedLayer
from ai8x_models.layers.qat import DATA_GRID, WIDE_GRID, Mode, QatModule, set_mode
from ai8x_models.quantize.calibration import Wiring, calibrated_state
from ai8x_models.quantize.options import QuantizeOptions
from ai8x_models.quantize.report import QuantizeReport
from ai8x_models.zoo.registry import Shape
from max78000.errors import InputError
from max78000.facts.fixed import Combine


def calibrate_checkpoint(
    source: Path,
    target: Path,
    samples: Path,
    word: str,
    shape: Shape | None,
    options: QuantizeOptions,
) -> QuantizeReport:
    """Read a float checkpoint and samples, write the integer checkpoint.

    Args:
        source: weights of the model.
        target: integer checkpoint to write.
        samples: as `read_examples` takes them.
        word: the model, as `find_subject` takes it.
        shape: of its input, if the model is not of the zoo.
        options: as for `quantize_checkpoint`.

    Raises:
        InputError: no such model, weights or samples, or a network that saw QAT already.
        ProblemList: what the accelerator cannot do.
    """
    subject = find_subject(word, shape, source)
    stages = {one.mode for one in subject.model.modules() if isinstance(one, QatModule)}
    if stages - {Mode.FLOAT}:
        why = "has seen quantization-aware training, or is quantized: nothing is left to calibrate"
        raise InputError(why, where=str(source), fix="leave --calibrate out")
    examples = read_examples(samples, subject.shape)
    is_ours = any(isinstance(one, FusedLayer) for one in subject.model.modules())
    network = network_of(subject.model, subject.shape, None if is_ours else examples)
    layered = Converted(network) if network.is_new else subject.model
    data = examples * network.input_scale

    def bits_of(name: str) -> int:
        return options.weight_bits.get(name) or options.default_weight_bits

    state, layers = calibrated_state(
        layered.eval(), wiring_of(network.graph, layered), data, bits_of, options
    )
    gains = _answer_gains(network, layered, state)
    notes = [
        f"answer {number} is {gain:g} times as large, as its weights are"
        for number, gain in enumerate(gains)
        if gain != 1
    ]
    notes += _quality(network, layered, state, data)
    trained = load_checkpoint(source)
    extras = {
        **trained.extras,
        "clipping_method": "MAX_BIT_SHIFT",
        "quantized_from": file_hash(source),
        "calibrated_on": file_hash(samples),
        "input_scale": network.input_scale,
        "output_scales": tuple(
            scale * gain for scale, gain in zip(network.output_scales, gains, strict=True)
        ),
    }
    save_checkpoint(target, Checkpoint(subject.arch, trained.epoch, state, extras))
    return QuantizeReport(subject.arch, layers, (*trained.notes, *notes))


def wiring_of(graph: Graph, model: nn.Module) -> Wiring:
    """Which tensors of a network share a scale.

    Args:
        graph: of layers of ours.
        model: that has these layers, by whose names they go.
    """
    names = {id(module): name for name, module in model.named_modules()}
    group = list(range(len(graph.nodes)))

    def root(index: int) -> int:
        while group[index] != index:
            index = group[index]
        return index

    uses: dict[str, int] = {}
    settled: set[int] = set(graph.outputs)
    for index, node in enumerate(graph.nodes):
        layer = node.op.layer if isinstance(node.op, Own) else None
        if isinstance(layer, FusedLayer):
            other = uses.setdefault(names[id(layer)], index)
            group[root(index)] = root(other)
            group[root(node.inputs[0])] = root(graph.nodes[other].inputs[0])
            settled |= {node.inputs[0]} if layer.plan.wide else set()
            continue
        for source in node.inputs:
            group[root(source)] = root(index)
        is_bits = isinstance(layer, ElementWise) and layer.combine in (Combine.OR, Combine.XOR)
        settled |= {index} if is_bits or isinstance(node.op, Input) else set()
    return Wiring(
        {name: root(graph.nodes[index].inputs[0]) for name, index in uses.items()},
        _writers(graph, names, root_of={index: root(index) for index in range(len(group))}),
        frozenset(root(index) for index in settled),
    )


def _writers(graph: Graph, names: Mapping[int, str], root_of: Mapping[int, int]) -> dict[str, int]:
    """Group of what each layer that the model holds gives."""
    return {
        names[id(node.op.layer)]: root_of[index]
        for index, node in enumerate(graph.nodes)
        if isinstance(node.op, Own) and id(node.op.layer) in names
    }


def _answer_gains(network: Network, layered: nn.Module, state: State) -> list[float]:
    """Factor on each answer: the output shift, which does not apply to 32-bit ones."""
    names = {id(module): name for name, module in layered.named_modules()}
    gains = []
    for index in network.graph.outputs:
        op = network.graph.nodes[index].op
        layer = op.layer if isinstance(op, Own) else None
        is_wide = isinstance(layer, FusedLayer) and layer.plan.wide
        shift = float(state[f"{names[id(layer)]}.output_shift"]) if is_wide else 0.0
        gains.append(2.0**-shift)
    return gains


def _quality(network: Network, layered: nn.Module, state: State, data: Tensor) -> list[str]:
    """How near the integers' answers are to those of the float network, on the samples."""
    integers = deepcopy(layered).eval()
    integers.load_state_dict(state)
    set_mode(integers, Mode.INTEGER)
    with torch.no_grad():
        wanted = layered(data)
        found = integers((data * DATA_GRID.one).round().clamp(DATA_GRID.low, DATA_GRID.high))
    answers = [one if isinstance(one, tuple) else (one,) for one in (wanted, found)]
    notes = []
    if network.input_scale != 1:
        one = network.input_scale * DATA_GRID.one
        notes.append(f"the chip is given the model's input times {one:g}, rounded, -128..127")
    for number, (real, whole) in enumerate(zip(*answers, strict=True)):
        if real.shape == whole.shape:
            one = _one(real.double(), whole)
            meant = one * network.output_scales[number]
            notes.append(f"answer {number} of the model is the chip's integer / {meant:g}")
            quality = qsnr_db(real.double(), whole.double() / one)
            notes.append(f"answer {number} has {quality:.1f} dB QSNR on the samples")
    return notes


def _one(real: Tensor, whole: Tensor) -> float:
    """Integer that means 1.0 in an answer of the scaled network.

    Of 32-bit answers it is found by comparing: the output shift does not apply to them.
    """
    if whole.dtype is not torch.int32:
        return DATA_GRID.one
    found = whole.double() / WIDE_GRID.one
    likeness = float((real * found).sum() / found.square().sum().clamp(min=1e-30))
    return WIDE_GRID.one / (2.0 ** round(math.log2(likeness)) if likeness > 0 else 1.0)
