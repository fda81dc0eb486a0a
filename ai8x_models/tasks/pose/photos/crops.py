"""People of photographs, one in the middle of each crop: what validates and tests.

The person that a crop was made for is the first one of its people.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ai8x_models.tasks.pose.data.cache_coco import Listing, Picture, placed_people, uncounted
from ai8x_models.tasks.pose.data.cache_file import Record
from ai8x_models.tasks.pose.data.people import People
from ai8x_models.tasks.pose.figures.figures import Figure
from ai8x_models.tasks.pose.photos.album import MASK_STEP
from ai8x_models.tasks.pose.photos.reduced import Reduced
from ai8x_models.tasks.pose.photos.view import View
from max78000.apps.pose.arrays import Indexes
from max78000.apps.pose.picture import read_picture

MIN_POINTS, MIN_SIDE = 8, 96  # labelled points, pixels of the picture, for a crop of one's own


def crop_records(folder: Path, listing: Listing) -> Iterator[Record]:
    """One record for every person who is large and well known enough.

    Raises:
        InputError: a picture is missing or broken, or an annotation malformed.
    """
    for picture in listing.pictures:
        yield from _crops(folder, picture)


def subjects(people: People, min_points: int, min_side: float) -> Indexes:
    """Those people who have as many labelled points and as long a side, and are no crowd."""
    n_points = np.count_nonzero(people.keypoints[..., 2] > 0, axis=1)
    side = people.bbox[:, 2:].max(axis=1, initial=0)
    return np.flatnonzero((n_points >= min_points) & (side >= min_side) & (people.iscrowd == 0))


def _crops(folder: Path, picture: Picture) -> Iterator[Record]:
    shown = read_picture(folder / picture.file_name)
    place = Reduced.unchanged(*shown.size)
    people = placed_people(picture, place)
    mask = uncounted(picture, place.divided(MASK_STEP), place.divided(MASK_STEP).size)
    for chosen in subjects(people, MIN_POINTS, MIN_SIDE).tolist():
        if picture.people[chosen].get("pseudo"):  # estimated, not labelled: no measure
            continue
        view = View.of_person(people.bbox[chosen])
        order = [chosen, *(k for k in range(len(people.area)) if k != chosen)]
        keypoints, boxes = view.keypoints(people.keypoints), view.boxes(people.bbox)
        figure = Figure(
            image=view.image(shown),
            keypoints=keypoints[order].astype(np.float32),
            bbox=boxes[order].astype(np.float32),
            area=(people.area[order] * view.scale**2).astype(np.float32),
            iscrowd=people.iscrowd[order],
            loss_mask=255 - view.mask(mask, 1 / MASK_STEP),
        )
        yield Record(figure, picture.source_id, view.to_source.astype(np.float32))
