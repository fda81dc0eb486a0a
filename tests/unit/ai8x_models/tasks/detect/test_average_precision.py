import contextlib
import io

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from ai8x_models.tasks.detect.average_precision import OVERLAPS, ranked

N_CLASSES, SIDE = 3, 100


def scenes(seed, n=30):
    """Objects and boxes found, some of them nearly right; scores with ties."""
    rng = np.random.default_rng(seed)
    found, truth = [], []
    for _ in range(n):
        low = rng.uniform(0, 0.6, (rng.integers(0, 6), 2))
        corners = np.concatenate((low, low + rng.uniform(0.1, 0.4, low.shape)), axis=1)
        classes = rng.integers(0, N_CLASSES - (seed % 2), (len(low), 1))
        truth.append(np.concatenate((corners, classes), axis=1))
        again = np.repeat(truth[-1], 2, axis=0)
        again[:, :4] += rng.normal(0, 0.03, (len(again), 4)).clip(-0.045, 0.045)  # still boxes
        again = np.concatenate((again, [[0.1, 0.1, 0.5, 0.6, rng.integers(N_CLASSES)]]))
        scores = rng.integers(1, 40, (len(again), 1)) / 40
        found.append(np.concatenate((again, scores), axis=1))
    return found, truth


def of_pycocotools(found, truth):
    """AP, AP50, AP75, and the recall with 100 boxes."""

    def box(row):
        x0, y0, x1, y1 = (row[:4] * SIDE).tolist()
        return [x0, y0, x1 - x0, y1 - y0]

    objects = [
        {"id": 1 + place, "image_id": image, "category_id": int(row[4]) + 1, "bbox": box(row),
         "area": box(row)[2] * box(row)[3], "iscrowd": 0}
        for place, (image, row) in enumerate(
            (image, row) for image, rows in enumerate(truth) for row in rows)
    ]  # fmt: skip
    rows = [
        {"image_id": image, "category_id": int(row[4]) + 1, "bbox": box(row), "score": row[5]}
        for image, rows in enumerate(found)
        for row in rows
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "info": {},
            "images": [{"id": image} for image in range(len(truth))],
            "categories": [{"id": 1 + number} for number in range(N_CLASSES)],
            "annotations": objects,
        }
        coco.createIndex()
        judge = COCOeval(coco, coco.loadRes(rows), "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    return judge.stats[[0, 1, 2, 8]]


@pytest.mark.parametrize("seed", range(6))
def test_equal_to_pycocotools(seed):
    found, truth = scenes(seed)
    classes = ranked(found, truth, N_CLASSES)
    precision = np.stack([one.precision() for one in classes])
    ours = [
        np.nanmean(precision),
        np.nanmean(precision[:, 0]),
        np.nanmean(precision[:, list(OVERLAPS).index(0.75)]),
        np.nanmean([one.recall() for one in classes]),
    ]
    assert ours == pytest.approx(of_pycocotools(found, truth), abs=1e-9)
    assert 0.2 < ours[0] < 0.9


def test_all_right_is_one_and_nothing_found_is_none():
    _, truth = scenes(2)
    right = [np.concatenate((one, np.ones((len(one), 1))), axis=1) for one in truth]
    assert all(one.precision() == pytest.approx(1) for one in ranked(right, truth, N_CLASSES))
    nothing = [np.zeros((0, 6))] * len(truth)
    assert all(not one.precision().any() for one in ranked(nothing, truth, N_CLASSES))
