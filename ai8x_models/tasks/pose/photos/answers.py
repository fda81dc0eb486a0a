"""What a teacher has said, kept in a file until all is said: who goes on need not ask again.

A line for each crop, by its digest, behind a first line that names the teacher. Lines are only
added, so a process that was killed leaves whole ones and the beginning of one at most.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np

from max78000.apps.pose.arrays import Floats, Uint8s
from max78000.files import make_folder, writing


class Answers:
    """Keypoints by crop; those of a file that is open to take more.

    Args:
        file: open for reading and adding.
        stamp: of the teacher; what another one has said is thrown away.
    """

    def __init__(self, file: BinaryIO, stamp: str) -> None:
        self._file, self._path = file, Path(file.name)
        self._said: dict[str, Floats] = {}
        if self._read(stamp):
            return
        file.truncate(0)
        self._add({"teacher": stamp})

    def of(self, crop: Uint8s) -> Floats | None:
        """Keypoints (17, 3) as they were added for a crop (S, S, 3); None if they were not."""
        found = self._said.get(_digest(crop))
        return None if found is None else found.copy()

    def add(self, crop: Uint8s, points: Floats) -> None:
        """Keep the keypoints (17, 3) of a crop (S, S, 3)."""
        key = _digest(crop)
        self._said[key] = points.copy()
        self._add({"crop": key, "points": points.tolist()})

    def _add(self, line: dict[str, object]) -> None:
        with writing(self._path):
            self._file.write(f"{json.dumps(line)}\n".encode())
            self._file.flush()

    def _read(self, stamp: str) -> bool:
        """Read whole lines, and drop a cut one; False if another teacher said them."""
        self._file.seek(0)
        text = self._file.read()
        whole = text[: text.rfind(b"\n") + 1]
        try:
            first, *rest = map(json.loads, whole.splitlines())
            if first != {"teacher": stamp}:
                return False
            self._said = {one["crop"]: np.array(one["points"], np.float64) for one in rest}
        except (ValueError, TypeError, KeyError, RecursionError):  # written by something else
            return False
        self._file.truncate(len(whole))
        return True


@contextmanager
def kept_answers(path: Path, stamp: str) -> Iterator[Answers]:
    """What a teacher said before in a run that did not come to its end; this one adds to it.

    The file is gone at the end; after an error it stays, for the next run.

    Args:
        path: the file.
        stamp: tells one teacher from another.

    Raises:
        InputError: the file cannot be written.
    """
    make_folder(path.parent)
    with writing(path):
        file = path.open("ab+")
    with file:
        yield Answers(file, stamp)
    path.unlink()


def _digest(crop: Uint8s) -> str:
    return hashlib.sha256(repr(crop.shape).encode() + crop.tobytes()).hexdigest()
