"""WAV files of plain PCM: one way to read them, for the host of a board and for the virtual one."""

import math
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from max78000.files import DAMAGED
from max78000.program.resampling import MOST_HZ

MOST_BITS = 32
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
        ValueError: it is no WAV file, no plain PCM, or of impossible width or rate; in one line.
    """
    try:
        with wave.open(str(path), "rb") as file:
            n_channels, width, rate, n_frames = file.getparams()[:4]
            if 8 * width > MOST_BITS:
                raise ValueError(f"has {8 * width} bits a sample; at most {MOST_BITS} are taken")
            if rate < LEAST_HZ:
                raise ValueError(f"has {rate} samples a second; at least {LEAST_HZ:,} are taken")
            if rate > MOST_HZ:
                raise ValueError(f"has {rate} samples a second; at most {MOST_HZ:,} are taken")
            data = file.readframes(min(n_frames, math.ceil(min(most_s * rate, n_frames))))
    except (wave.Error, *DAMAGED) as error:
        raise ValueError(str(error) or "is damaged") from None
    samples = _pcm(data[: len(data) - len(data) % width], width)
    samples = samples[: len(samples) - len(samples) % n_channels]
    return samples.reshape(-1, n_channels).mean(axis=1), rate


def _pcm(data: bytes, width: int) -> NDArray[np.float32]:
    """Samples whose full scale is 1: of 8 bits, which have no sign, to 32."""
    if width == 1:
        return (np.frombuffer(data, np.uint8).astype(np.float32) - 128) / np.float32(128)
    padded = np.zeros((len(data) // width, 4), np.uint8)
    padded[:, 4 - width :] = np.frombuffer(data, np.uint8).reshape(-1, width)
    return padded.view("<i4")[:, 0].astype(np.float32) / np.float32(2**31)
