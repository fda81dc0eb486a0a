"""Own OKS-AP against pycocotools on random people, crowds and blanks; PCK by hand."""

import contextlib
import io
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ai8x_models.tasks.pose.metrics import (
    JOINT_GROUPS,
    Detections,
    Truth,
    ap_interval,
    count_correct_points,
    masked_square_sum,
    oks,
    score_oks,
)

coco = pytest.importorskip("pycocotools.coco", reason="of the extra `dev`")
cocoeval = pytest.importorskip("pycocotools.cocoeval", reason="of the extra `dev`")


def people(rng, n_people, crowd=0.15, bare=0.15):
    """Random labelled people of an image 128 pixels wide."""
    keypoints = np.zeros((n_people, 17, 3), dtype=np.float32)
    bbox = np.zeros((n_people, 4), dtype=np.float32)
    for person in range(n_people):
        corner, size = rng.uniform(0, 90, 2), rng.uniform(10, 60, 2)
        bbox[person] = *corner, *size
        keypoints[person, :, :2] = corner + rng.uniform(0, 1, (17, 2)) * size
        keypoints[person, :, 2] = rng.choice(3, 17, p=(0.2, 0.2, 0.6))
        if rng.random() < bare:
            keypoints[person] = 0
    iscrowd = (rng.random(n_people) < crowd).astype(np.uint8)
    return Truth(keypoints, bbox, bbox[:, 2] * bbox[:, 3] * 0.6, iscrowd)


def detections(rng, truth, spread_px=1.5, n_false=2):
    """Noisy copies of some people, some of them twice, and some that are nobody; tied scores."""
    found = []
    for keypoints in truth.keypoints:
        for _ in range(rng.choice(3, p=(0.2, 0.6, 0.2))):
            spread = rng.choice((0.3, 1.0, 2.0)) * spread_px
            found.append(keypoints + np.r_[1, 1, 0] * rng.normal(0, spread, (17, 3)))
    for _ in range(rng.integers(0, n_false + 1)):
        found.append(np.c_[rng.uniform(0, 128, (17, 2)), np.ones(17)])
    scores = np.round(rng.uniform(0, 10, len(found)), rng.choice((0, 3)))
    return Detections(np.array(found, dtype=np.float64).reshape(-1, 17, 3), scores)


def reference(truths, founds):
    """AP, AP50, AP75, AR of pycocotools, area "all"; -1 where nobody counts."""
    labels, results = [], []
    for image, (truth, found) in enumerate(zip(truths, founds, strict=True), start=1):
        for person, keypoints in enumerate(truth.keypoints):
            labels.append(
                {
                    "id": len(labels) + 1,
                    "image_id": image,
                    "category_id": 1,
                    "keypoints": keypoints.astype(float).ravel().tolist(),
                    "num_keypoints": int(np.count_nonzero(keypoints[:, 2] > 0)),
                    "bbox": truth.bbox[person].astype(float).tolist(),
                    "area": float(truth.area[person]),
                    "iscrowd": int(truth.iscrowd[person]),
                }
            )
        for keypoints, score in zip(found.keypoints, found.scores, strict=True):
            point = {"image_id": image, "category_id": 1, "score": float(score)}
            results.append({**point, "keypoints": keypoints.ravel().tolist()})
    with contextlib.redirect_stdout(io.StringIO()):
        dataset = coco.COCO()
        images = [{"id": image + 1, "width": 128, "height": 128} for image in range(len(truths))]
        dataset.dataset = {"images": images, "annotations": labels, "categories": [{"id": 1}]}
        dataset.createIndex()
        evaluation = cocoeval.COCOeval(dataset, dataset.loadRes(results), "keypoints")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return [float(evaluation.stats[i]) for i in (0, 1, 2, 5)]


def ours(truths, founds):
    scores = score_oks(truths, founds)
    values = [scores.ap, scores.ap50, scores.ap75, scores.ar]
    return [-1.0 if math.isnan(value) else value for value in values]


@pytest.mark.parametrize("seed", range(6))
def test_ap_equals_pycocotools(seed):
    rng = np.random.default_rng(seed)
    truths = [people(rng, rng.integers(0, 5)) for _ in range(40)]
    founds = [detections(rng, truth) for truth in truths]
    expected = reference(truths, founds)
    assert ours(truths, founds) == pytest.approx(expected, abs=1e-6)
    assert all(0.05 < value < 0.95 for value in expected)


def test_only_the_best_twenty_detections_count():
    rng = np.random.default_rng(3)
    truths = [people(rng, 4) for _ in range(3)]
    founds = [detections(rng, truth, n_false=60) for truth in truths]
    assert max(len(found.scores) for found in founds) > 20
    assert ours(truths, founds) == pytest.approx(reference(truths, founds), abs=1e-6)


@pytest.mark.long
@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    sizes=st.lists(st.integers(0, 3), min_size=1, max_size=4),
    crowd=st.sampled_from((0.0, 0.5, 1.0)),
    bare=st.sampled_from((0.0, 0.5, 1.0)),
    spread_px=st.sampled_from((0.0, 3.0, 20.0)),
)
def test_ap_equals_pycocotools_on_small_cases(seed, sizes, crowd, bare, spread_px):
    rng = np.random.default_rng(seed)
    truths = [people(rng, size, crowd, bare) for size in sizes]
    founds = [detections(rng, truth, spread_px) for truth in truths]
    assume(any(len(found.scores) for found in founds))  # pycocotools refuses an empty list
    assert ours(truths, founds) == pytest.approx(reference(truths, founds), abs=1e-6)


def test_no_detections_score_zero_and_nobody_to_find_scores_nan():
    rng = np.random.default_rng(0)
    nothing = Detections(np.zeros((0, 17, 3)), np.zeros(0))
    assert ours([people(rng, 2, crowd=0, bare=0)], [nothing]) == [0, 0, 0, 0]
    assert math.isnan(score_oks([people(rng, 2, crowd=1)], [nothing]).ap)
    assert math.isnan(score_oks([people(rng, 0)], [nothing]).ar)


def test_perfect_detections_score_one_and_false_ones_in_empty_images_cost():
    rng = np.random.default_rng(1)
    truths = [people(rng, 2, crowd=0, bare=0) for _ in range(10)] + [people(rng, 0)] * 10
    perfect = [Detections(truth.keypoints, np.ones(len(truth.area))) for truth in truths]
    assert ours(truths, perfect) == pytest.approx([1, 1, 1, 1])
    ghost = Detections(truths[0].keypoints, np.full(2, 5.0))
    assert score_oks(truths, perfect[:10] + [ghost] * 10).ap == pytest.approx(0.5, abs=1e-6)


def test_oks_of_one_point_follows_the_formula():
    truth = people(np.random.default_rng(2), 1, crowd=0, bare=0)
    truth.keypoints[0, :, 2] = 0
    truth.keypoints[0, 9, 2] = 1  # a wrist: 0.062
    shifted = truth.keypoints + np.array((3, 4, 0))
    expected = math.exp(-25 / (2 * float(truth.area[0]) * (2 * 0.062) ** 2))
    assert oks(shifted, truth) == pytest.approx(np.array([[expected]]), rel=1e-5)


def standing_person():
    """Torso 40 px, all points labelled."""
    keypoints = np.zeros((1, 17, 3))
    keypoints[0, :, 0], keypoints[0, :, 1], keypoints[0, :, 2] = 60, np.arange(17) * 6, 2
    keypoints[0, (11, 12), 1] = keypoints[0, (5, 6), 1] + 40
    box, area = np.array([[50, 0, 20, 100]]), np.array([2000.0])
    return Truth(keypoints, box, area, np.zeros(1))


def test_pck_counts_points_within_a_fifth_of_the_torso():
    truth = standing_person()
    found = truth.keypoints.copy()
    found[0, 9, 0] += 7.9
    found[0, 10, 0] += 8.1  # too far
    found[0, 13, 2] = 0  # filled, not found
    hits, labelled = count_correct_points(truth, Detections(found, np.ones(1)))
    share = {name: hits[i] / labelled[i] for i, (name, _) in enumerate(JOINT_GROUPS)}
    assert share == {
        **dict.fromkeys(("face", "shoulders", "elbows", "hips", "ankles"), 1.0),
        **dict.fromkeys(("wrists", "knees"), 0.5),
    }


def test_pck_takes_the_most_similar_detection_and_skips_people_without_a_torso():
    truth = standing_person()
    far = truth.keypoints + np.array((30, 0, 0))
    both = np.concatenate((far, truth.keypoints))
    hits, labelled = count_correct_points(truth, Detections(both, np.array((9.0, 1.0))))
    assert hits.sum() == labelled.sum() == 17
    hits, labelled = count_correct_points(truth, Detections(far[:0], np.zeros(0)))
    assert (hits.sum(), labelled.sum()) == (0, 17)
    truth.keypoints[0, (5, 12), 2] = 0
    assert count_correct_points(truth, Detections(both, np.ones(2)))[1].sum() == 0


def test_masked_cells_do_not_count():
    maps, target = np.zeros((3, 2, 2)), np.ones((3, 2, 2))
    target[:, 0, 0] = 100
    mask = np.array(((0, 1), (1, 0.5)))
    assert masked_square_sum(maps, target, mask) == (7.5, 7.5)


# -- where AP lies on other images -----------------------------------------------------------------


@pytest.mark.long
def test_the_interval_is_that_of_images_drawn_anew():
    """Against drawing lists of images and scoring each, with the draws that the interval takes."""
    rng = np.random.default_rng(4)
    truths = [people(rng, rng.integers(0, 4)) for _ in range(12)]
    founds = [detections(rng, truth) for truth in truths]
    draws = np.random.default_rng(0).multinomial(12, np.full(12, 1 / 12), 500)[:40]
    literal = []
    for counts in draws:
        chosen = np.repeat(np.arange(12), counts)
        literal.append(score_oks([truths[i] for i in chosen], [founds[i] for i in chosen]).ap)
    weighted = [_weighted_ap(truths, founds, counts) for counts in draws]
    assert weighted == pytest.approx(literal, abs=1e-12)
    low, high = ap_interval(truths, founds)
    assert low < score_oks(truths, founds).ap < high


def _weighted_ap(truths, founds, counts):
    """AP if images count so often, by the interval of a single such draw."""

    def only_this(_n_images, score):
        ap = score(counts[None].astype(np.float64))
        return ap[0], ap[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ai8x_models.tasks.pose.metrics.bootstrap_interval", only_this)
        return ap_interval(truths, founds)[0]


@pytest.mark.long
def test_more_images_tell_more():
    rng = np.random.default_rng(9)

    def width(n_images):
        truths = [people(rng, 1, crowd=0, bare=0) for _ in range(n_images)]
        low, high = ap_interval(truths, [detections(rng, truth) for truth in truths])
        return high - low

    assert width(160) < 0.6 * width(20)


def test_where_nobody_counts_there_is_no_interval():
    nobody = people(np.random.default_rng(1), 0)
    assert np.isnan(ap_interval([nobody], [detections(np.random.default_rng(1), nobody)])).all()
