"""A network's row of `ai8x evaluate --json`: the first score of its task, whatever that is."""

from pathlib import Path

import pytest

from ai8x_models.layers.qat import Mode
from ai8x_models.training.score_row import Asked, score_row
from ai8x_models.training.task import find_task, task_names


def row(task, **scores):
    return score_row(Asked(Path("runs/net.pth.tar"), Mode.QAT, task, "test", 30), scores)


def test_a_score_with_its_interval():
    found = row("segmentation", miou=0.5, miou_interval=[0.4, 0.6], pixel_accuracy=0.9)
    assert found.pop("score") == {
        "checkpoint": "runs/net.pth.tar", "mode": "qat", "task": "segmentation", "name": "mIoU",
        "value": 0.5, "interval": [0.4, 0.6], "split": "test", "n_examples": 30,
    }  # fmt: skip
    assert found == {"miou": 0.5, "miou_interval": [0.4, 0.6], "pixel_accuracy": 0.9}


@pytest.mark.parametrize("task", task_names())
def test_every_task_has_one(task):
    label, key = next(iter(find_task(task).shown_scores.items()))
    score = row(task, **{key: 0.25})["score"]
    assert (score["name"], score["value"], score["interval"]) == (label, 0.25, None)


@pytest.mark.parametrize("nothing", [None, float("nan")])
def test_nothing_to_score(nothing):
    score = row("regression", r2=nothing, r2_interval=[None, None])["score"]
    assert (score["value"], score["interval"]) == (None, None)
