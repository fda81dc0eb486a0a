"""Sound from a file for the microphone, and sound from the chip into a file."""

import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from max78000.errors import InputError

FULL_SCALE = 32_768
USUAL_HZ = 16_000
SAME_RATE = 0.02  # rates that differ by less are one rate: sample by sample
FIX = "convert it to PCM, for example with sox IN -r 16000 -c 1 -b 16 OUT.wav"


@dataclass(frozen=True, slots=True)
class Sound:
    """One channel of sound.

    Attributes:
        samples: 16 bits each.
        rate_hz: samples per second.
    """

    samples: NDArray[np.int16]
    rate_hz: int

    def __len__(self) -> int:
        return len(self.samples)

    @classmethod
    def played(cls, samples: Sequence[int], rate_hz: float) -> "Sound":
        """What a chip has played; without any, silence of no length at a usual rate."""
        inside = np.clip(np.array(samples, np.int64), -FULL_SCALE, FULL_SCALE - 1)
        return cls(inside.astype(np.int16), round(rate_hz) or USUAL_HZ)

    def take(self, first: int, n_samples: int, rate_hz: float) -> NDArray[np.int16]:
        """Samples from one on, at another rate if need be; silence once it is over."""
        count = np.arange(first, first + n_samples)
        if abs(rate_hz - self.rate_hz) <= SAME_RATE * rate_hz:
            inside = count[count < len(self.samples)]
            taken: NDArray[np.int16] = np.zeros(n_samples, np.int16)
            taken[: len(inside)] = self.samples[inside]
            return taken
        places = count * (self.rate_hz / rate_hz)
        known = np.arange(len(self.samples))
        resampled: NDArray[np.int16] = np.rint(
            np.interp(places, known, self.samples, right=0)
        ).astype(np.int16)
        return resampled


def read_sound(path: Path) -> Sound:
    """Read a WAV file; of several channels the mean.

    Raises:
        InputError: it cannot be read, is no PCM, or is empty.
    """
    try:
        with wave.open(str(path), "rb") as file:
            n_channels, width, rate_hz = file.getparams()[:3]
            data = file.readframes(file.getnframes())
    except (OSError, EOFError, wave.Error) as error:
        raise InputError(f"cannot be read: {error}", where=str(path), fix=FIX) from None
    samples = _decode(data, width)
    samples = samples[: len(samples) - len(samples) % n_channels]
    if not len(samples):
        raise InputError("holds no sound", where=str(path), fix=FIX)
    mean = samples.reshape(-1, n_channels).mean(axis=1)
    return Sound(np.rint(mean).clip(-FULL_SCALE, FULL_SCALE - 1).astype(np.int16), rate_hz)


def write_sound(path: Path, sound: Sound) -> None:
    """Write a WAV file of one channel.

    Raises:
        InputError: it cannot be written.
    """
    try:
        with path.open("wb") as raw, wave.open(raw, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(sound.rate_hz)
            file.writeframes(sound.samples.astype("<i2").tobytes())
    except OSError as error:
        raise InputError(f"cannot be written: {error}", where=str(path)) from None


def _decode(data: bytes, width: int) -> NDArray[np.float64]:
    """Samples of 1 to 4 bytes, brought to the range of 16 bits."""
    if width == 1:  # the only one without sign
        return (np.frombuffer(data, np.uint8).astype(np.float64) - 128) * 256
    data = data[: len(data) - len(data) % width]
    wide = np.zeros((len(data) // width, 4), np.uint8)
    wide[:, 4 - width :] = np.frombuffer(data, np.uint8).reshape(-1, width)
    return wide.reshape(-1).view("<i4").astype(np.float64) / 65_536
