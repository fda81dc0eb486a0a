"""The pose cache as an HDF5 file: its layout, and writing and reading it whole.

Knows neither figures' making nor annotations: it stores `Record` values whatever made them. Every
write goes to a temporary name that replaces the file when it is complete, so a file that exists is
a finished one, and an interrupted run leaves the old one as it was. Before its first byte of HDF5
it has a checksum of the rest, since the library crashes or hangs on damaged files.

    images           uint8   (N, 128, 128, 3)  RGB
    person_start     int32   (N + 1)           people of image i: rows start[i] .. start[i + 1]
    keypoints        float32 (M, 17, 3)        x, y, v; image pixels, pixel i has its centre at i
    bbox             float32 (M, 4)
    area, iscrowd    float32 (M), uint8 (M)
    loss_mask        uint8   (N, 16, 16)       255 = count
    source_id        int64   (N)
    to_source        float32 (N, 2, 3)         affine from image pixels to source pixels
    teacher/NAME/    heat int8 (N, 19, 16, 16), paf int8 (N, 38, 16, 16); value = q / 127
"""

import errno
import json
import os
import re
import shutil
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO

import h5py
import numpy as np

from ai8x_models.tasks.pose.data.people import PEOPLE_FIELDS
from ai8x_models.tasks.pose.data.targets import PAF_THICKNESS_CELLS, SIGMA_PIXELS
from ai8x_models.tasks.pose.figures.figures import SPLIT_BASE, Figure
from ai8x_models.training.progress import Progress
from max78000.apps.pose.arrays import Float32s
from max78000.apps.pose.skeleton import COCO_NAMES, IMAGE_SIZE, LIMBS, MAP_SIZE, N_COCO
from max78000.errors import InputError
from max78000.files import leftovers, make_folder, temporary_name, writing

FORMAT_NAME, FORMAT_VERSION = "pose cache", 1
_FIX = "remove the file and build it again, or name another one"
SEAL_BYTES = 512  # HDF5's user block: room before a file for whatever its maker likes
_SEAL = b"sealed by ai8x, crc32 %08x of %d bytes\n"
_BLOCK_BYTES = 1 << 24
_IMAGES_PER_CHUNK = 16
_ERRNO = re.compile(r"errno = (\d+)")  # in HDF5's words
_NO_PIXELS = np.zeros(0, np.uint8)


@dataclass(frozen=True, slots=True)
class Header:
    """What a cache file holds; equal headers mean equal contents."""

    preset: str
    split: str
    count: int
    generator: str  # version and parameters, JSON


@dataclass(frozen=True, slots=True)
class Record:
    """One image as the cache stores it: the figure, and the affine (2, 3) to its source picture."""

    figure: Figure
    source_id: int
    to_source: Float32s


@contextmanager
def reading(path: Path, kind: str = FORMAT_NAME, fix: str = _FIX) -> Iterator[h5py.File]:
    """Open a file of some kind; whatever HDF5 finds wrong with it becomes one `InputError`."""
    if not path.is_file():
        raise InputError(f"no such {kind}", where=str(path), fix="build it first")
    try:
        _check_seal(path, kind, fix)
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, KeyError, RuntimeError, ValueError) as error:
        raise InputError(f"not a readable {kind}: {error}", where=str(path), fix=fix) from error


@contextmanager
def replacing(path: Path, keep_contents: bool = False, n_bytes: int = 0) -> Iterator[h5py.File]:
    """Open a new file that takes the name `path` when the block ends, and vanishes if it fails.

    What a killed process left of it vanishes, too.

    Args:
        keep_contents: it begins as a copy of the old one.
        n_bytes: how many will be written, at least; 0 if that is not known. Where there is no room
            for them nothing is begun, since HDF5 can crash on a disk that fills up.

    Raises:
        InputError: it cannot be written.
    """
    make_folder(path.parent)
    partial = temporary_name(path)
    block = {} if keep_contents else {"userblock_size": SEAL_BYTES}
    with writing(path):
        for left in leftovers(path):
            left.unlink(missing_ok=True)
        if shutil.disk_usage(path.parent).free < n_bytes:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        try:
            if keep_contents:
                shutil.copyfile(path, partial)
            with (
                _as_the_system_says(),
                h5py.File(partial, "r+" if keep_contents else "w", **block) as file,
            ):
                yield file
            seal(partial)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


@contextmanager
def _as_the_system_says() -> Iterator[None]:
    """Let what HDF5 tells of the system in pages of its own, of several types, be an `OSError`."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        number = _ERRNO.search(str(error))
        if number is None:
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1]))) from error


def seal(path: Path) -> None:
    """Write the checksum of a file into its user block."""
    with path.open("r+b") as file:
        text = _seal_of(file)
        file.seek(0)
        file.write(text.ljust(SEAL_BYTES, b"\0"))


def read_seal(path: Path) -> str:
    """What a file's seal says: equal files have equal ones."""
    with path.open("rb") as file:
        return file.read(SEAL_BYTES).rstrip(b"\0\n").decode("ascii", "replace")


def _check_seal(path: Path, kind: str, fix: str) -> None:
    """Refuse a file that is not as it was written."""
    with path.open("rb") as file:
        found = file.read(SEAL_BYTES).rstrip(b"\0")
        if not found.startswith(_SEAL.partition(b",")[0]):
            why = f"not a {kind}, or one of an earlier version: it has no checksum"
            raise InputError(why, where=str(path), fix=fix)
        if found != _seal_of(file):
            why = f"not a readable {kind}: it is cut short or damaged"
            raise InputError(why, where=str(path), fix=fix)


def _seal_of(file: IO[bytes]) -> bytes:
    """What a seal says of the rest of a file."""
    checksum, n_bytes = 0, 0
    file.seek(SEAL_BYTES)
    while block := file.read(_BLOCK_BYTES):
        checksum, n_bytes = zlib.crc32(block, checksum), n_bytes + len(block)
    return _SEAL % (checksum, n_bytes)


def read_header(file: h5py.File, path: Path) -> Header:
    """Read what an open file says it holds.

    Raises:
        InputError: it is no pose cache, or one of another format version.
    """
    if file.attrs.get("format") != FORMAT_NAME:
        raise _unreadable(path, "an HDF5 file, but not a pose cache")
    version = int(file.attrs.get("format_version", 0))
    if version != FORMAT_VERSION:
        raise _unreadable(path, f"pose cache of format {version}, this tool reads {FORMAT_VERSION}")
    return Header(
        preset=str(file.attrs["preset"]),
        split=str(file.attrs["split"]),
        count=int(file.attrs["count"]),
        generator=str(file.attrs["generator"]),
    )


def check_shapes(file: h5py.File, header: Header, path: Path) -> None:
    """Raise `InputError` unless every dataset has the shape that the header promises."""
    n = header.count
    starts = file["person_start"][:]
    n_people = int(starts[-1]) if len(starts) else 0
    expected = {
        "images": (n, IMAGE_SIZE, IMAGE_SIZE, 3),
        "person_start": (n + 1,),
        "keypoints": (n_people, N_COCO, 3),
        "bbox": (n_people, 4),
        "area": (n_people,),
        "iscrowd": (n_people,),
        "loss_mask": (n, MAP_SIZE, MAP_SIZE),
        "source_id": (n,),
        "to_source": (n, 2, 3),
    }
    for name, shape in expected.items():
        if file[name].shape != shape:
            raise _unreadable(path, f"{name} is {file[name].shape} instead of {shape}")


def write_cache(path: Path, header: Header, records: Iterable[Record], progress: Progress) -> None:
    """Write a whole file from `header.count` records, then give it its name."""
    n = header.count
    kept: list[Record] = []  # everything but the pixels, which go to the file at once
    with replacing(path, n_bytes=n * IMAGE_SIZE**2 * 3) as file:
        _write_attributes(file, header)
        chunk = (min(_IMAGES_PER_CHUNK, n), IMAGE_SIZE, IMAGE_SIZE, 3)
        images = file.create_dataset("images", (n, *chunk[1:]), np.uint8, chunks=chunk)
        for done, record in enumerate(records, start=1):
            images[done - 1] = record.figure.image
            kept.append(replace(record, figure=replace(record.figure, image=_NO_PIXELS)))
            progress(done, n)
        figures = [record.figure for record in kept]
        starts = np.cumsum([0, *(len(figure.area) for figure in figures)])
        file["person_start"] = starts.astype(np.int32)
        for name in PEOPLE_FIELDS:
            file[name] = np.concatenate([getattr(figure, name) for figure in figures])
        file["loss_mask"] = np.stack([figure.loss_mask for figure in figures])
        file["source_id"] = np.array([record.source_id for record in kept], np.int64)
        file["to_source"] = np.stack([record.to_source for record in kept]).astype(np.float32)


def _write_attributes(file: h5py.File, header: Header) -> None:
    attributes = {
        "format": FORMAT_NAME,
        "format_version": FORMAT_VERSION,
        **asdict(header),
        "seed_base": SPLIT_BASE.get(header.split, -1),
        "keypoint_names": json.dumps(COCO_NAMES),
        "limbs": json.dumps(LIMBS),
        "sigma_pixels": SIGMA_PIXELS,
        "paf_thickness_cells": PAF_THICKNESS_CELLS,
        "normalisation": "(x - 128) / 128",
    }
    for name, value in attributes.items():
        file.attrs[name] = value


def _unreadable(path: Path, why: str) -> InputError:
    return InputError(why, where=str(path), fix=_FIX)
