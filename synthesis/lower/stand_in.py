"""Checkpoint and sample of a description that gives its shapes: random values in their place.

For checks before anything is trained. Biases and output shifts are not made up: nobody knows them.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from max78000.errors import ToolError
from max78000.facts.chip import Chip
from max78000.facts.fixed import DATA_BITS
from synthesis.graph.ir import Layer, Producer, Shape
from synthesis.lower.buffer import read_buffer
from synthesis.lower.lower import Done, read_operations, resolve_layer
from synthesis.lower.sequence import Step, order_layers
from synthesis.read.checkpoint import Checkpoint, LayerWeights
from synthesis.read.description import NetworkSpec, Operator
from synthesis.read.files import (
    Files,
    Ready,
    default_checkpoint,
    picture_form,
    read_description,
    sample_path,
)
from synthesis.read.npy_weights import TEST_ARCH
from synthesis.read.sample import read_sample_or_picture
from synthesis.read.source import Tensor


@dataclass(frozen=True, slots=True)
class StandIns:
    """Values in place of files, and what is to be said about them."""

    ready: Ready
    notes: tuple[str, ...] = ()


def stand_in(files: Files, ready: Ready, chip: Chip) -> StandIns:
    """Make up the checkpoint and the sample where nobody named them and they are not found.

    What cannot be made up is left to those who read the files, and their complaint.
    """
    try:
        network = ready.network or read_description(files.network)
        sample = sample_path(network, files)
        has_sample = ready.image is not None or sample.exists()
        has_weights = not _is_missing(files.checkpoint, files, ready) or network.arch == TEST_ARCH
        if has_sample and has_weights:
            return StandIns(ready)
        image = ready.image if ready.image is not None else made_up_image(network)
        if has_sample and ready.image is None:
            image = read_sample_or_picture(sample, picture_form(network, None))
        if image is None:
            return StandIns(ready)
        found = StandIns(ready)  # a sample that was named and is missing is left to its reader
        if has_sample or files.sample is None:
            why = f"{network.source}: no sample, random data are checked"
            found = StandIns(replace(ready, image=image), () if has_sample else (why,))
        if has_weights:
            return found
        checkpoint = made_up_weights(network, Shape(*image.shape), chip)
    except ToolError:
        return StandIns(ready)
    if checkpoint is None:
        return found
    why = f"{network.source}: no checkpoint, weights are checked by their shapes, without biases"
    return StandIns(replace(found.ready, checkpoint=checkpoint), (why, *found.notes))


def made_up_image(network: NetworkSpec) -> Tensor | None:
    """Random data of the network's input shape; None if the description does not give it."""
    first = network.layers[0]
    shape = network.input_shape
    if shape is None and first.in_channels is not None and first.in_dim is not None:
        shape = (first.in_channels * (first.operands or 1), *first.in_dim)
    if shape is None:
        return None
    low, high = -(1 << DATA_BITS - 1), 1 << DATA_BITS - 1
    return np.random.default_rng(0).integers(low, high, (*shape, 1)[:3])


def made_up_weights(network: NetworkSpec, image: Shape, chip: Chip) -> Checkpoint | None:
    """Random weights, no two layers' equal; None if an output channel count is not given.

    Args:
        network: what the layers do.
        image: shape of the input.
        chip: number of layers.

    Raises:
        ToolError: layers that contradict themselves.
    """
    steps = order_layers(network, chip)
    operations = read_operations(steps)
    given = list(network.out_channels)
    done = Done(layers=[], image=image, buffer=read_buffer(network))
    entries: list[LayerWeights] = []
    for step, operation in zip(steps, operations, strict=True):
        layer = resolve_layer(step, operation, None, done)
        if operation.op is not Operator.PASSTHROUGH:
            listed = given.pop(0) if given and step.weight_source is None else None
            n_outputs = step.spec.out_channels or listed or _shared(step.weight_source, done)
            if n_outputs is None:
                return None
            layer = replace(layer, out_shape=replace(layer.out_shape, channels=n_outputs))
            if step.weight_source is None:
                entries.append(_random(step, layer))
        done.layers.append(layer)
    return Checkpoint(network.source, None, tuple(entries))


def _shared(source: Producer | None, done: Done) -> int | None:
    return None if source is None else done.layers[source.step].out_shape.channels


def _random(step: Step, layer: Layer) -> LayerWeights:
    n_inputs = layer.in_shape.channels
    if layer.flatten:
        n_inputs *= max(1, layer.pooled[0] * layer.pooled[1])  # rule D3 says if nothing is left
    channels = (layer.out_shape.channels, n_inputs)
    if layer.op is Operator.CONVTRANSPOSE2D:
        channels = channels[::-1]
    bits = step.spec.quantization or DATA_BITS
    limit = 1 << bits - 1
    rng = np.random.default_rng(layer.index)
    weight = rng.integers(-limit, limit, (*channels, *layer.kernel_size))
    return LayerWeights(step.name, weight, None, bits, 0)


def _is_missing(path: Path, files: Files, ready: Ready) -> bool:
    is_default = path == default_checkpoint(files.network)
    return ready.checkpoint is None and is_default and not path.exists()
