"""Postures from captured motion, in one file: made of Acclaim's files, read by the renderer."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ai8x_models.tasks.pose.bodies.acclaim import read_motion, read_skeleton
from ai8x_models.tasks.pose.bodies.segments import N_SEGMENTS, captured_posture
from ai8x_models.tasks.pose.data.cache_file import reading, replacing
from max78000.apps.pose.arrays import Float32s
from max78000.errors import InputError

FORMAT_NAME, _FIX = "file of postures", "ai8x data --motion FOLDER"
MIN_CHANGE = 0.15  # radians: how far some segment has turned since the last posture that was kept


@dataclass(frozen=True, slots=True)
class Captured:
    """N postures (N, 17, 3, 3), as `segments` has them."""

    postures: Float32s

    @classmethod
    def read(cls, path: Path) -> "Captured":
        """Read a file.

        Raises:
            InputError: it is missing, damaged, or something else.
        """
        with reading(path, FORMAT_NAME, _FIX) as file:
            postures = np.asarray(file["postures"][:], np.float32)
        if postures.shape[1:] != (N_SEGMENTS, 3, 3) or not len(postures):
            why = f"holds {postures.shape} instead of (N, {N_SEGMENTS}, 3, 3)"
            raise InputError(why, where=str(path), fix=_FIX)
        if not np.isfinite(postures).all():
            raise InputError("holds turns that are no numbers", where=str(path), fix=_FIX)
        return cls(postures)

    def write(self, path: Path) -> None:
        """Write a file, then give it its name."""
        with replacing(path) as file:
            file["postures"] = self.postures


def captured_path(folder: Path) -> Path:
    """File of the postures in a folder of data."""
    return folder / "postures.h5"


def captured_from(folder: Path) -> Captured:
    """Take the postures of all motions in a folder: of `07_02.amc` the skeleton is `07.asf`.

    Frames that hardly differ from the last one kept are left out.

    Raises:
        InputError: there is none, or a file is missing, damaged or of another kind of skeleton.
    """
    kept: list[Float32s] = []
    for path in sorted(folder.glob("*.amc")):
        skeleton = read_skeleton(path.with_name(path.stem.partition("_")[0] + ".asf"))
        last = None
        for frame in read_motion(path, skeleton):
            try:
                posture = captured_posture(skeleton, skeleton.turns(frame)).astype(np.float32)
            except KeyError as error:
                why = f"its skeleton has no bone {error}"
                fix = "give motions of the Carnegie Mellon database, or with bones named alike"
                raise InputError(why, where=str(path), fix=fix) from error
            if last is None or _change(last, posture) > MIN_CHANGE:
                kept.append(posture)
                last = posture
    if not kept:
        raise InputError("has no motions", where=str(folder), fix="give a folder of .asf and .amc")
    return Captured(np.stack(kept))


def _change(one: Float32s, other: Float32s) -> float:
    """The angle by which the segment turned that turned most, radians."""
    traces = np.einsum("sij,sij->s", one, other)
    return float(np.arccos(((traces - 1) / 2).clip(-1, 1)).max())
