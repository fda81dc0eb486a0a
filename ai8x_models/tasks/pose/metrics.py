"""Scores of detected people against labelled ones: COCO's keypoint AP, and PCK by joint group.

Own and small, so that training needs no pycocotools; a test holds it equal to pycocotools 2.0.11
(cocoeval.py) to 1e-6. Only the area range "all": COCO's medium and large mean source pixels.
It refuses to know networks, decoders and files; `evaluate.py` brings those together.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ai8x_models.training.intervals import Interval, bootstrap_interval
from max78000.apps.pose.arrays import Array, Bools, Floats, Indexes
from max78000.apps.pose.skeleton import COCO_SIGMAS, N_COCO

MAX_DETECTIONS = 20  # of one image, best first
N_RECALL_POINTS = 101
THRESHOLDS = tuple(np.linspace(0.5, 0.95, 10).tolist())  # OKS at which a detection is a hit
TIE = 1 - 1e-10  # an OKS that counts as 1 for a threshold of 1
PCK_SHARE = 0.2  # of the torso

# Joint groups of PCK and their COCO-17 keypoints.
JOINT_GROUPS = (
    ("face", (0, 1, 2, 3, 4)),
    ("shoulders", (5, 6)),
    ("elbows", (7, 8)),
    ("wrists", (9, 10)),
    ("hips", (11, 12)),
    ("knees", (13, 14)),
    ("ankles", (15, 16)),
)
TORSO_SIDES = ((5, 11), (6, 12))  # shoulder, hip


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """Labelled people of one image.

    Args:
        keypoints: (P, 17, 3): x, y in pixels and COCO's visibility; labelled where it is > 0.
        bbox: (P, 4): x, y, width, height in pixels.
        area: (P,): square pixels of the person, the scale of OKS.
        iscrowd: (P,): whether the label covers a crowd.
    """

    keypoints: Array
    bbox: Array
    area: Array
    iscrowd: Array

    @property
    def labelled(self) -> Bools:
        """Bool (P, 17)."""
        labelled: Bools = self.keypoints[..., 2] > 0
        return labelled

    @property
    def counts(self) -> Bools:
        """Bool (P,): people to be found; the others, crowds or without keypoints, are ignored."""
        counts: Bools = self.labelled.any(axis=1) & (self.iscrowd == 0)
        return counts


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """Detected people of one image.

    Args:
        keypoints: (D, 17, 3): x, y in pixels; the third value is > 0 where the point was found,
            which matters to PCK alone: OKS measures filled points as well.
        scores: (D,): what ranks them, over all images.
    """

    keypoints: Array
    scores: Array


@dataclass(frozen=True, slots=True)
class OksScores:
    """Average precision and recall, 0..1; all NaN if no labelled person counts."""

    ap: float
    ap50: float
    ap75: float
    ar: float


@dataclass(frozen=True, slots=True, eq=False)
class RankedHits:
    """Detections of all images, best first, without those of people who are ignored.

    Args:
        scores: (D,), falling.
        hit: bool (D,): whether the detection hit somebody.
        image: (D,): of which image it is.
    """

    scores: Floats
    hit: Bools
    image: Indexes


def oks(keypoints: Array, truth: Truth) -> Floats:
    """Measure COCO's object keypoint similarity of detections (D, 17, 3) to people: (D, P), 0..1.

    A person without labelled keypoints is compared by the distance of every detected point from the
    box grown to three times its size, so that detections on it can be ignored.
    """
    delta = np.empty((len(keypoints), len(truth.keypoints), N_COCO, 2))
    delta[:] = keypoints[:, None, :, :2] - truth.keypoints[None, :, :, :2]
    bare: Bools = np.logical_not(truth.labelled.any(axis=1))
    corner, size = truth.bbox[bare, None, :2], truth.bbox[bare, None, 2:]  # (bare, 1, 2)
    point = keypoints[:, None, :, :2]  # (D, 1, 17, 2)
    below, above = corner - size - point, point - (corner + 2 * size)
    delta[:, bare] = np.maximum(below, 0) + np.maximum(above, 0)

    variance = (2 * np.array(COCO_SIGMAS)) ** 2
    scale = truth.area[:, None] + np.spacing(1)
    similarity = np.exp(-(delta**2).sum(axis=-1) / variance / scale / 2)
    weight = truth.labelled | bare[:, None]
    mean: Floats = (similarity * weight).sum(axis=-1) / weight.sum(axis=-1)
    return mean


def score_oks(truths: Sequence[Truth], detections: Sequence[Detections]) -> OksScores:
    """Score all images together; images without people count too, their detections are false.

    Args:
        truths: labels, one entry per image.
        detections: what was found, same images in the same order.
    """
    images = [_rank(truth, found) for truth, found in zip(truths, detections, strict=True)]
    n_people = count_people(truths)
    if n_people == 0:
        return OksScores(*[float("nan")] * 4)
    curves = [
        _precision_and_recall(_ranked_hits(images, threshold), n_people) for threshold in THRESHOLDS
    ]
    precision = np.array([curve[0] for curve in curves])
    return OksScores(
        ap=float(precision.mean()),
        ap50=float(precision[THRESHOLDS.index(0.5)]),
        ap75=float(precision[THRESHOLDS.index(0.75)]),
        ar=float(np.mean([curve[1] for curve in curves])),
    )


def ap_interval(truths: Sequence[Truth], detections: Sequence[Detections]) -> Interval:
    """Where AP lies on other images of the kind, with 95 % confidence; arguments as `score_oks`.

    The images are drawn anew, with all people of theirs (bootstrap): people of one image are no
    independent examples. Both ends are NaN if no labelled person counts.
    """
    images = [_rank(truth, found) for truth, found in zip(truths, detections, strict=True)]
    ranked = [_ranked_hits(images, threshold) for threshold in THRESHOLDS]
    n_people = np.array([np.count_nonzero(truth.counts) for truth in truths], np.float64)
    if not n_people.any():
        return float("nan"), float("nan")

    def ap(weight: Floats) -> float:
        total = float(weight @ n_people)
        if total == 0:
            return float("nan")
        return float(np.mean([_precision_and_recall(one, total, weight)[0] for one in ranked]))

    low, high = bootstrap_interval(len(images), lambda draws: np.array([ap(one) for one in draws]))
    return float(low), float(high)


def count_people(truths: Sequence[Truth]) -> int:
    """Count the people to be found in all images."""
    return sum(int(np.count_nonzero(truth.counts)) for truth in truths)


def ranked_hits(
    truths: Sequence[Truth], detections: Sequence[Detections], threshold: float
) -> RankedHits:
    """Say of every detection whether it hit anybody, at one OKS; arguments as `score_oks`."""
    images = [_rank(truth, found) for truth, found in zip(truths, detections, strict=True)]
    return _ranked_hits(images, threshold)


def count_correct_points(truth: Truth, found: Detections) -> tuple[Floats, Floats]:
    """Count PCK hits and labelled points of one image, (7,) each, in the order of `JOINT_GROUPS`.

    A labelled point is hit if the detection most similar to its person (highest OKS) found that
    point within 0.2 of the person's torso. The torso is the longer of the shoulder-hip distances
    labelled; people without one are left out.
    """
    hits, labelled = np.zeros(len(JOINT_GROUPS)), np.zeros(len(JOINT_GROUPS))
    similarity = oks(found.keypoints, truth)
    for person in np.flatnonzero(truth.counts):
        torso = torso_px(truth.keypoints[person])
        if torso == 0:
            continue
        is_labelled = truth.labelled[person]
        is_hit = np.zeros(N_COCO, dtype=bool)
        if len(similarity):
            best = found.keypoints[similarity[:, person].argmax()]
            delta = best[:, :2] - truth.keypoints[person, :, :2]
            is_near = np.hypot(delta[:, 0], delta[:, 1]) <= PCK_SHARE * torso
            is_hit = is_labelled & is_near & (best[:, 2] > 0)
        for group, (_, joints) in enumerate(JOINT_GROUPS):
            hits[group] += np.count_nonzero(is_hit[list(joints)])
            labelled[group] += np.count_nonzero(is_labelled[list(joints)])
    return hits, labelled


def masked_square_sum(maps: Array, target: Array, mask: Array) -> tuple[float, float]:
    """Sum mask * (maps - target)^2 and the weights, for a mean over many images.

    Args:
        maps: (C, H, W).
        target: (C, H, W).
        mask: (H, W), 0..1, for all channels.
    """
    total = (mask * (np.asarray(maps, dtype=np.float64) - target) ** 2).sum()
    return float(total), float(mask.sum() * len(maps))


@dataclass(frozen=True, slots=True, eq=False)
class _Image:
    """Best detections first, at most 20: scores (D,), OKS (D, P), and what each person is."""

    scores: Floats
    similarity: Floats
    counts: Bools
    is_crowd: Bools


@dataclass(frozen=True, slots=True, eq=False)
class _Match:
    """Of each detection (D,): whether it hit anybody, and whether that one is ignored."""

    hit: Bools
    excused: Bools


def _rank(truth: Truth, found: Detections) -> _Image:
    best = np.argsort(-found.scores, kind="stable")[:MAX_DETECTIONS]
    similarity = oks(found.keypoints[best], truth)
    return _Image(found.scores[best], similarity, truth.counts, truth.iscrowd != 0)


def _match(image: _Image, threshold: float) -> _Match:
    """Give every detection, best first, the most similar free person above the threshold.

    People who count go first, ignored ones excuse what is left; a crowd is never used up. Of
    equally similar people the last is taken.
    """
    n_detections, n_people = image.similarity.shape
    hit, excused = np.zeros(n_detections, dtype=bool), np.zeros(n_detections, dtype=bool)
    free = np.ones(n_people, dtype=bool)
    for detection, similarity in enumerate(image.similarity):
        similar = free & (similarity >= min(threshold, TIE))
        candidates = np.flatnonzero(similar & image.counts)
        if len(candidates) == 0:
            candidates = np.flatnonzero(similar)
        if len(candidates) == 0:
            continue
        last_best = candidates[::-1][similarity[candidates[::-1]].argmax()]
        hit[detection] = True
        excused[detection] = not image.counts[last_best]
        free[last_best] = image.is_crowd[last_best]
    return _Match(hit, excused)


def _ranked_hits(images: Sequence[_Image], threshold: float) -> RankedHits:
    matches = [_match(image, threshold) for image in images]
    counted = ~np.concatenate([match.excused for match in matches])
    scores = np.concatenate([image.scores for image in images])[counted]
    order = np.argsort(-scores, kind="stable")
    hit = np.concatenate([match.hit for match in matches])[counted]
    image = np.repeat(np.arange(len(images)), [len(match.hit) for match in matches])[counted]
    return RankedHits(scores[order], hit[order], image[order])


def _precision_and_recall(
    ranked: RankedHits, n_people: float, weight: Floats | None = None
) -> tuple[float, float]:
    """Mean precision over 101 recall points, and the last recall.

    Args:
        ranked: detections by falling score.
        n_people: to be found.
        weight: how often each image counts; None: once.
    """
    counts = np.ones(len(ranked.hit)) if weight is None else weight[ranked.image]
    n_hits = np.cumsum(counts * ranked.hit)
    n_false = np.cumsum(counts * ~ranked.hit)
    recall = n_hits / n_people
    precision = n_hits / (n_hits + n_false + np.spacing(1))
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    wanted = np.linspace(0, 1, N_RECALL_POINTS)
    reached = np.searchsorted(recall, wanted, side="left")
    at_recall = np.append(envelope, 0.0)[reached]  # past the last detection: 0
    return float(at_recall.mean()), float(recall[-1]) if len(recall) else 0.0


def torso_px(keypoints: Array) -> float:
    """Longer labelled shoulder-hip distance of a person (17, 3); 0 if no side has both."""
    lengths = [
        float(np.hypot(*(keypoints[shoulder, :2] - keypoints[hip, :2])))
        for shoulder, hip in TORSO_SIDES
        if keypoints[shoulder, 2] > 0 and keypoints[hip, 2] > 0
    ]
    return max(lengths, default=0.0)
