"""How a sample becomes what the accelerator is given: the one place that knows.

Training, evaluation, predictions and the sample of the known answer all go through an `InputForm`;
checkpoints keep it. A raw sample has the layout and the numbers of its source, the network's input
is a signed byte for every channel and place, which means 128 times a real number.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ai8x_models.layers.qat import DATA_GRID
from ai8x_models.layers.space_to_depth import fold_image
from ai8x_models.zoo.registry import Shape
from max78000.errors import InputError

Int8s = NDArray[np.int8]
Raw = NDArray[Any]
N_STEPS = DATA_GRID.high - DATA_GRID.low  # from the lowest number to the highest

# Where the axes of a raw sample go: C, H, W or C, L. "L" is a recording, folded into the channels
# of a network that has more than one: channel c of step t is sample C t + c.
LAYOUTS: Mapping[str, tuple[int, ...]] = {
    "CHW": (0, 1, 2),
    "HWC": (2, 0, 1),
    "HW": (0, 1),  # a grey picture
    "CL": (0, 1),
    "LC": (1, 0),
    "L": (0,),
}


@dataclass(frozen=True, slots=True)
class InputForm:
    """From raw samples to the network's input.

    A number v becomes round((v - zero) * 255 / (high - low)), cut to -128..127; zero is such that
    `low` becomes -128, unless `mean` says otherwise.

    Args:
        shape: of the network's input in training: (C, H, W), (C, L).
        low: number of the source that becomes -128.
        high: the one that becomes 127.
        layout: axes of a raw sample, a key of `LAYOUTS`.
        mean: numbers of the source that become 0, one a channel or one for all; empty for none.
        fold: ratio by which the accelerator is given pictures folded.
        rate: samples a second of recordings; 0 for what is none.
    """

    shape: Shape
    low: float
    high: float
    layout: str
    mean: tuple[float, ...] = ()
    fold: int = 1
    rate: int = 0

    def integers(self, samples: Raw) -> Int8s:
        """Raw samples (N, ...) in the source's layout -> (N, *shape), not folded.

        Pictures of another size are resized.

        Raises:
            InputError: the samples do not have the network's channels or length, or hold numbers
                that are not finite.
        """
        check_finite(np.asarray(samples))
        real = np.asarray(samples, np.float32)
        order = LAYOUTS[self.layout]
        if real.ndim != len(order) + 1:
            raise self._misfit(real.shape[1:])
        real = real.transpose(0, *(1 + axis for axis in order))
        if self.layout == "HW":
            real = real[:, None]
        elif self.layout == "L":
            real = self._folded(real)
        if real.shape[1] != self.shape[0] or real.ndim != len(self.shape) + 1:
            raise self._misfit(samples.shape[1:])
        if real.shape[1:] != self.shape:
            if len(self.shape) != 3:
                raise self._misfit(samples.shape[1:])
            real = np.stack([_resized(one, self.shape[1:]) for one in real])
        scaled = (real - self.zero) * np.float32(N_STEPS / (self.high - self.low))
        whole: Int8s = np.floor(scaled + 0.5).clip(DATA_GRID.low, DATA_GRID.high).astype(np.int8)
        return whole

    def numbers(self, integers: Int8s) -> NDArray[np.float32]:
        """What inputs (N, *shape) are in the source's numbers, with the channels first."""
        return integers * np.float32(self.step) + self.zero

    def device_input(self, sample: Int8s) -> Int8s:
        """One input of the network, int8 (*shape) -> as the accelerator is given it."""
        folded = fold_image(sample, self.fold) if self.fold > 1 else sample
        return np.ascontiguousarray(folded, np.int8)

    def to_json(self) -> dict[str, Any]:
        """Plain data, for checkpoints."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "InputForm":
        """What `to_json` wrote, after a file."""
        return cls(**{**data, "shape": tuple(data["shape"]), "mean": tuple(data["mean"])})

    def folded_by(self, fold: int) -> "InputForm":
        """The same for a network that takes pictures folded."""
        return replace(self, fold=fold)

    def of_pictures(self) -> "InputForm":
        """The same for picture files (H, W, C), whose 0..255 stand for the source's range."""
        scale = 255 / (self.high - self.low)
        mean = tuple((one - self.low) * scale for one in self.mean)
        return replace(self, low=0.0, high=255.0, layout="HWC", mean=mean)

    @property
    def step(self) -> float:
        """How far two neighbouring bytes are from each other, in the source's numbers."""
        return (self.high - self.low) / N_STEPS

    @property
    def zero(self) -> NDArray[np.float32]:
        """What becomes 0, to subtract from (N, *shape)."""
        zero = np.array(self.mean or (self.low - DATA_GRID.low * self.step,), np.float32)
        return zero.reshape(-1, *(1 for _ in self.shape[1:]))

    def _folded(self, sounds: NDArray[np.float32]) -> NDArray[np.float32]:
        """Recordings (N, L) -> (N, C, L / C)."""
        n_channels = self.shape[0]
        if sounds.shape[1] != math.prod(self.shape):
            raise self._misfit(sounds.shape[1:])
        return sounds.reshape(len(sounds), -1, n_channels).transpose(0, 2, 1)

    def _misfit(self, shape: tuple[int, ...]) -> InputError:
        found, wanted = ("x".join(map(str, one)) for one in (shape, self.shape))
        why = f"a sample is {found} ({self.layout}), the network takes {wanted}"
        return InputError(why, where="data", fix="give `data.layout` and `data.shape`")


def check_finite(samples: Raw, where: str = "data") -> None:
    """Refuse samples (N, ...) with NaN or infinite numbers: no byte stands for them.

    Raises:
        InputError: there are some.
    """
    if samples.dtype.kind != "f" or not samples.size:
        return
    is_good = np.isfinite(samples.reshape(len(samples), -1)).all(axis=1)
    if not is_good.all():
        n_bad = len(samples) - np.count_nonzero(is_good)
        why = f"{n_bad} of {len(samples)} samples hold numbers that are not finite (NaN, infinite)"
        raise InputError(why, where=where, fix="leave them out, or put numbers in their place")


def real_numbers(integers: Int8s) -> Tensor:
    """The network's input in training: float32 multiples of 1/128."""
    return torch.from_numpy(integers.astype(np.float32) / np.float32(DATA_GRID.one))


def layout_of(sample: tuple[int, ...], shape: Shape | None) -> str:
    """Layout of raw samples of this shape, for a network of that input, if it is known.

    Raises:
        InputError: neither a picture nor a signal.
    """
    if len(sample) == 1 and shape is not None and math.prod(shape) == sample[0]:
        return "L"
    axes = {2: ("HW", "CL", "LC"), 3: ("CHW", "HWC")}.get(len(sample))
    if axes is None:
        why = f"a sample has shape {sample}, which is neither a picture nor a signal"
        raise InputError(why, where="data", fix="give (H, W), (H, W, C), (C, H, W) or (C, L)")
    if shape is not None:
        fitting = [one for one in axes if moved_shape(sample, one) == shape]
        alike = [one for one in axes if len(moved := moved_shape(sample, one)) == len(shape)
                 and moved[0] == shape[0]]  # fmt: skip
        return next(iter((*fitting, *alike, axes[0])))
    if len(sample) == 3 and sample[2] in (1, 3) and sample[0] not in (1, 3):
        return "HWC"
    return axes[0]


def moved_shape(sample: tuple[int, ...], layout: str) -> Shape:
    """Shape of a raw sample with its channels first."""
    moved = tuple(sample[axis] for axis in LAYOUTS[layout])
    return (1, *moved) if layout in ("HW", "L") else moved


def _resized(picture: NDArray[np.float32], size: tuple[int, ...]) -> NDArray[np.float32]:
    """Every channel of a picture (C, H, W) at another size, by averages or straight lines."""
    height, width = size
    channels = (
        Image.fromarray(one).resize((width, height), Image.Resampling.BILINEAR) for one in picture
    )
    return np.stack([np.asarray(one, np.float32) for one in channels])
