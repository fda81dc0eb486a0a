"""Reads a COCO person-keypoint file and letterboxes its pictures into records for the cache.

Only what the cache needs of COCO (cocodataset.org, format of `person_keypoints_*.json`): keypoints,
boxes and areas of category 1, and segmentations of those who must be masked. No downloads, no
cropping, no other categories. Keypoints are taken as pixel centres, boxes as pixel edges.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image, ImageDraw

from ai8x_models.tasks.pose.data.cache_file import Record
from ai8x_models.tasks.pose.data.people import People
from ai8x_models.tasks.pose.figures.figures import Figure
from max78000.apps.pose.arrays import Array, Floats
from max78000.apps.pose.letterbox import letterbox
from max78000.apps.pose.picture import read_picture
from max78000.apps.pose.skeleton import IMAGE_SIZE, MAP_SIZE, N_COCO, STRIDE
from max78000.errors import InputError
from max78000.files import DAMAGED

PERSON_CATEGORY = 1

SURROUNDINGS = 0.1  # of the longer side of a box, on every side
DOUBT = 0.15  # of the longer side of a box: how far around a doubtful point nothing is learned

Annotation = Mapping[str, Any]


class Place(Protocol):
    """Where a picture lies in an image: a `Letterbox`, or another."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height there, whole pixels."""

    @property
    def corner(self) -> tuple[int, int]:
        """Left and upper padding, whole pixels."""

    @property
    def factors(self) -> Floats:
        """Pixels there per pixel of the picture in x and y, (2,)."""

    def points(self, source: Array) -> Floats:
        """Coordinates there of picture coordinates (..., 2)."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One entry of the file's image list and the annotations that belong to it.

    Args:
        source_id: the entry's id.
        file_name: of the picture.
        people: their annotations.
        is_complete: everybody has one; `all_people_boxed: false` of an entry says no.
        listed_in: the annotation file, for messages.
    """

    source_id: int
    file_name: str
    people: tuple[Annotation, ...]
    is_complete: bool = True
    listed_in: str = ""

    @property
    def where(self) -> str:
        """What messages call it."""
        return f"{self.listed_in} image {self.source_id}".lstrip()


@dataclass(frozen=True, slots=True)
class Listing:
    """An annotation file, in the order of its image list."""

    pictures: tuple[Picture, ...]
    path: Path


def read_annotations(path: Path) -> Listing:
    """Read the pictures of an annotation file and who is on them.

    Raises:
        InputError: the file is missing, no JSON, or lacks what this needs.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        people = defaultdict(list)
        for annotation in content["annotations"]:
            if annotation.get("category_id", PERSON_CATEGORY) == PERSON_CATEGORY:
                people[int(annotation["image_id"])].append(annotation)
        pictures = tuple(
            Picture(
                int(entry["id"]),
                str(entry["file_name"]),
                tuple(people[int(entry["id"])]),
                bool(entry.get("all_people_boxed", True)),
                str(path),
            )
            for entry in content["images"]
        )
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except DAMAGED as error:
        why = f"not a COCO keypoint file: {type(error).__name__} {error}"
        raise InputError(why, where=str(path), fix="give a person_keypoints JSON file") from error
    if not pictures:
        raise InputError("lists no images", where=str(path))
    return Listing(pictures, path)


def coco_records(folder: Path, listing: Listing) -> Iterator[Record]:
    """One record per picture, in the order of the listing.

    Raises:
        InputError: a picture is missing or broken, or an annotation malformed.
    """
    for picture in listing.pictures:
        image, box = letterbox(read_picture(folder / picture.file_name))
        people = placed_people(picture, box)
        mask = np.asarray(uncounted(picture, box, (IMAGE_SIZE, IMAGE_SIZE)), float)
        cells = mask.reshape(MAP_SIZE, STRIDE, MAP_SIZE, STRIDE).mean((1, 3))
        figure = Figure(
            image=image,
            keypoints=people.keypoints,
            bbox=people.bbox,
            area=people.area,
            iscrowd=people.iscrowd,
            loss_mask=np.rint(255 - cells).astype(np.uint8),
        )
        yield Record(figure, picture.source_id, box.to_source)


def placed_people(picture: Picture, place: Place) -> People:
    """The people of a picture as arrays, in the pixels of the place that it has.

    Raises:
        InputError: an annotation is malformed.
    """
    try:
        return _people(picture.people, place)
    except (ValueError, KeyError, TypeError, IndexError, OverflowError) as error:
        why = f"malformed person: {type(error).__name__} {error}"
        fix = "each needs 51 keypoint numbers and a bbox of 4"
        raise InputError(why, where=picture.where, fix=fix) from error


def _people(people: Sequence[Annotation], place: Place) -> People:
    n = len(people)
    keypoints = np.zeros((n, N_COCO, 3))
    boxes = np.zeros((n, 4))
    for k, person in enumerate(people):
        keypoints[k] = np.array(person.get("keypoints") or [0] * 51, float).reshape(N_COCO, 3)
        corner, size = np.array(person["bbox"], float).reshape(2, 2)
        boxes[k] = *place.points(corner - 0.5), *(size * place.factors)
    is_labelled = keypoints[..., 2:] > 0
    keypoints[..., :2] = np.where(is_labelled, place.points(keypoints[..., :2]), 0.0)
    areas = [person.get("area", boxes[k, 2] * boxes[k, 3] / np.prod(place.factors))
             for k, person in enumerate(people)]  # fmt: skip
    return People(
        keypoints=keypoints.astype(np.float32),
        bbox=boxes.astype(np.float32),
        area=(np.array(areas, float) * np.prod(place.factors)).astype(np.float32),
        iscrowd=np.array([person.get("iscrowd", 0) for person in people], np.uint8),
    )


def uncounted(picture: Picture, place: Place, shape: tuple[int, int]) -> Image.Image:
    """Where there is nothing to learn: crowds, people without keypoints, strangers, doubts.

    Doubtful are points without a flag of people whose keypoints a teacher said (`pseudo`).

    Args:
        picture: who is annotated. Where not everybody is, only the surroundings of those with
            keypoints count.
        place: where it lies in the mask.
        shape: width and height of the mask.

    Returns:
        Mode L, 255 where nothing counts.
    """
    mask = Image.new("L", shape, 0 if picture.is_complete else 255)
    pen = ImageDraw.Draw(mask)
    bare = [one for one in picture.people if one.get("iscrowd", 0) or not has_keypoints(one)]
    if not picture.is_complete:
        for person in (one for one in picture.people if one not in bare):
            x, y, width, height = map(float, person["bbox"])
            margin = SURROUNDINGS * max(width, height)
            around = [x - margin, y - margin, width + 2 * margin, height + 2 * margin]
            points = place.points(np.array(_corners(around)).reshape(-1, 2) - 0.5)
            pen.polygon(points.ravel().tolist(), fill=0)
    for person in bare:
        _cover(mask, place, person)
    for person in picture.people:
        if person.get("pseudo") and has_keypoints(person):
            _cover_doubts(pen, place, person)
    return mask


def has_keypoints(person: Annotation) -> bool:
    """True if at least one point of a person is labelled."""
    return any((person.get("keypoints") or [0])[2::3])


def _cover(ignored: Image.Image, place: Place, person: Annotation) -> None:
    """Paint a person's segmentation white; the box, if there is none that can be read plainly.

    Crowds come as uncompressed run lengths, people as polygons; compressed run lengths (strings)
    need pycocotools and are taken by their box, which masks a little more.
    """
    shape = person.get("segmentation")
    if isinstance(shape, Mapping) and isinstance(shape.get("counts"), list):
        height, width = shape["size"]
        values = np.arange(len(shape["counts"])) % 2 == 1
        mask = np.repeat(values, shape["counts"]).reshape(width, height).T
        small = Image.fromarray(mask).convert("L").resize(place.size, Image.Resampling.BOX)
        ignored.paste(255, place.corner, small)
        return
    pen = ImageDraw.Draw(ignored)
    outlines = shape if isinstance(shape, list) and shape else [_corners(person["bbox"])]
    for outline in outlines:
        points = place.points(np.array(outline, float).reshape(-1, 2) - 0.5)
        pen.polygon(points.ravel().tolist(), fill=255)


def _cover_doubts(pen: ImageDraw.ImageDraw, place: Place, person: Annotation) -> None:
    """Paint the surroundings of points white that have a place and no flag."""
    points = np.array(person["keypoints"], float).reshape(N_COCO, 3)
    reach = DOUBT * max(map(float, person["bbox"][2:])) * place.factors
    for x, y in place.points(points[(points[:, 2] == 0) & points[:, :2].any(axis=1), :2]).tolist():
        pen.ellipse((x - reach[0], y - reach[1], x + reach[0], y + reach[1]), fill=255)


def _corners(bbox: list[float]) -> list[float]:
    x, y, width, height = bbox
    return [x, y, x + width, y, x + width, y + height, x, y + height]
