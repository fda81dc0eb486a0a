"""An album: photographs with people, small enough to keep many, as one HDF5 file.

Pictures stay compressed and are read one by one, so that an album may be larger than memory. It
holds everything that views need, and draws none.

    jpeg, jpeg_start      uint8 (B), int64 (N + 1)   picture i is bytes start[i] .. start[i + 1]
    mask, mask_start      the same: PNG, white where nothing is to be learned, empty for nowhere;
                          a quarter of the picture's pixels in either direction
    person_start          int32 (N + 1)              people of picture i
    keypoints             float32 (M, 17, 3)         x, y, v in pixels of the picture
    bbox, area, iscrowd   float32 (M, 4), float32 (M), uint8 (M)
    size                  int32 (N, 2)               width, height
    source_id             int64 (N)

The attribute `made_of` of cut-outs is the seal of the album whose pictures they are cut from.
"""

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from PIL import Image

from ai8x_models.tasks.pose.data.cache_file import reading, replacing
from ai8x_models.tasks.pose.data.people import NOBODY, PEOPLE_FIELDS, People
from ai8x_models.tasks.pose.recipe import PHOTOS
from max78000.apps.pose.arrays import Array, Int32s, Int64s, Uint8s
from max78000.apps.pose.skeleton import N_COCO
from max78000.errors import InputError

FORMAT_NAME, FORMAT_VERSION = "pose album", 1
LONGEST = 320  # pixels of a picture's longer side; a view needs 128
_KNOWN_BY = 34  # pixels of a picture's shorter side, at least, by which it is known again
MASK_STEP = 4  # pixels of a picture in one of its mask
_FIX = "remove the file and import the pictures again"


@dataclass(frozen=True, slots=True)
class Entry:
    """One picture of an album.

    Args:
        jpeg: its file.
        mask: PNG of what is not to be learned from; empty if all of it is.
        size: (2,) width, height.
        people: in its pixels.
        source_id: what the annotations call it.
    """

    jpeg: bytes
    mask: bytes
    size: tuple[int, int]
    people: People
    source_id: int


class Album:
    """A file of pictures, open for reading; processes open it each by itself."""

    def __init__(self, path: Path) -> None:
        """Read all but the pictures.

        Raises:
            InputError: there is no such file, it is damaged, or it is no album.
        """
        self.path = path
        with reading(path, FORMAT_NAME, _FIX) as file:
            _check_format(file, path)
            names = (
                "person_start",
                *PEOPLE_FIELDS,
                "size",
                "source_id",
                "jpeg_start",
                "mask_start",
            )
            arrays: dict[str, Any] = {name: file[name][:] for name in names}
            n_bytes = len(file["jpeg"]), len(file["mask"])
            self.made_of = str(file.attrs.get("made_of", ""))
        self._people = People(**{name: arrays[name] for name in PEOPLE_FIELDS})
        self._starts: Int64s = arrays["jpeg_start"]
        self._mask_starts: Int64s = arrays["mask_start"]
        self.person_start: Int32s = arrays["person_start"]
        self.sizes: Int32s = arrays["size"]
        self.source_ids: Int64s = arrays["source_id"]
        _check_shapes(self, n_bytes)

    def __len__(self) -> int:
        return len(self.sizes)

    def __getstate__(self) -> dict[str, Any]:
        """All but the open file, for other processes."""
        return {name: value for name, value in self.__dict__.items() if name != "_file"}

    @property
    def all_people(self) -> People:
        """The people of all pictures, one after the other."""
        return self._people

    def people(self, index: int) -> People:
        """The people of a picture."""
        rows = slice(self.person_start[index], self.person_start[index + 1])
        return People(**{name: getattr(self._people, name)[rows] for name in PEOPLE_FIELDS})

    def entry(self, index: int) -> Entry:
        """A picture as it was written."""
        jpeg = self._bytes("jpeg", self._starts, index)
        mask = self._bytes("mask", self._mask_starts, index)
        width, height = self.sizes[index].tolist()
        return Entry(jpeg, mask, (width, height), self.people(index), int(self.source_ids[index]))

    def picture(self, index: int) -> Image.Image:
        """A picture, RGB.

        Raises:
            InputError: its bytes are damaged.
        """
        return self._opened("jpeg", self._starts, index).convert("RGB")

    def reduced_pictures(self) -> Iterator[Image.Image]:
        """All pictures, grey and an eighth of their size or more: enough to know them again.

        Raises:
            InputError: the bytes of one are damaged.
        """
        for index in range(len(self)):
            yield self._opened("jpeg", self._starts, index, _KNOWN_BY)

    def mask(self, index: int) -> Image.Image | None:
        """Mask of what is not to be learned from; None where there is nothing of it."""
        if self._mask_starts[index] == self._mask_starts[index + 1]:
            return None
        return self._opened("mask", self._mask_starts, index).convert("L")

    @cached_property
    def _file(self) -> h5py.File:
        return h5py.File(self.path, "r")

    def _bytes(self, name: str, starts: Int64s, index: int) -> bytes:
        contents: Uint8s = self._file[name][starts[index] : starts[index + 1]]
        return contents.tobytes()

    def _opened(self, name: str, starts: Int64s, index: int, least: int = 0) -> Image.Image:
        """Open a picture; grey and smaller, if `least` pixels of its shorter side are enough."""
        try:
            picture = Image.open(io.BytesIO(self._bytes(name, starts, index)))
            if least:
                picture.draft("L", (least, least))
            picture.load()
        except (OSError, SyntaxError, ValueError) as error:
            why = f"picture {index} is damaged: {error}"
            raise InputError(why, where=str(self.path), fix=_FIX) from error
        return picture


def write_album(path: Path, entries: Iterable[Entry], made_of: str = "") -> None:
    """Write an album whole, then give it its name.

    Args:
        path: of the album.
        entries: its pictures.
        made_of: seal of the album that they are cut from, if they are.
    """
    kept: list[Entry] = []
    with replacing(path) as file:
        file.attrs["format"], file.attrs["format_version"] = FORMAT_NAME, FORMAT_VERSION
        file.attrs["made_of"] = made_of
        starts: dict[str, list[int]] = {"jpeg": [0], "mask": [0]}
        for name in starts:
            file.create_dataset(name, (0,), np.uint8, maxshape=(None,), chunks=(1 << 20,))
        for entry in entries:
            for name, contents in (("jpeg", entry.jpeg), ("mask", entry.mask)):
                start = starts[name][-1]
                starts[name].append(start + len(contents))
                file[name].resize((starts[name][-1],))
                file[name][start:] = np.frombuffer(contents, np.uint8)
            kept.append(Entry(b"", b"", entry.size, entry.people, entry.source_id))
        for name, ends in starts.items():
            file[f"{name}_start"] = np.array(ends, np.int64)
        people = [entry.people for entry in kept]
        file["person_start"] = np.cumsum([0, *(len(one.area) for one in people)]).astype(np.int32)
        for name in PEOPLE_FIELDS:
            file[name] = np.concatenate([getattr(one, name) for one in (NOBODY, *people)])
        file["size"] = np.array([entry.size for entry in kept], np.int32).reshape(-1, 2)
        file["source_id"] = np.array([entry.source_id for entry in kept], np.int64)


def album_path(folder: Path) -> Path:
    """File of the album in a folder of data."""
    return folder / f"{PHOTOS}-train.h5"


def to_jpeg(picture: Image.Image) -> bytes:
    """A picture's file, as an album keeps it."""
    contents = io.BytesIO()
    picture.save(contents, "JPEG", quality=90)
    return contents.getvalue()


def _check_format(file: h5py.File, path: Path) -> None:
    if file.attrs.get("format") != FORMAT_NAME:
        raise InputError("an HDF5 file, but not an album", where=str(path), fix=_FIX)
    version = int(file.attrs.get("format_version", 0))
    if version != FORMAT_VERSION:
        why = f"album of format {version}, this tool reads {FORMAT_VERSION}"
        raise InputError(why, where=str(path), fix=_FIX)


def _check_shapes(album: Album, n_bytes: tuple[int, int]) -> None:
    """Refuse an album whose parts do not fit each other."""
    n, people = len(album), album.all_people
    starts: tuple[Array, ...] = (album._starts, album._mask_starts, album.person_start)
    ends = (*n_bytes, len(people.area))
    fits = all(
        len(one) == n + 1 and one[0] == 0 and one[-1] == end and (one[1:] >= one[:-1]).all()
        for one, end in zip(starts, ends, strict=True)
    )
    n_people = len(people.area)
    shapes = ((people.keypoints, (n_people, N_COCO, 3)), (people.bbox, (n_people, 4)))
    if not fits or any(one.shape != shape for one, shape in shapes):
        raise InputError("its parts do not fit each other", where=str(album.path), fix=_FIX)


def described(album: Album) -> str:
    """How much there is, for people."""
    labelled = int((album.all_people.keypoints[..., 2] > 0).any(axis=1).sum())
    return f"{len(album)} pictures, {labelled} people with keypoints"
