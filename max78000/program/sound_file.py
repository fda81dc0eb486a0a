"""WAV files: one way to read them, for the host of a board and for the virtual one.

Plain PCM needs nothing else. Other forms of WAV (floating point, more than two channels or 16 bits
by the letter of the format, more than 4 GB) are read by soundfile, where it is installed.
"""

import math
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from max78000.files import DAMAGED
from max78000.program.resampling import MOST_HZ

MOST_BITS = 32
_OTHER_FORMS = ("unknown format", "file does not start with RIFF id")  # as `wave` says it
LEAST_HZ = 1000  # below, the header is damaged, and resampled it would take all memory


def load_wav(path: Path, most_s: float = math.inf) -> tuple[NDArray[np.float32], int]:
    """Read a recording; several channels become their mean.

    Args:
        path: of the file.
        most_s: seconds from its start that are wanted.
    Returns:
        Samples (n,) whose full scale is 1, and their rate in samples a second.
    Raises:
        OSError: the system cannot read it.
        ValueError: it is no WAV file, or of impossible width or rate, or soundfile is needed and is
            not there; in one line.
    """
    try:
        return _plain(path, most_s)
    except wave.Error as error:
        if not str(error).startswith(_OTHER_FORMS):
            raise ValueError(str(error)) from None
        return _other(path, most_s)
    except DAMAGED as error:
        raise ValueError(str(error) or "is damaged") from None


def _plain(path: Path, most_s: float) -> tuple[NDArray[np.float32], int]:
    with wave.open(str(path), "rb") as file:
        n_channels, width, rate, n_frames = file.getparams()[:4]
        if 8 * width > MOST_BITS:
            raise ValueError(f"has {8 * width} bits a sample; at most {MOST_BITS} are taken")
        _check_rate(rate)
        data = file.readframes(_n_wanted(n_frames, rate, most_s))
    samples = _pcm(data[: len(data) - len(data) % width], width)
    samples = samples[: len(samples) - len(samples) % n_channels]
    return samples.reshape(-1, n_channels).mean(axis=1), rate


def _other(path: Path, most_s: float) -> tuple[NDArray[np.float32], int]:
    try:
        import soundfile  # noqa: PLC0415 - few recordings need it
    except (ImportError, OSError):
        why = "is no plain PCM, and soundfile, which reads it, is not installed"
        raise ValueError(f"{why}: pip install soundfile") from None
    try:
        with soundfile.SoundFile(path) as file:
            _check_rate(file.samplerate)
            n_wanted = _n_wanted(file.frames, file.samplerate, most_s)
            channels = file.read(n_wanted, dtype="float32", always_2d=True)
            samples: NDArray[np.float32] = channels.mean(axis=1)
            rate = int(file.samplerate)
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise ValueError(str(error).partition("\n")[0]) from None
    if not np.isfinite(samples).all():
        raise ValueError("has samples that are no numbers")
    return samples, rate


def _check_rate(rate: int) -> None:
    if rate < LEAST_HZ:
        raise ValueError(f"has {rate} samples a second; at least {LEAST_HZ:,} are taken")
    if rate > MOST_HZ:
        raise ValueError(f"has {rate} samples a second; at most {MOST_HZ:,} are taken")


def _n_wanted(n_frames: int, rate: int, most_s: float) -> int:
    return min(n_frames, math.ceil(min(most_s * rate, n_frames)))


def _pcm(data: bytes, width: int) -> NDArray[np.float32]:
    """Samples whose full scale is 1: of 8 bits, which have no sign, to 32."""
    if width == 1:
        return (np.frombuffer(data, np.uint8).astype(np.float32) - 128) / np.float32(128)
    padded = np.zeros((len(data) // width, 4), np.uint8)
    padded[:, 4 - width :] = np.frombuffer(data, np.uint8).reshape(-1, width)
    return padded.view("<i4")[:, 0].astype(np.float32) / np.float32(2**31)
