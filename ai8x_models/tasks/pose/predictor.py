"""A trained pose network as a function from pictures to maps, whatever numbers it computes with.

Evaluation and prediction ask networks through this file: float, quantization-aware or integer, the
answer is a pair of numpy arrays, and `one` says what they mean. Training has its own loop; the
decoding of maps is in `pose/decoder.py`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ai8x_models.layers.qat import DATA_GRID, WIDE_GRID, Mode
from ai8x_models.layers.space_to_depth import fold_image
from ai8x_models.tasks.pose.data.cache import PoseCache
from ai8x_models.tasks.pose.decoder import decode, decode_integer
from ai8x_models.tasks.pose.evaluate import Metrics, evaluate_maps, evaluate_oracle
from ai8x_models.tasks.pose.figures.figures import PRESETS, SPLIT_BASE, render
from ai8x_models.training.batches import Uint8s, normalize
from ai8x_models.training.logs import Console
from ai8x_models.zoo.load import channels_last, load_model, mode_of
from ai8x_models.zoo.registry import find_model
from max78000.apps.pose.person import Person
from max78000.errors import InputError, UnsupportedError
from max78000.files import write_array

Array = NDArray[Any]
TASK = "pose"
CEILING = "ceiling"


@dataclass(frozen=True, slots=True)
class Predictor:
    """A pose network that answers.

    Args:
        model: in evaluation mode.
        mode: the numbers it computes with.
    """

    model: nn.Module
    mode: Mode

    @classmethod
    def load(cls, path: Path) -> "Predictor":
        """Take the network of a checkpoint.

        Raises:
            InputError: the file is missing, damaged, or does not fit its network.
            UnsupportedError: the network is not for poses.
        """
        model = load_model(path)
        if find_model(type(model).__name__).task != TASK:
            why = f"holds a {type(model).__name__}, which is not for poses"
            raise UnsupportedError(why, where=str(path), fix="name a checkpoint of a pose network")
        return cls(channels_last(model), mode_of(model))

    @property
    def one(self) -> int | None:
        """Integer that means 1.0 in the maps; None if they are real numbers."""
        return WIDE_GRID.one if self.mode is Mode.INTEGER else None

    @property
    def decoder(self) -> Callable[[Array, Array], list[Person]]:
        """The decoder for these maps: in integer arithmetic, as on the device, for integers."""
        return decode if self.one is None else partial(decode_integer, one=self.one)

    def maps(self, images: Uint8s) -> tuple[Array, Array]:
        """Pictures (N, 128, 128, 3) -> heat (N, 19, 16, 16) and paf (N, 38, 16, 16)."""
        x = normalize(images)
        if self.mode is Mode.INTEGER:
            x = x * DATA_GRID.one
        was_training = self.model.training
        with torch.no_grad():
            heat, paf = self.model.eval()(x)
        self.model.train(was_training)
        return heat.numpy(), paf.numpy()


def score_checkpoints(
    paths: Sequence[Path], cache: PoseCache, console: Console
) -> dict[str, Metrics]:
    """Score networks on a cache, and under the name `CEILING` what perfect maps would reach.

    Returns:
        Metrics by "path (mode)", in the order given.
    """
    scores = {}
    for path in paths:
        network = Predictor.load(path)
        with console.progress(f"evaluating {path}", quiet=True) as progress:
            metrics = evaluate_maps(network.maps, cache, progress=progress, one=network.one)
        scores[f"{path} ({network.mode.name.lower()})"] = metrics
    return scores | {CEILING: evaluate_oracle(cache)}


def write_sample(path: Path, name: str, preset: str, index: int) -> tuple[int, ...]:
    """Write picture `index` of the test split as device input (.npy); returns its shape."""
    if preset not in PRESETS:
        raise InputError(f"there is no preset {preset!r}", fix=f"one of {', '.join(PRESETS)}")
    figure = render(PRESETS[preset], SPLIT_BASE["test"] + index)
    data = device_input(figure.image, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_array(path, data)
    return data.shape


def device_input(image: Uint8s, name: str) -> NDArray[np.int8]:
    """Turn a picture (128, 128, 3) into the bytes the accelerator is given: folded, signed.

    Returns:
        int8, shape as in the network's description: (12, 64, 64) for both pose networks.

    Raises:
        InputError: unknown network.
        UnsupportedError: the network takes another picture.
    """
    info = find_model(name)
    chw = np.moveaxis(image, -1, 0)
    if chw.shape != info.input_shape or info.fold != 2:
        raise UnsupportedError(
            f"takes {info.input_shape}, the picture is {chw.shape}", where=info.name
        )
    signed: NDArray[np.int8] = (chw.astype(np.int16) - DATA_GRID.one).astype(np.int8)
    return np.ascontiguousarray(fold_image(signed), np.int8)
