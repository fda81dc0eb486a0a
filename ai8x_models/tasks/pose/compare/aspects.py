"""What a single number hides: points missed, points misplaced, company, and what is hidden.

Average precision mixes all four. Here each has a number of its own, over the same pictures: a
person is compared with the detection that is most similar to it by OKS.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from ai8x_models.tasks.pose.metrics import (
    PCK_SHARE,
    Detections,
    Truth,
    oks,
    score_oks,
    torso_px,
)
from ai8x_models.tasks.pose.shown import FOUND_OKS, are_empty, false_people
from max78000.apps.pose.arrays import Bools
from max78000.apps.pose.skeleton import N_COCO

SAME_OKS = 0.1  # below it the most similar detection is of somebody else, or of nobody
_SEEN = 2  # COCO's visibility of a point that is not hidden


@dataclass(frozen=True, slots=True)
class Aspects:
    """Shares 0..1, if nothing else is said; NaN where the pictures have nothing of the kind.

    Args:
        detection: labelled points of which the person's detection says anything, wherever it says
            they are; a detection with an OKS below 0.1 is not the person's.
        localization: mean OKS of the people who are found, that is 0.5 to 1.
        several: AP50 over the pictures with more than one person.
        occlusion: hidden points found within 0.2 of the torso (PCK@0.2).
        visible: the same of points that can be seen.
        false_people: people decoded per picture without anybody, shown or not; may be more than 1.
    """

    detection: float
    localization: float
    several: float
    occlusion: float
    visible: float
    false_people: float

    def to_json(self) -> dict[str, float | None]:
        """Plain data; NaN is None."""
        return {name: None if math.isnan(value) else value for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class _Person:
    """A labelled person beside the most similar detection; bool arrays (17,).

    Args:
        similarity: their OKS; 0 if nothing was detected.
        labelled: points of the person.
        seen: those of them that are not hidden.
        answered: points of the detection.
        near: of these, the ones within 0.2 of the torso.
        has_torso: whether `near` means anything.
    """

    similarity: float
    labelled: Bools
    seen: Bools
    answered: Bools
    near: Bools
    has_torso: bool


def aspects_of(
    truths: Sequence[Truth], found: Sequence[Detections], is_whole: Sequence[bool]
) -> Aspects:
    """Look at every aspect of what was found.

    Args:
        truths: labelled people, an entry per image.
        found: what a network says, same images in the same order.
        is_whole: whether all people of an image are labelled: only then it can be empty.
    """
    pairs = list(zip(truths, found, strict=True))
    people = [person for pair in pairs for person in _people(*pair)]
    measured = [person for person in people if person.has_torso]
    company = [pair for pair in pairs if np.count_nonzero(pair[0].counts) > 1]
    several = score_oks([truth for truth, _ in company], [one for _, one in company])
    return Aspects(
        detection=_mean([person.answered[person.labelled] for person in people]),
        localization=_mean([[one.similarity] for one in people if one.similarity >= FOUND_OKS]),
        several=several.ap50,
        occlusion=_mean([one.near[one.labelled & ~one.seen] for one in measured]),
        visible=_mean([one.near[one.seen] for one in measured]),
        false_people=false_people(are_empty(truths, is_whole), found),
    )


def _people(truth: Truth, found: Detections) -> Iterator[_Person]:
    """The people of a picture who count."""
    similarity = oks(found.keypoints, truth)
    nothing = np.zeros(N_COCO, dtype=bool)
    for person in np.flatnonzero(truth.counts):
        points, labelled = truth.keypoints[person], truth.labelled[person]
        seen = points[:, 2] == _SEEN
        torso = torso_px(points)
        if not len(similarity):
            yield _Person(0.0, labelled, seen, nothing, nothing, torso > 0)
            continue
        index = int(similarity[:, person].argmax())
        best = found.keypoints[index]
        if similarity[index, person] < SAME_OKS:  # somebody else's
            best = np.zeros_like(best)
        answered = best[:, 2] > 0
        near = answered & (np.hypot(*(best - points)[:, :2].T) <= PCK_SHARE * torso)
        yield _Person(float(similarity[index, person]), labelled, seen, answered, near, torso > 0)


def _mean(parts: Sequence[Sequence[float] | Bools]) -> float:
    """Mean of all numbers of all parts; NaN if there is none."""
    numbers = np.concatenate([np.asarray(part, np.float64) for part in parts] or [np.empty(0)])
    return float(numbers.mean()) if len(numbers) else math.nan
