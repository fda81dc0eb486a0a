"""What pictures are pasted together from: people cut out of photographs, and grounds without any.

Both are entries of an album, `cutouts-SPLIT.h5`. A cut-out is the part of a picture around one
person, and its mask, here as fine as the picture, says which pixels are theirs. A ground has no
people: a stretch of a picture where nobody is. Where not everybody is annotated, strangers may be
there; such a ground keeps its colours, and no more detail than anybody would show in.
"""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from ai8x_models.tasks.pose.data.cache_coco import Annotation, Picture, placed_people
from ai8x_models.tasks.pose.data.people import NOBODY, PEOPLE_FIELDS, People
from ai8x_models.tasks.pose.photos.album import LONGEST, Entry, to_jpeg
from ai8x_models.tasks.pose.photos.crops import subjects
from ai8x_models.tasks.pose.photos.reduced import Reduced
from max78000.apps.pose.arrays import Bools
from max78000.apps.pose.picture import read_picture
from max78000.errors import InputError

MIN_POINTS, MIN_SIDE = 8, 80  # labelled points and picture pixels of people worth cutting out
MIN_GROUND = 72  # picture pixels of a ground's shorter side
COARSE = 24  # pixels of the longer side of a ground on which strangers may have been
_INSIDE_SHARE = 0.8  # of the visible points that have to be on the mask,
_REACH = 7  # or near it: pixels of a square around it, an odd number
_MARGIN = 3  # pixels around a mask
_TRIANGLE = 6  # numbers of the least polygon; some files have less
_GRID = 24  # cells in either direction, of which grounds are made up


def cutouts_path(folder: Path, split: str) -> Path:
    """File of the cut-outs of a split in a folder of data."""
    return folder / f"cutouts-{split}.h5"


def has_outline(person: Annotation) -> bool:
    """True if it is known which pixels are a person's: `mask_file`, or polygons."""
    outline = person.get("segmentation")
    return "mask_file" in person or (isinstance(outline, list) and len(outline) > 0)


def cut(shown: Image.Image, picture: Picture) -> Iterator[Entry]:
    """Cut the people and the ground out of a picture, which is open already.

    Raises:
        InputError: one of its people is malformed, or a mask is missing.
    """
    people = placed_people(picture, Reduced.unchanged(*shown.size))
    for person in subjects(people, MIN_POINTS, MIN_SIDE).tolist():
        if not has_outline(picture.people[person]):
            continue
        mask = _outline(picture, picture.people[person], shown.size)
        one = People(*(getattr(people, name)[[person]] for name in PEOPLE_FIELDS))
        if _is_whole(mask, one):
            yield _cut_out(shown, mask, one, picture.source_id)
    ground = _ground(shown, picture)
    if ground is not None:
        yield Entry(to_jpeg(ground), b"", ground.size, NOBODY, picture.source_id)


def _outline(picture: Picture, person: Annotation, size: tuple[int, int]) -> Image.Image:
    """Which pixels are a person's; mode L, 255 where they are."""
    if "mask_file" in person:
        path = Path(picture.listed_in).parent / str(person["mask_file"])
        mask = read_picture(path).convert("L")
        return mask if mask.size == size else mask.resize(size, Image.Resampling.NEAREST)
    mask = Image.new("L", size)
    pen = ImageDraw.Draw(mask)
    try:
        for outline in person["segmentation"]:
            if len(outline) >= _TRIANGLE:
                pen.polygon((np.array(outline, float) - 0.5).tolist(), fill=255)
    except (ValueError, TypeError) as error:
        why = f"malformed segmentation: {type(error).__name__} {error}"
        fix = "each polygon is a list of numbers, x and y of its corners"
        raise InputError(why, where=picture.where, fix=fix) from error
    return mask


def _is_whole(mask: Image.Image, person: People) -> bool:
    """Whether visible points are on the mask, and only the picture's lower edge cuts it off."""
    covered = np.asarray(mask) > 0
    if covered[0].any() or covered[:, 0].any() or covered[:, -1].any():
        return False
    height, width = covered.shape
    points = person.keypoints[0]
    columns, rows = np.rint(points[points[:, 2] == 2, :2]).astype(int).T
    is_there = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    if not is_there.any():
        return False
    grown = np.asarray(mask.filter(ImageFilter.MaxFilter(_REACH)))
    near = grown[rows[is_there], columns[is_there]] > 0
    return bool(near.mean() >= _INSIDE_SHARE)


def _cut_out(shown: Image.Image, mask: Image.Image, person: People, source_id: int) -> Entry:
    left, upper, right, lower = mask.getbbox() or (0, 0, *mask.size)
    box = (
        max(left - _MARGIN, 0),
        max(upper - _MARGIN, 0),
        min(right + _MARGIN, shown.width),
        min(lower + _MARGIN, shown.height),
    )
    part, outline = shown.crop(box), mask.crop(box)
    factor = min(LONGEST / max(part.size), 1.0)
    width, height = (max(round(side * factor), 1) for side in part.size)
    place = Reduced(*part.size, (width, height))
    if factor < 1:
        part, outline = (one.resize(place.size, Image.Resampling.BOX) for one in (part, outline))
    points = person.keypoints.copy()
    points[..., :2] = place.points(points[..., :2] - box[:2])
    points[points[..., 2] == 0] = 0
    bbox = person.bbox - np.array((*box[:2], 0, 0))
    bbox[:, :2], bbox[:, 2:] = place.points(bbox[:, :2]), bbox[:, 2:] * place.factors
    area = np.array([np.count_nonzero(np.asarray(outline) >= 128)], np.float32)
    moved = People(points, bbox.astype(np.float32), area, person.iscrowd)
    contents = io.BytesIO()
    outline.point(lambda value: 255 * (value >= 128)).convert("1").save(contents, "PNG")
    return Entry(to_jpeg(part), contents.getvalue(), place.size, moved, source_id)


def _ground(shown: Image.Image, picture: Picture) -> Image.Image | None:
    """The largest stretch of a picture without people; None where there is none worth it."""
    boxes = [tuple(map(float, person["bbox"])) for person in picture.people]
    left, upper, right, lower = free_stretch(shown.size, boxes)
    if min(right - left, lower - upper) < MIN_GROUND:
        return None
    ground = shown.crop((left, upper, right, lower))
    longest = LONGEST if picture.is_complete else COARSE
    ground.thumbnail((longest, longest), Image.Resampling.BOX)
    return ground


def free_stretch(
    size: tuple[int, int], boxes: Sequence[tuple[float, ...]]
) -> tuple[int, int, int, int]:
    """Left, upper, right, lower edge of the largest rectangle that meets none of the boxes.

    As large as whole cells of a 24x24 grid can make it.

    Args:
        size: width and height of the picture.
        boxes: x, y, width, height.
    """
    step = np.array(size) / _GRID
    taken = np.zeros((_GRID, _GRID), np.bool_)
    for x, y, width, height in boxes:
        left, upper = np.floor(np.array((x, y)) / step).astype(int).clip(0, _GRID)
        right, lower = np.ceil(np.array((x + width, y + height)) / step).astype(int).clip(0, _GRID)
        taken[upper:lower, left:right] = True
    best, area = (0, 0, 0, 0), 0
    for upper in range(_GRID):
        is_free = np.ones(_GRID, np.bool_)
        for lower in range(upper + 1, _GRID + 1):
            is_free &= ~taken[lower - 1]
            left, right = _longest_run(is_free)
            if (right - left) * (lower - upper) > area:
                best, area = (left, upper, right, lower), (right - left) * (lower - upper)
    edges = np.array(best) * np.tile(step, 2)
    left, upper = np.ceil(edges[:2]).astype(int).tolist()
    right, lower = np.floor(edges[2:]).astype(int).tolist()
    return left, upper, right, lower


def _longest_run(is_free: Bools) -> tuple[int, int]:
    """First and last plus one of the longest run of what is True."""
    padded = np.concatenate(((False,), is_free, (False,)))
    changes = np.flatnonzero(padded[1:] != padded[:-1])
    if not len(changes):
        return 0, 0
    starts, ends = changes[::2], changes[1::2]
    longest = int(np.argmax(ends - starts))
    return int(starts[longest]), int(ends[longest])
