"""Files that hold one sample each, pictures or recordings: found, counted, read when asked for."""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ai8x_models.training.data.form import Raw
from ai8x_models.training.data.source import Answers, Indexes, Part, Source, Targets
from max78000.errors import InputError

N_TOLD = 10  # problems of a list of files that are told one by one


@dataclass(frozen=True, slots=True)
class Medium:
    """A kind of file that holds a sample.

    Args:
        word: what such files are called.
        suffixes: by which they are known, in small letters.
        read: a file to its raw sample, all of one shape.
        range: lowest and highest number of a sample.
        layout: axes of a sample.
        rate: samples a second of recordings; 0 for pictures.
    """

    word: str
    suffixes: frozenset[str]
    read: Callable[[Path], Raw]
    range: tuple[float, float]
    layout: str
    rate: int = 0

    def find(self, folder: Path) -> Iterator[Path]:
        """Files of this kind in a folder, in no order."""
        return (one for one in folder.iterdir() if one.suffix.lower() in self.suffixes)


def file_part(paths: Sequence[Path], targets: Targets, medium: Medium) -> Part:
    """A part of a source whose samples are files."""

    def read(indexes: Indexes) -> Raw:
        return np.stack([medium.read(paths[index]) for index in indexes])

    return Part(targets, read, lambda: stamp_of(paths))


def file_source(
    parts: Mapping[str, Part],
    medium: Medium,
    classes: tuple[str, ...],
    answers: Answers = Answers.CLASSES,
) -> Source:
    """A source whose samples are files."""
    return Source(parts, medium.range, classes, medium.layout, answers, medium.rate)


def stamp_of(paths: Sequence[Path]) -> str:
    """What changes when one of these files does: a digest of names, sizes and times."""
    digest = hashlib.sha256()
    for path in paths:
        about = path.stat()
        digest.update(f"{path.resolve()}\0{about.st_size}\0{about.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def refuse_more_than_memory(n_bytes: int, path: Path) -> None:
    """Refuse what a file's header announces, before room is made for it.

    Raises:
        InputError: it is more than half of the machine's memory.
    """
    limit = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    if n_bytes > limit:
        why = f"announces {n_bytes:,} bytes of numbers, {limit:,} is half of this machine's memory"
        raise InputError(why, where=str(path), fix="use HDF5, or files of one sample each")
