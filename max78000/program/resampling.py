"""Recordings at another rate: one way for training and for the host of a board."""

import math

import numpy as np
from numpy.typing import NDArray

MOST_HZ = 1_000_000  # beyond, a header is damaged, and resampling would take all memory
_PADDING = 256  # samples of silence that keep the end of a recording from ringing at its start


def resampled(sound: NDArray[np.float32], old: int, new: int) -> NDArray[np.float32]:
    """A recording (n,) at another rate: what is above half of the lower rate goes, the rest stays.

    By cutting or extending its spectrum, with silence behind it.
    """
    if old == new or not len(sound):
        return sound
    divisor = math.gcd(old, new)
    up, down = new // divisor, old // divisor
    n_periods = math.ceil((len(sound) + _PADDING) / down)
    n_old, n_new = n_periods * down, n_periods * up
    spectrum = np.fft.rfft(sound.astype(np.float64), n_old)[: n_new // 2 + 1]
    found = np.fft.irfft(spectrum, n_new) * (up / down)
    return found[: math.ceil(len(sound) * up / down)].astype(np.float32)
