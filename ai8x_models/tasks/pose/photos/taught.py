"""Keypoints that a network of the user's says, where nobody has labelled any.

People who have a box but no keypoints are shown to the teacher, cut out as squares, once as they
are and once mirrored. A point counts as far as the teacher trusts it and agrees with itself; who is
not trusted as a whole stays without keypoints, so nothing is learned there. Around single points
that are not trusted nothing is learned either (`cache_coco.uncounted`).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ai8x_models.tasks.pose.data.cache_coco import Annotation, Listing, Picture, has_keypoints
from ai8x_models.tasks.pose.photos.answers import Answers
from ai8x_models.tasks.pose.photos.view import FLIP_COCO
from ai8x_models.training.progress import Progress, no_progress
from max78000.apps.pose.arrays import Floats, Uint8s
from max78000.apps.pose.picture import read_picture
from max78000.apps.pose.skeleton import COCO_SIGMAS, N_COCO
from max78000.errors import InputError

# A crop (S, S, 3) RGB to COCO-17 points (17, 3): x, y in its pixels, trust 0..1.
Ask = Callable[[Uint8s], Any]

VISIBLE, HIDDEN = 0.5, 0.2  # trust from which a point counts as visible, as hidden
_SIDE = 1.25  # of the crop, per longer side of the box
_AREA = 0.53  # of a person, per area of the box
_SMALLEST = 8  # pixels of a crop's side
WANTED = "let it give a function that takes a crop, uint8 (S, S, 3), and returns 17 x (x, y, trust)"


@dataclass(frozen=True, slots=True)
class Teacher:
    """A network of the user's that says keypoints; `teacher_file.py` reads one.

    Args:
        word: `FILE.py:NAME` that made it, for messages.
        ask: the network; raises `InputError` where it fails.
        least_trust: of a person, from which his keypoints are taken.
        stamp: tells it from other networks.
        answers: what it has said, which it is not asked again; None: it is always asked.
    """

    word: str
    ask: Ask
    least_trust: float
    stamp: str = ""
    answers: Answers | None = None

    def points(self, crop: Uint8s, area: float) -> Floats:
        """Keypoints (17, 3) of the person in a crop: x, y in its pixels, trust 0..1.

        They are the mean of what is said of the crop and of its mirror image; the trust falls with
        their distance as OKS does.

        Args:
            crop: (S, S, 3), RGB.
            area: of the person, in its pixels.

        Raises:
            InputError: the teacher fails, or says something else.
        """
        plain, mirrored = self._said(crop), self._said(np.ascontiguousarray(crop[:, ::-1]))
        mirrored = mirrored[list(FLIP_COCO)]
        mirrored[:, 0] = len(crop) - 1 - mirrored[:, 0]
        apart = np.square(plain - mirrored)[:, :2].sum(axis=1)
        variance = np.square(2 * np.array(COCO_SIGMAS)) * 2 * max(area, 1.0)
        mean: Floats = (plain + mirrored) / 2
        mean[:, 2] *= np.exp(-apart / variance)
        return mean

    def _said(self, crop: Uint8s) -> Floats:
        if self.answers is None:
            return self._asked(crop)
        points = self.answers.of(crop)
        if points is None:
            points = self._asked(crop)
            self.answers.add(crop, points)
        return points

    def _asked(self, crop: Uint8s) -> Floats:
        said = self.ask(crop)
        try:
            points = np.array(said, np.float64)
        except (TypeError, ValueError):
            points = np.empty(0)
        if points.shape != (N_COCO, 3):
            problem = f"an array {points.shape}"
        elif not np.isfinite(points).all():
            problem = "numbers that are not finite"
        elif (points[:, 2] < 0).any() or (points[:, 2] > 1).any():
            problem = "trust that is not from 0 to 1"
        else:
            return points
        raise InputError(f"gives {problem} for a crop", where=self.word, fix=WANTED)


def taught(
    listing: Listing, images: Path, teacher: Teacher, progress: Progress = no_progress
) -> Listing:
    """Give people without keypoints those that a teacher says.

    Args:
        listing: the pictures; people in crowds, and those who have keypoints, stay as they are.
        images: their folder.
        teacher: who is asked.
        progress: called after every picture.

    Raises:
        InputError: a picture is missing or broken, a box malformed, or the teacher fails.
    """
    pictures = []
    for done, picture in enumerate(listing.pictures, start=1):
        pictures.append(_taught_picture(picture, images, teacher))
        progress(done, len(listing.pictures))
    return replace(listing, pictures=tuple(pictures))


def what_is_new(before: Listing, after: Listing) -> list[dict[str, Any]]:
    """Annotations of the people to whom `taught` gave keypoints, with the ids of their pictures."""
    pairs = (
        (one.source_id, old, new)
        for one, other in zip(before.pictures, after.pictures, strict=True)
        for old, new in zip(one.people, other.people, strict=True)
    )
    return [{"image_id": number, **new} for number, old, new in pairs if new is not old]


def _taught_picture(picture: Picture, images: Path, teacher: Teacher) -> Picture:
    if not any(map(is_unlabelled, picture.people)):
        return picture
    shown = read_picture(images / picture.file_name)
    people = [
        _taught_person(one, shown, teacher, picture.where) if is_unlabelled(one) else one
        for one in picture.people
    ]
    return replace(picture, people=tuple(people))


def is_unlabelled(person: Annotation) -> bool:
    """Whether somebody has a box and no keypoints, and is no crowd."""
    return not person.get("iscrowd", 0) and not has_keypoints(person)


def _taught_person(
    person: Annotation, shown: Image.Image, teacher: Teacher, where: str
) -> Annotation:
    """The person with what the teacher says; as before, if he is not trusted."""
    try:
        x, y, width, height = map(float, person["bbox"])
    except (KeyError, TypeError, ValueError) as error:
        fix = "each needs a bbox of 4"
        raise InputError("malformed person", where=where, fix=fix) from error
    side = max(round(_SIDE * max(width, height)), _SMALLEST)
    corner = np.array([x + (width - side) / 2, y + (height - side) / 2]).round()
    box = (*corner.astype(int).tolist(), *(corner.astype(int) + side).tolist())
    crop = np.asarray(shown.crop(box), np.uint8)
    points = teacher.points(crop, person.get("area") or _AREA * width * height)
    trust = points[:, 2]
    if trust.mean() < teacher.least_trust:
        return person
    points[:, :2] += corner
    flags = np.where(trust >= VISIBLE, 2, np.where(trust >= HIDDEN, 1, 0))
    keypoints = np.column_stack((points[:, :2].round(2), flags))
    return {
        **person,
        "keypoints": keypoints.ravel().tolist(),
        "num_keypoints": int(np.count_nonzero(flags)),
        "pseudo": True,
        "confidence": round(float(trust.mean()), 4),
        "kp_confidence": trust.round(4).tolist(),
    }
