"""From which score on people are worth a person's time: found once, kept with the network.

The decoder keeps nearly everybody, as average precision asks for; most of those it is unsure of are
fragments or nobody. Shown are people whose score, the sum `Person.score`, reaches a threshold: the
one with the highest F1 of people found at an OKS of 0.5, on pictures that nothing was learned from.
A threshold on the mean of the score over the parts tells people from fragments worse.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ai8x_models.checkpoint import load_checkpoint, save_checkpoint
from ai8x_models.tasks.pose.metrics import Detections, Truth, count_people, ranked_hits
from max78000.apps.pose.arrays import Bools
from max78000.apps.pose.shown import SHOWN_SCORE, checked_shown_score
from max78000.errors import InputError

FOUND_OKS = 0.5  # from where on a person counts as found


def best_shown_score(truths: Sequence[Truth], found: Sequence[Detections]) -> float:
    """Find the score from which on the people shown have the highest F1; NaN if nobody is hit.

    Of equally good scores it is the highest.

    Args:
        truths: labelled people, an entry per image.
        found: everybody who was decoded, with `Person.score` as scores; same images, same order.
    """
    ranked = ranked_hits(truths, found, FOUND_OKS)
    if not ranked.hit.any():
        return math.nan
    n_shown = np.arange(1, len(ranked.hit) + 1)
    f1 = 2 * np.cumsum(ranked.hit) / (n_shown + count_people(truths))
    is_last = np.append(ranked.scores[1:] < ranked.scores[:-1], True)  # equal scores: all or none
    return float(ranked.scores[np.where(is_last, f1, 0.0).argmax()])


def f1_of(truths: Sequence[Truth], shown: Sequence[Detections]) -> float:
    """F1 of people at an OKS of 0.5; NaN if there is nobody to find.

    Args:
        truths: labelled people, an entry per image.
        shown: the people who are shown, same images in the same order.
    """
    n_people = count_people(truths)
    if n_people == 0:
        return math.nan
    hit = ranked_hits(truths, shown, FOUND_OKS).hit
    return float(2 * hit.sum() / (len(hit) + n_people))


def shown_of(found: Detections, least: float) -> Detections:
    """Those of the people of an image whose score reaches `least`; NaN: all."""
    shown = ~(found.scores < least)
    return Detections(found.keypoints[shown], found.scores[shown])


def are_empty(truths: Sequence[Truth], is_whole: Sequence[bool]) -> Bools:
    """Bool (images,): where nobody is, of which we can only be sure if all people are labelled.

    Args:
        truths: labelled people, an entry per image; those who are ignored are somebody, too.
        is_whole: whether all people of an image are labelled.
    """
    pairs = zip(truths, is_whole, strict=True)
    return np.array([whole and not len(truth.counts) for truth, whole in pairs], dtype=bool)


def false_people(empty: Bools, found: Sequence[Detections]) -> float:
    """People found per image without anybody; NaN if there is no such image."""
    counts = np.array([len(one.scores) for one in found])[empty]
    return float(counts.mean()) if len(counts) else math.nan


def stored_shown_score(extras: Mapping[str, Any], where: str) -> float | None:
    """The score that a checkpoint's extras say; None if they say none.

    Raises:
        InputError: it is no score.
    """
    return checked_shown_score(extras[SHOWN_SCORE], where) if SHOWN_SCORE in extras else None


def keep_shown_score(path: Path, score: float) -> None:
    """Write a score into a checkpoint; all else in it stays.

    Raises:
        InputError: it is no checkpoint, or cannot be written; NaN is no score.
    """
    if math.isnan(score):
        why = "finds nobody on these pictures, so no score is best"
        raise InputError(why, where=str(path), fix="train it further, or take other pictures")
    stored = load_checkpoint(path)
    save_checkpoint(path, replace(stored, extras={**stored.extras, SHOWN_SCORE: score}))
