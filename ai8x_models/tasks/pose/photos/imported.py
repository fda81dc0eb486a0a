"""From a user's own pictures, with COCO person keypoints, to what training and evaluation open.

Pictures become one of three things: letterboxed whole (`coco`), a crop of every person (`crops`),
or an album to draw views of (`photos`), with crops of those who are kept out of it.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from ai8x_models.tasks.pose.data.cache import PoseCache
from ai8x_models.tasks.pose.data.cache_coco import Listing, coco_records, read_annotations
from ai8x_models.tasks.pose.data.cache_file import Header, Record, read_seal, write_cache
from ai8x_models.tasks.pose.data.source import DataSource
from ai8x_models.tasks.pose.photos.album import album_path
from ai8x_models.tasks.pose.photos.album_import import (
    Source,
    import_album,
    is_kept_out,
    nothing_left,
    whole,
)
from ai8x_models.tasks.pose.photos.answers import kept_answers
from ai8x_models.tasks.pose.photos.crops import MIN_POINTS, MIN_SIDE, crop_records
from ai8x_models.tasks.pose.photos.cutouts import cut, cutouts_path, has_outline
from ai8x_models.tasks.pose.photos.guard import HeldOut
from ai8x_models.tasks.pose.photos.taught import Teacher, is_unlabelled, taught, what_is_new
from ai8x_models.tasks.pose.recipe import CROPS, IMPORTED
from ai8x_models.training.logs import Console
from ai8x_models.training.progress import no_progress
from max78000.apps.pose.picture import read_picture
from max78000.errors import InputError
from max78000.files import make_folder, write_whole

_N_SHOWN = 5
TRAIN = "train"
TAUGHT_FILE = "taught.json"  # what a teacher said, in COCO's form
ANSWERS_FILE = "taught-so-far.jsonl"  # of an import that did not come to its end
TEST = "test"  # the split that may hold pictures that networks are tested on
_PARAMETERS: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {IMPORTED: {"letterbox": 1}, CROPS: {"crops": 1}}
)
_RECORDS: Mapping[str, Callable[[Path, Listing], Iterator[Record]]] = MappingProxyType(
    {IMPORTED: coco_records, CROPS: crop_records}
)


@dataclass(frozen=True, slots=True)
class ImportedAlbum:
    """What an import for training made.

    Args:
        path: the album.
        crops: the cache that validates, and what is in it.
        cutouts: of the splits whose people have outlines.
    """

    path: Path
    crops: tuple[Path, PoseCache]
    cutouts: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Import:
    """Pictures, and where they go.

    Args:
        images: folder with the pictures.
        annotations: their people, COCO keypoints, JSON.
        folder: where data are cached.
        held_out: pictures that only the split `test` may hold.
        teacher: says keypoints of those who have none, on pictures to train on; None for nobody.
    """

    images: Path
    annotations: Path
    folder: Path
    held_out: HeldOut
    teacher: Teacher | None = None

    def cache(self, kind: str, split: str, console: Console) -> tuple[Path, PoseCache]:
        """Make a cache, named after its number of images.

        Args:
            kind: `coco` or `crops`.
            split: what it is for.
            console: shows how far it is, and what is left out.

        Raises:
            InputError: a picture is missing or malformed, or one of its annotations, or nothing is
                left.
        """
        listing = self._allowed(read_annotations(self.annotations), split, console)
        if split == TRAIN:
            listing = self._taught(listing, console)
        return self._cache(listing, kind, split, console)

    def album(self, console: Console) -> "ImportedAlbum":
        """Make an album to train on, and crops of people in the pictures kept out of it: a tenth.

        Of people with outlines cut-outs are made, of either part.

        Raises:
            InputError: as `cache`.
        """
        listing = read_annotations(self.annotations)
        kept_out = [one for one in listing.pictures if is_kept_out(one.file_name)]
        trained = [one for one in listing.pictures if not is_kept_out(one.file_name)]
        if not kept_out:
            why = "lists too few pictures to keep a tenth out for validation"
            raise InputError(why, where=str(self.annotations), fix="give more pictures")
        make_folder(self.folder)
        taught_part = self._taught(replace(listing, pictures=tuple(trained)), console)
        path = album_path(self.folder)
        with console.progress(f"importing {self.images}") as progress:
            left_out = import_album(
                Source(self.images, self.held_out, whole),
                taught_part,
                path,
                os.cpu_count() or 1,
                progress,
            )
        if len(left_out) == len(trained):
            raise nothing_left(listing.path)
        _say_left_out(left_out, console)
        validation = replace(listing, pictures=tuple(kept_out))
        allowed = self._allowed(validation, "validation", console)
        crops = self._cache(allowed, CROPS, "validation", console)
        cutouts = (
            self._cut("train", taught_part, console),
            self._cut("validation", allowed, console),
        )
        return ImportedAlbum(path, crops, tuple(one for one in cutouts if one is not None))

    def _taught(self, listing: Listing, console: Console) -> Listing:
        """Ask the teacher about those without keypoints, and keep what it says beside the data."""
        if self.teacher is None:
            return listing
        with (
            kept_answers(self.folder / ANSWERS_FILE, self.teacher.stamp) as answers,
            console.progress(f"asking {self.teacher.word}") as progress,
        ):
            found = taught(listing, self.images, replace(self.teacher, answers=answers), progress)
        asked = sum(is_unlabelled(one) for picture in listing.pictures for one in picture.people)
        people = what_is_new(listing, found)
        path = self.folder / TAUGHT_FILE
        write_whole(path, f"{json.dumps({'annotations': people}, indent=1)}\n".encode())
        console.line(f"{path}: keypoints of {len(people)} people of {asked} who had none")
        return found

    def _cut(self, split: str, listing: Listing, console: Console) -> Path | None:
        """Make the cut-outs of a split; None, and no older ones are left, if there are none."""
        path = cutouts_path(self.folder, split)
        if not any(has_outline(person) for one in listing.pictures for person in one.people):
            path.unlink(missing_ok=True)
            return None
        with console.progress(f"cutting out {path}") as progress:
            made_of = read_seal(album_path(self.folder))
            source = Source(self.images, self.held_out, cut, made_of)
            left_out = import_album(source, listing, path, os.cpu_count() or 1, progress)
        if len(left_out) == len(listing.pictures):
            path.unlink(missing_ok=True)
            console.line(f"{path}: nobody is whole enough to be cut out, and no ground is free")
            return None
        return path

    def _cache(
        self, listing: Listing, kind: str, split: str, console: Console
    ) -> tuple[Path, PoseCache]:
        make_folder(self.folder)
        count = len(listing.pictures)
        with console.progress(f"importing {self.images}") as progress:
            records: list[Record] = []
            for done, picture in enumerate(listing.pictures, start=1):
                records += _RECORDS[kind](self.images, replace(listing, pictures=(picture,)))
                progress(done, count)
        if not records:
            why = f"nobody on its pictures has {MIN_POINTS} labelled points and {MIN_SIDE} pixels"
            fix = "import the pictures whole"
            if self.teacher is not None:
                fix = "label people on more of the pictures: what a teacher says does not score"
            raise InputError(why, where=str(listing.path), fix=fix)
        path = DataSource(self.folder, kind, split, len(records)).path
        header = Header(kind, split, len(records), json.dumps(dict(_PARAMETERS[kind])))
        write_cache(path, header, records, no_progress)
        return path, PoseCache.open(path)

    def _allowed(self, listing: Listing, split: str, console: Console) -> Listing:
        """Leave out what networks are tested on, unless this is for a test."""
        if split == TEST:
            return listing
        left_out = {
            one.file_name
            for one in listing.pictures
            if self.held_out.found(one.file_name, read_picture(self.images / one.file_name))
        }
        _say_left_out(sorted(left_out), console)
        kept = tuple(one for one in listing.pictures if one.file_name not in left_out)
        if not kept:
            raise nothing_left(listing.path)
        return replace(listing, pictures=kept)


def _say_left_out(names: Sequence[str], console: Console) -> None:
    if names:
        shown = ", ".join(names[:_N_SHOWN]) + (", ..." if len(names) > _N_SHOWN else "")
        console.line(f"left out, because networks are tested on them: {shown} ({len(names)})")
