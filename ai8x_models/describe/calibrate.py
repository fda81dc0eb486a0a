"""A float network straight to integers, with a few examples instead of training.

The examples settle how the network is scaled (see `ranges`), so that no tensor saturates; output
shifts follow from the weights. Quantization-aware training gives better answers; this needs none.
"""

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Tensor, nn

from ai8x_models.checkpoint import Checkpoint
from ai8x_models.describe.convert import Converted, convert
from ai8x_models.layers.layers import FusedLayer
from ai8x_models.layers.policy import QatPolicy
from ai8x_models.layers.qat import DATA_GRID, WIDE_GRID, Mode, set_mode, start_qat
from ai8x_models.quantize.options import QuantizeOptions
from ai8x_models.quantize.quantize import quantize_state
from ai8x_models.zoo.registry import Shape
from max78000.errors import InputError


@dataclass(frozen=True, slots=True)
class Calibration:
    """What became of a network.

    Args:
        input_scale: the device is given 128 times this times the model's input, rounded.
        output_scales: an answer of the model is the device's, in real numbers, divided by this.
        qsnr_db: of each answer, power over that of its error, on the examples.
    """

    input_scale: float
    output_scales: tuple[float, ...]
    qsnr_db: tuple[float, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain data; an infinite ratio becomes None."""
        ratios = [ratio if math.isfinite(ratio) else None for ratio in self.qsnr_db]
        return {**asdict(self), "qsnr_db": ratios}


def read_examples(path: Path, shape: Shape) -> Tensor:
    """Read a calibration set: an array (N, *shape); whole numbers are 128 times the model's input.

    It is alone in its file, .npy or .npz.

    Raises:
        InputError: no such file, no array, another shape, or numbers that are not finite.
    """
    fix = f"save an array of N x {'x'.join(map(str, shape))} with numpy.save"
    try:
        array = np.load(path, allow_pickle=False)
        if isinstance(array, np.lib.npyio.NpzFile) and len(array.files) == 1:
            array = array[array.files[0]]
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise InputError("is not a readable array", where=str(path), fix=fix) from error
    if not isinstance(array, np.ndarray) or array.shape[1:] != shape or not len(array):
        found = "x".join(map(str, getattr(array, "shape", ())))
        raise InputError(f"holds {found or 'several arrays'}", where=str(path), fix=fix)
    if not np.issubdtype(array.dtype, np.number) or not np.isfinite(array).all():
        raise InputError("holds numbers that are not finite", where=str(path), fix=fix)
    is_whole = np.issubdtype(array.dtype, np.integer)
    return torch.from_numpy(array.astype(np.float32) / (DATA_GRID.one if is_whole else 1))


def calibrate(
    model: nn.Module, shape: Shape, examples: Tensor, rewrites: bool = True
) -> tuple[Converted, Calibration]:
    """Make the integer network of a float one.

    Args:
        model: as `convert` takes it.
        shape: of its input.
        examples: (N, *shape).
        rewrites: as `convert` takes it.

    Returns:
        The network in integer mode, and what was lost.
    """
    network = convert(model, shape, examples, rewrites)
    start_qat(network, QatPolicy(0))
    state, _ = quantize_state(network.state_dict(), QuantizeOptions())
    network.load_state_dict(state)
    set_mode(network, Mode.INTEGER)
    scale, prepared = network.network.input_scale, network.network.prepared(examples)
    data = (prepared * scale * DATA_GRID.one).round().clamp(DATA_GRID.low, DATA_GRID.high)
    with torch.no_grad():
        wanted = convert(model, shape, examples, rewrites).eval()(prepared * scale)
        found = network.eval()(data)
    wanted, found = (one if isinstance(one, tuple) else (one,) for one in (wanted, found))
    quality = tuple(
        qsnr_db(real, whole.double() / (WIDE_GRID.one if is_wide else DATA_GRID.one))
        for real, whole, is_wide in zip(wanted, found, _widths(network), strict=True)
    )
    return network, Calibration(scale, network.network.output_scales, quality)


def calibrated_checkpoint(network: Converted, arch: str, calibration: Calibration) -> Checkpoint:
    """The integer checkpoint for the compiler."""
    extras = {
        "clipping_method": "MAX_BIT_SHIFT",
        "input_scale": calibration.input_scale,
        "output_scales": calibration.output_scales,
    }
    return Checkpoint(arch, 0, dict(network.state_dict()), extras)


def _widths(network: Converted) -> list[bool]:
    """Which answers have 32 bits."""
    graph = network.network.graph
    layers = [getattr(graph.nodes[index].op, "layer", None) for index in graph.outputs]
    return [isinstance(layer, FusedLayer) and layer.plan.wide for layer in layers]


def qsnr_db(wanted: Tensor, found: Tensor) -> float:
    """Power of what was wanted over that of the error; infinite if there is none."""
    error = (wanted.double() - found).square().sum()
    power = wanted.double().square().sum()
    return float(10 * torch.log10(power / error)) if error > 0 else math.inf
