"""Recordings at the rate and the length of a network's input: WAV, FLAC, Ogg, as libsndfile reads.

Training and predictions read recordings through this file. Several channels become their mean.
"""

import math
from functools import partial
from pathlib import Path

import numpy as np

from ai8x_models.training.data.form import Raw
from ai8x_models.training.data.readers.files import Medium
from ai8x_models.zoo.registry import Shape
from max78000.errors import InputError
from max78000.program.resampling import MOST_HZ, resampled

SUFFIXES = frozenset((".wav", ".flac", ".ogg", ".aiff", ".aif", ".mp3"))
RANGE = (-1.0, 127 / 128)  # of samples: full scale is 1, so that a byte is the upper one of 16 bits


def sound_medium(shape: Shape | None, rate: int, where: str) -> Medium:
    """Recordings for a network of input (C, L): C L samples, folded into its channels.

    Raises:
        InputError: the network's input is not known, or recordings cannot become that.
    """
    fix = "give `data.shape`: [1, 16000], or [128, 128] for a network that takes them folded"
    if shape is None:
        raise InputError("recordings can have any length", where=where, fix=fix)
    if len(shape) != 2:
        why = f"a recording cannot become {'x'.join(map(str, shape))}"
        raise InputError(why, where=where, fix=fix)
    read = partial(read_sound, n_samples=math.prod(shape), rate=rate)
    return Medium("recordings", SUFFIXES, read, RANGE, "L", rate)


def read_sound(path: Path, n_samples: int, rate: int, start_s: float = 0.0) -> Raw:
    """One recording, float32 (n_samples,): from its start, with silence after its end.

    Args:
        path: of a sound file, of any rate.
        n_samples: that are wanted.
        rate: of these, a second.
        start_s: where in the recording they begin, in seconds.

    Raises:
        InputError: no such recording, or the library that reads them is missing.
    """
    fix = "name a sound file: .wav, .flac, .ogg"
    try:
        import soundfile  # noqa: PLC0415 - what needs no sound does without the library
    except (ImportError, OSError) as error:
        why, fix = "needs soundfile, which is not installed", "pip install soundfile"
        raise InputError(why, where=str(path), fix=fix) from error
    try:
        with soundfile.SoundFile(path) as file:
            if file.samplerate > MOST_HZ:
                raise ValueError(f"{file.samplerate} samples a second")
            first = round(start_s * file.samplerate)
            file.seek(min(first, file.frames))
            n_read = math.ceil(n_samples * file.samplerate / rate)
            channels = file.read(n_read, dtype="float32", always_2d=True)
            found = resampled(channels.mean(axis=1), file.samplerate, rate)[:n_samples]
    except (soundfile.LibsndfileError, OSError, RuntimeError, ValueError) as error:
        raise InputError("is not a readable recording", where=str(path), fix=fix) from error
    if not np.isfinite(found).all():
        raise InputError("has samples that are no numbers", where=str(path), fix="record it anew")
    sound = np.zeros(n_samples, np.float32)
    sound[: len(found)] = found
    return sound


def duration_s(path: Path) -> float:
    """Length of a recording in seconds, by its header.

    Raises:
        InputError: no such recording.
    """
    import soundfile  # noqa: PLC0415 - as above

    try:
        return float(soundfile.info(path).duration)
    except (soundfile.LibsndfileError, OSError, RuntimeError) as error:
        fix = "name a sound file: .wav, .flac, .ogg"
        raise InputError("is not a readable recording", where=str(path), fix=fix) from error
