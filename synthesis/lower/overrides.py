"""What the command line changes in a network before it is compiled: sources in, sources out.

Layers are named by their number in execution order, as in the description without gaps. Nothing is
read or compiled here.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from max78000.errors import InputError
from synthesis.lower.layer_list import ALL, LayerList
from synthesis.lower.operation import operator_of
from synthesis.read.checkpoint import Checkpoint
from synthesis.read.description import DataFormat, NetworkSpec, Operator
from synthesis.read.source import Source, Tensor

STOP_WORDS = ("stop", -1)


@dataclass(frozen=True, slots=True)
class Overrides:
    """Changes, each named like its option. A default changes nothing."""

    stop_after: int | None = None
    skip_yaml_layers: int = 0
    skip_checkpoint_layers: int = 0
    input_offset: int | None = None  # bytes
    output_width: int | None = None  # bits, of the last layer
    ignore_streaming: bool = False
    streaming_layers: LayerList = ()
    ignore_activation: bool = False
    no_bias: LayerList | str | None = None  # layers, or ALL
    synthesize_input: int | None = None  # added to every block of input words
    synthesize_words: int = 8  # length of a block


def apply_overrides(source: Source, overrides: Overrides) -> Source:
    """Make the changes.

    Raises:
        InputError: a layer that does not exist, or input that cannot be made up.
    """
    network = override_network(source.network, overrides)
    checkpoint = source.checkpoint
    skipped = overrides.skip_checkpoint_layers
    if skipped:
        _require_below(skipped, len(checkpoint.layers), "--skip-checkpoint-layers", "entries")
        checkpoint = replace(checkpoint, layers=checkpoint.layers[skipped:])
    if overrides.stop_after is not None:
        n_used = sum(_takes_weights(network, position) for position in _executed(network))
        checkpoint = replace(checkpoint, layers=checkpoint.layers[:n_used], strays=())
    if overrides.no_bias is not None:
        checkpoint = without_biases(checkpoint, network, overrides.no_bias)
    image = source.image
    if overrides.synthesize_input is not None:
        _require_fifo_words(source, network)
        image = repeat_words(image, overrides.synthesize_input, overrides.synthesize_words)
    return replace(source, network=network, checkpoint=checkpoint, image=image)


def override_network(network: NetworkSpec, overrides: Overrides) -> NetworkSpec:
    """Change the description: layers left out first, then keys of those that stay.

    Raises:
        InputError: a layer that does not exist.
    """
    network = _without_first(network, overrides.skip_yaml_layers)
    if overrides.stop_after is not None:
        network = _change(network, (overrides.stop_after,), "--stop-after", next_sequence="stop")
        network = replace(network, finish=())  # it reads what no longer runs
    everything = tuple(range(len(network.layers)))
    if overrides.ignore_streaming:
        network = _change(network, everything, "", streaming=False)
    if overrides.ignore_activation:
        network = _change(network, everything, "", activate=None)
    network = _change(network, overrides.streaming_layers, "--streaming-layers", streaming=True)
    if overrides.input_offset is not None:
        network = _change(network, (0,), "--input-offset", in_offset=overrides.input_offset)
    if overrides.output_width is not None:
        last = (len(_executed(network)) - 1,)
        network = _change(network, last, "--output-width", output_width=overrides.output_width)
    return network


# -- layers ----------------------------------------------------------------------------------------


def _numbers(network: NetworkSpec) -> list[int]:
    """Sequence number of every layer of the file: given, or one more than the one before."""
    numbers: list[int] = []
    for spec in network.layers:
        following = numbers[-1] + 1 if numbers else 0
        numbers.append(following if spec.sequence is None else spec.sequence)
    return numbers


def _in_order(network: NetworkSpec) -> list[int]:
    """Positions in the file, in the order of execution."""
    numbers = _numbers(network)
    return sorted(range(len(numbers)), key=lambda position: numbers[position])


def _executed(network: NetworkSpec) -> list[int]:
    """Like `_in_order`, up to the layer that stops."""
    order = _in_order(network)
    for index, position in enumerate(order):
        if network.layers[position].next_sequence in STOP_WORDS:
            return order[: index + 1]
    return order


def _without_first(network: NetworkSpec, n_layers: int) -> NetworkSpec:
    """Leave out the first layers; the others keep their numbers, which references use."""
    if not n_layers:
        return network
    _require_below(n_layers, len(network.layers), "--skip-yaml-layers", "layers")
    numbers = _numbers(network)
    kept = sorted(_in_order(network)[n_layers:])
    layers = (replace(network.layers[position], sequence=numbers[position]) for position in kept)
    return replace(network, layers=tuple(layers), finish=())


def _change(
    network: NetworkSpec, indices: Iterable[int], option: str, **keys: object
) -> NetworkSpec:
    """Set keys of some layers."""
    order, layers = _in_order(network), list(network.layers)
    for index in indices:
        _require_below(index, len(order), option, "layers")
        position = order[index]
        layers[position] = replace(layers[position], **keys)  # type: ignore[arg-type]
    return replace(network, layers=tuple(layers))


def _require_below(number: int, limit: int, option: str, things: str) -> None:
    if not 0 <= number < limit:
        raise InputError(
            f"{number}, there are {limit} {things}", where=option, fix=f"give 0..{limit - 1}"
        )


# -- checkpoint ------------------------------------------------------------------------------------


def without_biases(
    checkpoint: Checkpoint, network: NetworkSpec, layers: LayerList | str
) -> Checkpoint:
    """Drop the biases of some layers, or of all.

    Raises:
        InputError: a layer that does not exist, or that has no weights of its own.
    """
    owners = [
        index
        for index, position in enumerate(_executed(network))
        if _takes_weights(network, position)
    ]
    wanted = set(owners) if layers == ALL else {int(layer) for layer in layers}
    strangers = sorted(wanted - set(owners))
    if strangers:
        why = f"layer {strangers[0]} has no weights of its own"
        known = ", ".join(map(str, owners))
        raise InputError(why, where="--no-bias", fix=f"layers with weights are {known}")
    dropped = {entry for entry, owner in enumerate(owners) if owner in wanted}
    entries = (
        replace(entry, bias=None) if i in dropped else entry
        for i, entry in enumerate(checkpoint.layers)
    )
    return replace(checkpoint, layers=tuple(entries))


def _takes_weights(network: NetworkSpec, position: int) -> bool:
    spec = network.layers[position]
    return operator_of(spec) is not Operator.PASSTHROUGH and spec.weight_source is None


# -- input -----------------------------------------------------------------------------------------


def _require_fifo_words(source: Source, network: NetworkSpec) -> None:
    """Rule O3: input is made up as FIFO words that hold up to four channels of a pixel."""
    is_hwc = network.layers[_in_order(network)[0]].data_format is not DataFormat.CHW
    if not (source.input_path.is_fifo and is_hwc and len(source.image) <= 4):
        raise InputError(
            f"needs --fifo and up to 4 channels in HWC; the sample has {len(source.image)}",
            where="--synthesize-input",
            fix="give --fifo, or the whole sample",
            rule="O3",
        )


def repeat_words(image: Tensor, step: int, n_words: int) -> Tensor:
    """Make an image of its first words: each block of them is the one before plus `step`.

    Args:
        image: int (C, H, W), up to four channels; a word holds those of one pixel.
        step: added to the words, which carry from channel to channel.
        n_words: length of a block.
    Raises:
        InputError: the blocks do not make a whole image.
    """
    n_channels, n_pixels = len(image), image[0].size
    if n_words < 1 or n_pixels % n_words:
        why = f"{n_words} words do not divide {n_pixels} pixels"
        raise InputError(why, where="--synthesize-words", fix="give a divisor")
    shifts = 8 * np.arange(n_channels)[:, None]
    first = ((image.reshape(n_channels, -1)[:, :n_words] & 0xFF) << shifts).sum(axis=0)
    steps = step * np.arange(n_pixels // n_words)[:, None]
    words = (first + steps).reshape(-1) & ((1 << 8 * n_channels) - 1)
    lanes = (words >> shifts & 0xFF).astype(np.uint8)
    made: Tensor = lanes.astype(np.int8).astype(np.int64).reshape(image.shape)
    return made
