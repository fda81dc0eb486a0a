"""Pictures, recordings and arrays from files to the network's input, as training prepared them.

How that was is in `network.json`, section `trained.input`; the arithmetic is that of
`ai8x_models/training/data/form.py` and a test holds the two equal. Where no checkpoint says
anything, arrays are taken as they are and pictures less 128.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from max78000.errors import InputError
from max78000.files import load_npy
from max78000.program.picture_file import COLOUR_MODE, GREY_MODE, read_pixels
from max78000.program.pillow import load_pillow
from max78000.program.resampling import resampled
from max78000.program.sound_file import load_wav

Int8s = NDArray[np.int8]
Array = NDArray[Any]
SOUNDS = frozenset((".wav",))
PICTURES = frozenset(
    (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".ppm", ".pgm", ".tif", ".tiff")
)
ARRAYS = frozenset((".npy",))
LAYOUTS: Mapping[str, tuple[int, ...]] = {
    "CHW": (0, 1, 2), "HWC": (2, 0, 1), "HW": (0, 1), "CL": (0, 1), "LC": (1, 0), "L": (0,),
}  # fmt: skip
LOW, HIGH = -128, 127
N_STEPS = HIGH - LOW


@dataclass(frozen=True, slots=True)
class Preparation:
    """What becomes of a raw sample: see `InputForm` of the trainer, whose data these are."""

    shape: tuple[int, ...]
    low: float
    high: float
    layout: str
    mean: tuple[float, ...]
    fold: int
    rate: int

    @classmethod
    def from_facts(cls, form: Mapping[str, Any], where: str) -> "Preparation":
        """Read the section `input`.

        Raises:
            InputError: it is of another kind.
        """
        try:
            lists = {"shape": tuple(form["shape"]), "mean": tuple(form["mean"])}
            found = cls(**{**form, **lists})
            assert found.layout in LAYOUTS
        except (KeyError, TypeError, AssertionError) as error:
            why = f"does not say how inputs are prepared: {error}"
            raise InputError(why, where=where, fix="train and synthesize again") from None
        return found

    def read(self, path: Path) -> Int8s:
        """One sample of a file, as the accelerator takes it: folded.

        Raises:
            InputError: the file is none that the network takes, or does not fit.
        """
        suffix = path.suffix.lower()
        if suffix in SOUNDS:
            if not self.rate:
                why, fix = "the network takes no recordings", "give one sample as an .npy file"
                raise InputError(why, where=str(path), fix=fix)
            return self._form(read_sound(path, math.prod(self.shape), self.rate), "L", path)
        if suffix in ARRAYS:
            return self._form(_read_array(path), self.layout, path)
        if len(self.shape) != 3:
            why = "the network takes no pictures"
            raise InputError(why, where=str(path), fix="give one sample as an .npy file")
        return self._of_pictures()._form(read_picture(path, self.shape), "HWC", path)

    def _of_pictures(self) -> "Preparation":
        scale = 255 / (self.high - self.low)
        mean = tuple((one - self.low) * scale for one in self.mean)
        return Preparation(self.shape, 0.0, 255.0, "HWC", mean, self.fold, self.rate)

    def _form(self, raw: Array, layout: str, path: Path) -> Int8s:
        integers = self._integers(raw, layout, path)
        if self.fold > 1:
            ratio = range(self.fold)
            blocks = [integers[:, i :: self.fold, j :: self.fold] for i in ratio for j in ratio]
            integers = np.concatenate(blocks)
        return np.ascontiguousarray(integers, np.int8)

    def _integers(self, raw: Array, layout: str, path: Path) -> Int8s:
        real = np.asarray(raw, np.float32)
        if not np.isfinite(real).all():
            why = "holds numbers that are not finite (NaN, infinite)"
            raise InputError(why, where=str(path), fix="put numbers in their place")
        if real.ndim != len(LAYOUTS[layout]):
            raise self._misfit(raw, layout, path)
        real = real.transpose(LAYOUTS[layout])
        if layout == "HW":
            real = real[None]
        elif layout == "L":
            if real.size != math.prod(self.shape):
                raise self._misfit(raw, layout, path)
            real = real.reshape(-1, self.shape[0]).T
        if real.shape != self.shape and len(self.shape) == 3 and real.shape[0] == self.shape[0]:
            real = _resized(real, self.shape[1:])
        if real.shape != self.shape:
            raise self._misfit(raw, layout, path)
        scaled = (real - self._zero) * np.float32(N_STEPS / (self.high - self.low))
        whole: Int8s = np.floor(scaled + 0.5).clip(LOW, HIGH).astype(np.int8)
        return whole

    @property
    def _zero(self) -> NDArray[np.float32]:
        step = (self.high - self.low) / N_STEPS
        zero = np.array(self.mean or (self.low - LOW * step,), np.float32)
        return zero.reshape(-1, *(1 for _ in self.shape[1:]))

    def _misfit(self, raw: Array, layout: str, path: Path) -> InputError:
        found, wanted = ("x".join(map(str, one)) for one in (raw.shape, self.shape))
        why = f"is {found} ({layout}), the network takes {wanted}"
        return InputError(why, where=str(path), fix="give one of the network's size")


def read_picture(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """A picture at the size of the network's input: uint8 (H, W, C), upright, on white.

    Raises:
        InputError: no such picture, or the network takes no pictures of one or three channels.
        UnsupportedError: Pillow is not installed.
    """
    if shape[0] not in (1, 3):
        why = f"the network takes {shape[0]} channels, a picture has 1 or 3"
        raise InputError(why, where=str(path), fix="give one sample as an .npy file")
    load_pillow("link")
    try:
        return read_pixels(path, GREY_MODE if shape[0] == 1 else COLOUR_MODE, (shape[1], shape[2]))
    except ValueError as error:
        fix = "name a picture, a sound (.wav) or an array (.npy)"
        raise InputError("is not a readable picture", where=str(path), fix=fix) from error


def _resized(picture: Array, size: tuple[int, ...]) -> Array:
    from PIL import Image  # noqa: PLC0415 - only for pictures

    height, width = size
    channels = (
        Image.fromarray(one).resize((width, height), Image.Resampling.BILINEAR) for one in picture
    )
    return np.stack([np.asarray(one, np.float32) for one in channels])


def _read_array(path: Path) -> Array:
    try:
        array: Array = load_npy(path)
    except (OSError, ValueError) as error:
        raise InputError("is not a readable array", where=str(path), fix="save it anew") from error
    return array


def read_sound(path: Path, n_samples: int, rate: int) -> NDArray[np.float32]:
    """A recording from its start, with silence after its end; several channels become their mean.

    Raises:
        InputError: no such recording, or not plain PCM.
    """
    try:
        samples, old = load_wav(path, n_samples / rate)
    except (OSError, ValueError) as error:
        fix = "name a WAV file of plain PCM"
        raise InputError(
            f"is not a readable recording: {error}", where=str(path), fix=fix
        ) from None
    found = resampled(samples, old, rate)[:n_samples]
    sound = np.zeros(n_samples, np.float32)
    sound[: len(found)] = found
    return sound
