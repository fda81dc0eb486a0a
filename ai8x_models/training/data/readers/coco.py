"""Pictures with boxes or keypoints as COCO has them: a JSON file of `images`, `annotations`, ...

Format: cocodataset.org, "Data format". Boxes come as shares of the picture, classes in the order
of their ids in `categories`; crowds are left out. Keypoints are those of the largest object of each
picture that has any.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ai8x_models.training.data.readers.files import N_TOLD, Medium, file_part, file_source
from ai8x_models.training.data.readers.json_stream import array_entries
from ai8x_models.training.data.source import (
    ALL,
    NO_BOX,
    TEST,
    TRAIN,
    VALIDATION,
    Answers,
    Part,
    Source,
)
from max78000.errors import InputError, ToolError, raise_all
from max78000.files import DAMAGED, is_file

FOLDER = "annotations"  # of the files, beside the pictures' folders
_WORDS: Mapping[str, str] = {"train": TRAIN, "val": VALIDATION, "test": TEST}
_KINDS: Mapping[Answers, str] = {
    Answers.BOXES: "instances_train2017.json, instances_val2017.json",
    Answers.KEYPOINTS: "person_keypoints_train2017.json, person_keypoints_val2017.json",
}
_FIX = "give a COCO file: images with id, file_name, width and height, annotations with bbox"


@dataclass(frozen=True, slots=True)
class Picture:
    """An entry of `images`."""

    name: str
    width: float
    height: float


@dataclass(slots=True)
class Listing:
    """What is kept of a file.

    Args:
        path: the file.
        pictures: by their ids.
        things: annotations, by the ids of their pictures.
        categories: by their ids.
    """

    path: Path
    pictures: dict[int, Picture] = field(default_factory=dict)
    things: dict[int, list[Mapping[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    categories: dict[int, Mapping[str, Any]] = field(default_factory=dict)


def has_annotations(folder: Path) -> bool:
    """True if a folder is a source of this kind."""
    return any((folder / FOLDER).glob("*.json"))


def coco_folder(folder: Path, medium: Medium, answers: Answers) -> Source:
    """Read `annotations/*_train*.json`, `*_val*.json`, `*_test*.json`, those for these answers.

    Raises:
        InputError: there are none for training, or more than one of a split; as `coco_source`.
    """
    start = "person_keypoints" if answers is Answers.KEYPOINTS else "instances"
    found = sorted((folder / FOLDER).glob(f"{start}*.json"))
    found = found or sorted((folder / FOLDER).glob("*.json"))
    by_split: dict[str, Path] = {}
    for path in found:
        split = next((split for word, split in _WORDS.items() if word in path.stem), TRAIN)
        if split in by_split:
            why = f"{path.name} and {by_split[split].name} are both for {split}"
            raise InputError(why, where=str(folder / FOLDER), fix="name one of the files")
        by_split[split] = path
    if TRAIN not in by_split:
        fix = f"put there {_KINDS.get(answers, _KINDS[Answers.BOXES])}"
        raise InputError("has no file for training", where=str(folder / FOLDER), fix=fix)
    return _source(by_split, folder, medium, answers)


def coco_source(path: Path, folder: Path, medium: Medium, answers: Answers) -> Source:
    """Read one file.

    Args:
        path: of the file.
        folder: of the pictures.
        medium: what they become.
        answers: boxes or keypoints.

    Raises:
        InputError: no such file, damaged, or pictures that it names are not there.
    """
    return _source({ALL: path}, folder, medium, answers)


def _source(files: Mapping[str, Path], folder: Path, medium: Medium, answers: Answers) -> Source:
    listings = {split: read_listing(path) for split, path in files.items()}
    categories = next(iter(listings.values())).categories
    ids = sorted(categories)
    if answers is Answers.KEYPOINTS:
        names = next((one["keypoints"] for one in categories.values() if "keypoints" in one), ())
        parts = {
            split: _keypoint_part(one, folder, len(names), medium)
            for split, one in listings.items()
        }
        return file_source(parts, medium, tuple(map(str, names)), answers)
    numbers = {category: number for number, category in enumerate(ids)}
    parts = {split: _box_part(one, folder, numbers, medium) for split, one in listings.items()}
    classes = tuple(str(categories[category].get("name", category)) for category in ids)
    return file_source(parts, medium, classes, Answers.BOXES)


def read_listing(path: Path) -> Listing:
    """Read what is needed of a file, entry by entry.

    Raises:
        InputError: no such file, or one that is damaged.
    """
    listing = Listing(path)
    try:
        for name, entry in array_entries(path):
            if name == "images":
                size = float(entry["width"]), float(entry["height"])
                listing.pictures[int(entry["id"])] = Picture(str(entry["file_name"]), *size)
            elif name == "annotations" and not entry.get("iscrowd"):
                kept = {key: entry[key] for key in ("bbox", "category_id", "keypoints", "area")
                        if key in entry}  # fmt: skip
                listing.things[int(entry["image_id"])].append(kept)
            elif name == "categories":
                listing.categories[int(entry["id"])] = entry
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path), fix=_FIX) from error
    except DAMAGED as error:
        why = f"is no COCO file: {type(error).__name__} {error}"
        raise InputError(why, where=str(path), fix=_FIX) from error
    if not listing.pictures or not listing.categories:
        raise InputError("lists no images, or no categories", where=str(path), fix=_FIX)
    return listing


def _box_part(listing: Listing, folder: Path, numbers: Mapping[int, int], medium: Medium) -> Part:
    """All pictures, those without a box too."""
    ids = list(listing.pictures)
    n_most = max((len(things) for things in listing.things.values()), default=0)
    targets = np.zeros((len(ids), max(1, n_most), 5), np.float32)
    targets[..., 4] = NO_BOX
    problems: list[ToolError] = []
    for row, identity in enumerate(ids):
        for place, thing in enumerate(listing.things.get(identity, ())):
            try:
                targets[row, place, :4] = _box(thing, listing.pictures[identity])
                targets[row, place, 4] = numbers[int(thing["category_id"])]
            except (ValueError, KeyError, TypeError, OverflowError) as error:
                problems.append(_malformed(listing.path, identity, error))
    raise_all(problems[:N_TOLD])
    return _part(listing, ids, targets, folder, medium)


def _box(thing: Mapping[str, Any], picture: Picture) -> NDArray[np.float64]:
    x, y, width, height = map(float, thing["bbox"])
    if not (width >= 0 and height >= 0):
        raise ValueError(f"bbox {thing['bbox']}")
    corners = np.array((x, y, x + width, y + height))
    return (corners / (*_size(picture), *_size(picture))).clip(0, 1)


def _keypoint_part(listing: Listing, folder: Path, n_points: int, medium: Medium) -> Part:
    """Pictures of objects with keypoints."""
    ids, rows = [], []
    problems: list[ToolError] = []
    for identity, picture in listing.pictures.items():
        try:
            points = _largest_points(listing.things.get(identity, ()), n_points)
            if points is None:
                continue
            points[:, :2] /= _size(picture)
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            problems.append(_malformed(listing.path, identity, error))
            continue
        ids.append(identity)
        rows.append(points)
    raise_all(problems[:N_TOLD])
    if not rows:
        raise InputError("has no object with keypoints", where=str(listing.path), fix=_FIX)
    return _part(listing, ids, np.stack(rows), folder, medium)


def _largest_points(
    things: Sequence[Mapping[str, Any]], n_points: int
) -> NDArray[np.float32] | None:
    """Of the largest thing with keypoints, (n_points, 3); None if there is none."""
    seen = [one for one in things if any(one.get("keypoints", ()))]
    if not seen:
        return None
    largest = max(seen, key=lambda one: float(one.get("area", 0)))
    return np.array(largest["keypoints"], np.float32).reshape(n_points, 3)


def _size(picture: Picture) -> tuple[float, float]:
    if not (picture.width > 0 and picture.height > 0):
        raise ValueError(f"a picture of {picture.width:g}x{picture.height:g}")
    return picture.width, picture.height


def _malformed(path: Path, identity: int, error: Exception) -> InputError:
    why = f"an annotation is malformed: {type(error).__name__} {error}"
    fix = "each needs a bbox of 4, a category that is listed, and 3 numbers a keypoint"
    return InputError(why, where=f"{path} image {identity}", fix=fix)


def _part(
    listing: Listing, ids: Sequence[int], targets: NDArray[np.float32], folder: Path, medium: Medium
) -> Part:
    # `train2017` beside `annotations/instances_train2017.json`, as the archives unpack.
    homes = (folder, folder / "images", folder / listing.path.stem.rpartition("_")[2])
    names = [listing.pictures[identity].name for identity in ids]
    home = next((one for one in homes if is_file(one / names[0])), folder)
    missing = [name for name in names if not is_file(home / name)]
    raise_all(
        InputError(
            f"names {name}, which is not there",
            where=str(listing.path),
            fix="say where the pictures are: `data.folder`",
        )
        for name in missing[:N_TOLD]
    )
    return file_part([home / name for name in names], targets, medium)
