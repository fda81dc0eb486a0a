"""Calibration, and the page of an evaluation: whole in itself, whatever the network says."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
import torch

from ai8x_models.tasks.classify.answer import ClassShares
from ai8x_models.tasks.classify.calibration import Calibration
from ai8x_models.tasks.sampled.machine import Agreement
from ai8x_models.tasks.sampled.network import TrainedNetwork
from ai8x_models.tasks.sampled.report import N_WORST, Evaluated, report_page
from ai8x_models.training.data.open import open_samples
from ai8x_models.training.data.plan import DataPlan
from ai8x_models.zoo.registry import create_model


def test_calibration_is_counted_by_bins():
    shares = np.array([[0.95, 0.05], [0.92, 0.08], [0.4, 0.6], [1.0, 0.0]])
    found = Calibration.of(shares, np.array([0, 1, 1, 0]))
    assert found.counts.tolist() == [0, 0, 0, 0, 0, 0, 1, 0, 0, 3]
    assert found.accuracy[9] == pytest.approx(2 / 3)
    assert found.confidence[9] == pytest.approx((0.95 + 0.92 + 1) / 3)
    by_hand = (abs(1 - 0.6) + 3 * abs(2 / 3 - 2.87 / 3)) / 4
    assert found.error == pytest.approx(by_hand)


def test_sure_and_right_is_calibrated():
    found = Calibration.of(np.eye(3), np.arange(3))
    assert found.error == 0
    assert found.summary == "mean confidence 100.0%, expected calibration error 0.0%"


@pytest.fixture
def page():
    torch.manual_seed(0)
    samples = open_samples(DataPlan("toy:digits", count=60), "train")
    form = ClassShares(("<one>", *samples.classes[1:]))
    network = TrainedNetwork(create_model("DigitNet"), samples.form, form)
    answers = network.answers_on(samples)
    one = Evaluated("a/q.pth.tar", network, answers, form.score(answers, samples.targets))
    return report_page((one, one), samples, "train", Agreement(3, ()))


@pytest.mark.long
def test_the_page_shows_scores_pictures_and_the_worst(page):
    assert page.count("<td>float</td>") == 2
    assert "equal to PyTorch on 3 of 3 examples" in page
    assert page.count("data:image/png;base64,") == N_WORST
    for svg in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        ElementTree.fromstring(svg)
    assert re.findall(r"<h2>(.*?)</h2>", page)[:3] == ["Scores", "Confusion matrix", "Classes"]


@pytest.mark.long
def test_the_page_needs_nothing_and_names_are_text(page):
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert "<script" not in page
    assert "<one>" not in page
    assert "&lt;one&gt;" in page
