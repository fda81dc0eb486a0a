"""Sound from a file for the microphone, and sound from the chip into a file."""

import io
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from max78000.errors import InputError
from max78000.files import write_whole
from max78000.program.resampling import resampled
from max78000.program.sound_file import load_wav

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

    def at(self, rate_hz: float) -> "Sound":
        """The same at another rate; itself if that is nearly its own."""
        if abs(rate_hz - self.rate_hz) <= SAME_RATE * rate_hz:
            return self
        rate = round(rate_hz)
        found = resampled(self.samples.astype(np.float32), self.rate_hz, rate)
        return Sound(_as_samples(found), rate)

    def take(self, first: int, n_samples: int) -> NDArray[np.int16]:
        """Samples from one on; silence once it is over."""
        taken: NDArray[np.int16] = np.zeros(n_samples, np.int16)
        inside = self.samples[first : first + n_samples]
        taken[: len(inside)] = inside
        return taken


def read_sound(path: Path) -> Sound:
    """Read a WAV file; of several channels the mean.

    Raises:
        InputError: it cannot be read, is no PCM, or is empty.
    """
    try:
        samples, rate_hz = load_wav(path)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be read: {error}", where=str(path), fix=FIX) from None
    if not len(samples):
        raise InputError("holds no sound", where=str(path), fix=FIX)
    return Sound(_as_samples(samples * FULL_SCALE), rate_hz)


def write_sound(path: Path, sound: Sound) -> None:
    """Write a WAV file of one channel.

    Raises:
        InputError: it cannot be written.
    """
    raw = io.BytesIO()
    with wave.open(raw, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sound.rate_hz)
        file.writeframes(sound.samples.astype("<i2").tobytes())
    write_whole(path, raw.getvalue())


def _as_samples(values: NDArray[np.float32]) -> NDArray[np.int16]:
    """Numbers in the range of 16 bits, cut where they do not fit."""
    return np.rint(values).clip(-FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
