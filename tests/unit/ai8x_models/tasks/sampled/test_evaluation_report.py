"""The page of an evaluation shows figures and the worst examples of every task."""

import io
import re
from base64 import b64decode
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from reported import KINDS, N, autoencoder, evaluation

from ai8x_models.tasks.sampled.charts import Bar, Series, bars, chart
from ai8x_models.tasks.sampled.report import N_WORST, report_page, worst_examples

TITLES = {
    "classification": ["Confusion matrix", "Classes", "Calibration: "],
    "segmentation": ["Intersection over union", "Classes", "What pixels are taken for"],
    "detection": ["Precision over recall, at an overlap of 0.5", "Classes"],
    "keypoints": ["Correct points by distance (PCK)", "Points"],
    "regression": ["Answers over targets", "How errors are spread", "Numbers"],
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_task_has_figures_and_worst_examples(kind):
    one, samples = evaluation(kind)
    page = report_page([one], samples, "test")
    titles = re.findall(r"<h2>(.*?)</h2>", page)
    assert titles[0] == "Scores"
    assert titles[-1] == "Worst examples"
    for found, wanted in zip(titles[1:-1], TITLES[kind], strict=True):
        assert found.startswith(wanted)
    for svg in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        ElementTree.fromstring(svg)
    assert "<one>" not in page
    assert not re.search(r'(src|href)="(?!data:)', page)


@pytest.mark.parametrize(("kind", "names"), [
    ("classification", [""]),
    ("regression", [""]),
    ("segmentation", ["is", "answered"]),
    ("detection", ["is", "answered"]),
    ("keypoints", ["is", "answered"]),
])  # fmt: skip
def test_answers_that_have_a_place_are_drawn_beside_what_they_should_be(kind, names):
    one, samples = evaluation(kind)
    worst = worst_examples(one, samples)
    assert len(worst) == N_WORST
    for example in worst:
        assert [name for name, _ in example.pictures] == names
        pictures = [opened(address) for _, address in example.pictures]
        assert min(min(picture.size) for picture in pictures) >= 160
        assert len({picture.tobytes() for picture in pictures}) == len(names)


def test_an_autoencoder_s_picture_stands_beside_what_it_gives_back():
    one, samples = autoencoder()
    example = worst_examples(one, samples)[0]
    assert [name for name, _ in example.pictures] == ["is", "answered"]
    page = report_page([one], samples, "test")
    assert "How errors are spread" in page
    assert "Answers over targets" not in page  # of hundreds of pixels


def test_the_worst_come_first():
    one, samples = evaluation("keypoints")
    far = one.answers.copy()
    far[7, :, :2] += 0.4
    errors = one.network.answer.errors(far, samples.targets)
    assert errors.argmax() == 7
    assert errors.shape == (N,)


def test_errors_of_a_detector_are_objects_missed_and_boxes_around_none():
    one, samples = evaluation("detection")
    answers = np.zeros_like(one.answers)
    answers[..., 4] = -1
    answers[0, 0] = [*samples.targets[0, 0], 0.9]  # found
    answers[1, 0] = [0, 0, 0.1, 0.1, 1, 0.9]  # one missed, one wrong
    answers[2, 0] = [*samples.targets[2, 0], 0.1]  # not shown
    answers[3, 0] = [*samples.targets[3, 0, :4], 2, 0.9]  # of another class
    errors = one.network.answer.errors(answers, samples.targets)
    assert errors[:4].tolist() == [0, 2, 1, 2]


def test_errors_of_masks_are_what_the_mean_iou_lacks():
    one, samples = evaluation("segmentation")
    targets, answers = samples.targets[:3].copy(), samples.targets[:3].copy()
    answers[1] = 0
    targets[2] = 255  # nothing counts
    errors = one.network.answer.errors(np.where(answers == 255, 0, answers), targets)
    counts = np.bincount(targets[1][targets[1] != 255])
    assert errors.tolist() == [0, pytest.approx(1 - counts[0] / counts.sum() / 3), 0]


def test_charts_take_what_does_not_vary_and_shares_that_are_not_known():
    flat = chart("flat", ("a", "b"), [Series("<x>", np.ones(3), np.zeros(3))])
    ElementTree.fromstring(flat)
    two = chart("two", ("a", "<b>"), [Series(n, np.arange(3), np.arange(3)) for n in ("<x>", "y")])
    assert "&lt;x&gt;" in two
    assert "&lt;b&gt;" in two
    picture = bars("shares", [Bar("a", None), Bar("b", 0.5), Bar("c", 0.25, (0.2, 0.3))])
    assert picture.count("<rect") == 2
    ElementTree.fromstring(picture)


def opened(address):
    return Image.open(io.BytesIO(b64decode(address.partition(",")[2])))
