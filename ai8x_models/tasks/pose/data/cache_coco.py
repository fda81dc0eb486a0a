"""Reads a COCO person-keypoint file and letterboxes its pictures into records for the cache.

Only what the cache needs of COCO (cocodataset.org, format of `person_keypoints_*.json`): keypoints,
boxes and areas of category 1, and segmentations of those who must be masked. No downloads, no
cropping, no other categories. Keypoints are taken as pixel centres, boxes as pixel edges.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from ai8x_models.tasks.pose.data.cache_file import Record
from ai8x_models.tasks.pose.figures.figures import Figure
from max78000.apps.pose.arrays import Uint8s
from max78000.apps.pose.letterbox import Letterbox, letterbox
from max78000.apps.pose.picture import read_picture
from max78000.apps.pose.skeleton import IMAGE_SIZE, MAP_SIZE, N_COCO, STRIDE
from max78000.errors import InputError

PERSON_CATEGORY = 1

Annotation = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Picture:
    """One entry of the file's image list and the annotations that belong to it."""

    source_id: int
    file_name: str
    people: tuple[Annotation, ...]


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
            Picture(int(entry["id"]), str(entry["file_name"]), tuple(people[int(entry["id"])]))
            for entry in content["images"]
        )
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        why = f"not a COCO keypoint file: {type(error).__name__} {error}"
        raise InputError(why, where=str(path), fix="give a person_keypoints JSON file") from error
    if not pictures:
        raise InputError("lists no images", where=str(path))
    return Listing(pictures, path)


def coco_records(folder: Path, listing: Listing) -> Iterator[Record]:
    """One record per picture, in the order of the listing."""
    for picture in listing.pictures:
        image, box = letterbox(read_picture(folder / picture.file_name))
        try:
            figure = _figure(image, box, picture.people)
        except (ValueError, KeyError, TypeError, IndexError) as error:
            where = f"{listing.path} image {picture.source_id}"
            why = f"malformed person: {type(error).__name__} {error}"
            fix = "each needs 51 keypoint numbers and a bbox of 4"
            raise InputError(why, where=where, fix=fix) from error
        yield Record(figure, picture.source_id, box.to_source)


def _figure(image: Uint8s, box: Letterbox, people: tuple[Annotation, ...]) -> Figure:
    n = len(people)
    keypoints = np.zeros((n, N_COCO, 3))
    boxes = np.zeros((n, 4))
    ignored = Image.new("L", (IMAGE_SIZE, IMAGE_SIZE))
    for k, person in enumerate(people):
        keypoints[k] = np.array(person.get("keypoints") or [0] * 51, float).reshape(N_COCO, 3)
        corner, size = np.array(person["bbox"], float).reshape(2, 2)
        boxes[k] = *box.points(corner - 0.5), *(size * box.factors)
        if person.get("iscrowd", 0) or not keypoints[k, :, 2].any():
            _cover(ignored, box, person)
    is_labelled = keypoints[..., 2:] > 0
    keypoints[..., :2] = np.where(is_labelled, box.points(keypoints[..., :2]), 0.0)
    areas = [person.get("area", boxes[k, 2] * boxes[k, 3] / np.prod(box.factors))
             for k, person in enumerate(people)]  # fmt: skip
    cells = np.asarray(ignored, float).reshape(MAP_SIZE, STRIDE, MAP_SIZE, STRIDE).mean((1, 3))
    return Figure(
        image=image,
        keypoints=keypoints.astype(np.float32),
        bbox=boxes.astype(np.float32),
        area=(np.array(areas, float) * np.prod(box.factors)).astype(np.float32),
        iscrowd=np.array([person.get("iscrowd", 0) for person in people], np.uint8),
        loss_mask=np.rint(255 - cells).astype(np.uint8),
    )


def _cover(ignored: Image.Image, box: Letterbox, person: Annotation) -> None:
    """Paint a person's segmentation white; the box, if there is none that can be read plainly.

    Crowds come as uncompressed run lengths, people as polygons; compressed run lengths (strings)
    need pycocotools and are taken by their box, which masks a little more.
    """
    shape = person.get("segmentation")
    if isinstance(shape, Mapping) and isinstance(shape.get("counts"), list):
        height, width = shape["size"]
        values = np.arange(len(shape["counts"])) % 2 == 1
        mask = np.repeat(values, shape["counts"]).reshape(width, height).T
        small = Image.fromarray(mask).convert("L").resize(box.size, Image.Resampling.BOX)
        ignored.paste(255, box.corner, small)
        return
    pen = ImageDraw.Draw(ignored)
    outlines = shape if isinstance(shape, list) and shape else [_corners(person["bbox"])]
    for outline in outlines:
        points = box.points(np.array(outline, float).reshape(-1, 2) - 0.5)
        pen.polygon(points.ravel().tolist(), fill=255)


def _corners(bbox: list[float]) -> list[float]:
    x, y, width, height = bbox
    return [x, y, x + width, y, x + width, y + height, x, y + height]
