"""Google's Speech Commands as they are unpacked: a folder of WAV files for every word, and lists.

`testing_list.txt` and `validation_list.txt` name the files of these splits; all others are for
training. From the long recordings in `_background_noise_` a class `silence` can be cut: the first
eight tenths of each are for training, then a tenth for validation and a tenth for the test.
After P. Warden, "Speech Commands" (arXiv 1804.03209), section 5.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ai8x_models.training.data.form import Raw
from ai8x_models.training.data.readers.files import Medium, file_source, stamp_of
from ai8x_models.training.data.readers.sounds import duration_s, read_sound
from ai8x_models.training.data.source import TEST, TRAIN, VALIDATION, Indexes, Part, Source
from max78000.errors import InputError

LISTS: Mapping[str, str] = {TEST: "testing_list.txt", VALIDATION: "validation_list.txt"}
NOISE, SILENCE = "_background_noise_", "silence"
# Which tenths of a recording of noise are for which split.
_TENTHS: Mapping[str, tuple[float, float]] = {
    TRAIN: (0.0, 0.8),
    VALIDATION: (0.8, 0.9),
    TEST: (0.9, 1.0),
}


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A piece of a recording, and its class."""

    path: Path
    label: int
    start_s: float = 0.0


def has_lists(folder: Path) -> bool:
    """True if a folder is a source of this kind."""
    return all((folder / name).is_file() for name in LISTS.values())


def speech_source(folder: Path, medium: Medium, n_samples: int, n_silent: int) -> Source:
    """Find the words of a folder.

    Args:
        folder: of words.
        medium: recordings.
        n_samples: of an example.
        n_silent: examples of silence, over all splits; 0: there is no such class.

    Raises:
        InputError: no words, or no noise to cut silence from.
    """
    words = sorted(
        one.name
        for one in folder.iterdir()
        if one.is_dir() and one.name != NOISE and next(medium.find(one), None)
    )
    if not words:
        fix = "unpack speech_commands_v0.02.tar.gz, and name the folder of its words"
        raise InputError("holds no words", where=str(folder), fix=fix)
    split_of = {
        line.strip(): split
        for split, name in LISTS.items()
        for line in (folder / name).read_text(encoding="utf-8").splitlines()
    }
    excerpts: dict[str, list[Excerpt]] = {TRAIN: [], VALIDATION: [], TEST: []}
    for label, word in enumerate(words):
        for path in sorted(medium.find(folder / word)):
            excerpts[split_of.get(f"{word}/{path.name}", TRAIN)].append(Excerpt(path, label))
    if n_silent:
        for split, excerpt in _silence(folder / NOISE, medium, n_samples, n_silent, len(words)):
            excerpts[split].append(excerpt)
    parts = {split: _part(some, n_samples, medium.rate) for split, some in excerpts.items() if some}
    return file_source(parts, medium, (*words, SILENCE) if n_silent else tuple(words))


def _silence(
    folder: Path, medium: Medium, n_samples: int, count: int, label: int
) -> Iterator[tuple[str, Excerpt]]:
    """Cut recordings of noise at equal distances."""
    paths = sorted(medium.find(folder)) if folder.is_dir() else []
    if not paths:
        fix = "leave `data.silence` out, or put recordings of noise there"
        raise InputError("holds no noise to cut silence from", where=str(folder), fix=fix)
    lengths = np.array([duration_s(path) for path in paths])
    for split, (begin, end) in _TENTHS.items():
        shares = lengths / lengths.sum() * count * (end - begin)
        for path, length, share in zip(paths, lengths.tolist(), shares.tolist(), strict=True):
            last = max(begin * length, end * length - n_samples / medium.rate)
            starts = np.linspace(begin * length, last, max(1, round(share)))
            for start in starts.tolist():
                yield split, Excerpt(path, label, start)


def _part(excerpts: Sequence[Excerpt], n_samples: int, rate: int) -> Part:
    def read(indexes: Indexes) -> Raw:
        some = (excerpts[index] for index in indexes)
        return np.stack([read_sound(one.path, n_samples, rate, one.start_s) for one in some])

    targets = np.array([one.label for one in excerpts], np.int64)
    return Part(targets, read, lambda: stamp_of([one.path for one in excerpts]))
