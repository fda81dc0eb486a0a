"""A float network straight to integers, with a few examples instead of training.

The one way for `ai8x quantize --calibrate` and `ai8x describe --calibration`. The examples settle
how the network is scaled (`ranges`), so that no tensor saturates, and how its layers are
(`quantize.calibration`). Quantization-aware training gives better answers; this needs none.
"""

import math
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ai8x_models.checkpoint import Checkpoint, State, file_hash, load_checkpoint, save_checkpoint
from ai8x_models.describe.convert import Converted, Network, network_of
from ai8x_models.describe.graph import Own
from ai8x_models.describe.subject import find_subject
from ai8x_models.describe.wiring import wiring_of
from ai8x_models.layers.layers import FusedLayer
from ai8x_models.layers.qat import DATA_GRID, Mode, QatModule, set_mode, weight_grid
from ai8x_models.quantize.calibration import calibrated_state
from ai8x_models.quantize.options import QuantizeOptions
from ai8x_models.quantize.report import LayerReport, QuantizeReport
from ai8x_models.zoo.registry import Shape
from max78000.errors import InputError
from max78000.files import DAMAGED, make_folder


@dataclass(frozen=True, slots=True)
class Calibrated:
    """The integers of a float network, and what they mean.

    Args:
        network: as it is described. The device is given 128 times `input_scale` times the model's
            input, rounded; its answers, in real numbers, are the model's times `output_scales`.
        integers: the accelerator's part, in integer mode.
        state: of a model of our layers by its names, else of `integers`.
        layers: what was done to each.
        gains: of each answer, the part of its output scale that comes of its weights.
        qsnr_db: of each answer, power over that of its error, on the examples.
        reach: the least and the largest number in the examples.
    """

    network: Network
    integers: Converted
    state: State
    layers: tuple[LayerReport, ...]
    gains: tuple[float, ...]
    qsnr_db: tuple[float, ...]
    reach: tuple[float, float]

    @property
    def extras(self) -> dict[str, Any]:
        """What the integer checkpoint says beside the integers."""
        return {
            "clipping_method": "MAX_BIT_SHIFT",
            "input_scale": self.network.input_scale,
            "output_scales": self.network.output_scales,
        }

    def checkpoint(self, arch: str) -> Checkpoint:
        """The integer checkpoint for the compiler."""
        return Checkpoint(arch, 0, dict(self.state), self.extras)

    def to_json(self) -> dict[str, Any]:
        """Figures as plain data; an infinite ratio becomes None."""
        return {
            "input_scale": self.network.input_scale,
            "output_scales": self.network.output_scales,
            "qsnr_db": [one if math.isfinite(one) else None for one in self.qsnr_db],
        }

    @property
    def notes(self) -> tuple[str, ...]:
        """What the integers mean, and how near they are on the examples."""
        low, high = self.reach
        found = [
            f"the samples reach from {low:.3g} to {high:.3g}, in the model's numbers;"
            " what reaches farther in use may saturate"
        ]
        found += [
            f"answer {number} is {gain:g} times as large, as its weights are"
            for number, gain in enumerate(self.gains)
            if gain != 1
        ]
        if self.network.input_scale != 1:
            one = self.network.input_scale * DATA_GRID.one
            found.append(f"the chip is given the model's input times {one:g}, rounded, -128..127")
        answers = zip(
            _ones(self.integers.network), self.network.output_scales, self.qsnr_db, strict=True
        )
        for number, (one, scale, quality) in enumerate(answers):
            found.append(f"answer {number} of the model is the chip's integer / {one * scale:g}")
            found.append(f"answer {number} has {quality:.1f} dB QSNR on the samples")
        return tuple(found)


def read_examples(path: Path, shape: Shape) -> Tensor:
    """Read a calibration set: an array (N, *shape); whole numbers are 128 times the model's input.

    It is alone in its file, .npy or .npz.

    Raises:
        InputError: no such file, no array, another shape, one number all over, whole numbers
            outside -128..127, or numbers that are not finite.
    """
    fix = f"save an array of N x {'x'.join(map(str, shape))} with numpy.save"
    try:
        array = np.load(path, allow_pickle=False)
        if isinstance(array, np.lib.npyio.NpzFile) and len(array.files) == 1:
            array = array[array.files[0]]
    except (OSError, *DAMAGED) as error:
        raise InputError("is not a readable array", where=str(path), fix=fix) from error
    if not isinstance(array, np.ndarray) or array.shape[1:] != shape or not len(array):
        found = "x".join(map(str, getattr(array, "shape", ())))
        raise InputError(f"holds {found or 'several arrays'}", where=str(path), fix=fix)
    _refuse_numbers(array, str(path))
    is_whole = np.issubdtype(array.dtype, np.integer)
    return torch.from_numpy(array.astype(np.float32) / (DATA_GRID.one if is_whole else 1))


def _refuse_numbers(array: NDArray[Any], where: str) -> None:
    """Refuse samples that say nothing about the data to come."""
    if not np.issubdtype(array.dtype, np.integer) and not np.issubdtype(array.dtype, np.floating):
        fix = "save floats as the model takes them"
        raise InputError(f"holds {array.dtype}, not real numbers", where=where, fix=fix)
    if not np.isfinite(array).all():
        fix = "leave them out"
        raise InputError("holds numbers that are not finite", where=where, fix=fix)
    low, high = array.min(), array.max()
    if low == high:
        why = f"holds nothing but {low:g}: ranges are measured on data as the network will see them"
        raise InputError(why, where=where, fix="save a few dozen different inputs")
    is_whole = np.issubdtype(array.dtype, np.integer)
    if is_whole and (low < DATA_GRID.low or high > DATA_GRID.high):
        why = f"holds whole numbers {low}..{high}, those of the chip are -128..127"
        fix = "save them as floats as the model takes them, or pictures of 0..255 minus 128 as int8"
        raise InputError(why, where=where, fix=fix)


def refuse_trained(model: nn.Module, where: str, option: str) -> None:
    """Keep what quantization-aware training settled.

    Args:
        model: with the weights of a checkpoint.
        where: file of these.
        option: of the command line that asked for calibration.

    Raises:
        InputError: its layers are in QAT, or hold integers.
    """
    if {one.mode for one in model.modules() if isinstance(one, QatModule)} - {Mode.FLOAT}:
        why = "has seen quantization-aware training, or is quantized: nothing is left to calibrate"
        raise InputError(why, where=where, fix=f"leave {option} out")


def calibrate(
    model: nn.Module,
    shape: Shape,
    examples: Tensor,
    options: QuantizeOptions | None = None,
    rewrites: bool = True,
) -> Calibrated:
    """Make the integer network of a float one, which is left as it was.

    Args:
        model: as `network_of` takes it; layers of ours in it are in float mode.
        shape: of its input.
        examples: (N, *shape), what stands for the data to come.
        options: as for `quantize_state`; widths are those of layers that have none of their own.
        rewrites: as `network_of` takes it.

    Raises:
        ProblemList: what the accelerator cannot do.
    """
    options = options or QuantizeOptions()
    network = network_of(model, shape, examples, rewrites)
    runnable = Converted(network).eval()
    prepared = network.prepared(examples) * network.input_scale
    layered, data = (runnable, prepared) if network.is_new else (model.eval(), examples)

    def bits_of(name: str) -> int:
        return options.weight_bits.get(name) or options.default_weight_bits

    wiring = wiring_of(network.graph, layered)
    state, layers = calibrated_state(layered, wiring, data, bits_of, options)
    copy, integers = deepcopy((layered, runnable))
    copy.load_state_dict(state)
    set_mode(copy, Mode.INTEGER)
    gains = tuple(
        2.0 ** -float(layer.output_shift) if layer else 1.0  # it does not apply to 32-bit answers
        for layer in _wide_layers(integers.network)
    )
    scales = tuple(one * gain for one, gain in zip(network.output_scales, gains, strict=True))
    quality = tuple(_qualities(runnable, integers.eval(), prepared, gains))
    described = replace(network, output_scales=scales)
    reach = float(examples.min()), float(examples.max())
    return Calibrated(described, integers, state, layers, gains, quality, reach)


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
    refuse_trained(subject.model, str(source), "--calibrate")
    examples = read_examples(samples, subject.shape)
    found = calibrate(subject.model, subject.shape, examples, options)
    trained = load_checkpoint(source)
    hashes = {"quantized_from": file_hash(source), "calibrated_on": file_hash(samples)}
    extras = {**trained.extras, **found.extras, **hashes}
    make_folder(target.parent)
    save_checkpoint(target, Checkpoint(subject.arch, trained.epoch, found.state, extras))
    return QuantizeReport(subject.arch, found.layers, (*trained.notes, *found.notes))


def _wide_layers(network: Network) -> list[FusedLayer | None]:
    """The layer of each 32-bit answer; None for bytes."""
    nodes = (network.graph.nodes[index] for index in network.graph.outputs)
    layers = (node.op.layer if isinstance(node.op, Own) else None for node in nodes)
    return [one if isinstance(one, FusedLayer) and one.plan.wide else None for one in layers]


def _ones(network: Network) -> list[int]:
    """Integer that means 1.0 in each answer, were it not scaled; sums have the weights' bits, too.

    Args:
        network: in integer mode.
    """
    widths = [int(layer.weight_bits) if layer else 1 for layer in _wide_layers(network)]
    return [DATA_GRID.one * weight_grid(bits).one for bits in widths]


@torch.no_grad()
def _qualities(
    real: Converted, integers: Converted, data: Tensor, gains: tuple[float, ...]
) -> Iterator[float]:
    """QSNR of each answer of the integer network."""
    wanted = real(data)
    found = integers((data * DATA_GRID.one).round().clamp(DATA_GRID.low, DATA_GRID.high))
    answers = [one if isinstance(one, tuple) else (one,) for one in (wanted, found)]
    for one, whole, unit, gain in zip(*answers, _ones(integers.network), gains, strict=True):
        yield qsnr_db(one, whole.double() / (unit * gain))


def qsnr_db(wanted: Tensor, found: Tensor) -> float:
    """Power of what was wanted over that of the error; infinite if there is none."""
    error = (wanted.double() - found).square().sum()
    power = wanted.double().square().sum()
    return float(10 * torch.log10(power / error)) if error > 0 else math.inf
