"""Losses and scores of classification, each by itself."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from ai8x_models.tasks.classify.losses import ClassLoss
from ai8x_models.tasks.classify.recipe import LossPlan
from ai8x_models.tasks.classify.scores import ClassScores
from ai8x_models.tasks.sampled.class_weights import class_weights
from ai8x_models.training.batches import Batch
from max78000.errors import InputError


def batch(teacher=None):
    return Batch(torch.zeros(2, 1), torch.tensor([0, 2]), torch.ones(1), teacher)


def test_entropy_is_weighted_and_smoothed():
    weights, scores = torch.tensor([1.0, 2.0, 3.0]), torch.randn(2, 3, 1, 1)
    loss = ClassLoss(LossPlan(label_smoothing=0.1), weights)
    wanted = F.cross_entropy(scores.flatten(1), torch.tensor([0, 2]), weights, label_smoothing=0.1)
    assert loss.to_truth(scores, batch())["entropy"] == wanted


def test_a_teacher_that_agrees_costs_nothing():
    scores = torch.randn(2, 3)
    loss = ClassLoss(LossPlan(), torch.ones(3))
    same = loss.to_teacher(scores, batch(scores + 5))["divergence"]
    assert same.item() == pytest.approx(0, abs=1e-6)
    assert loss.to_teacher(scores, batch(-scores))["divergence"] > 0.01


def test_classes_that_balance_count_alike():
    targets = np.array([0, 0, 0, 1])
    weights = class_weights(LossPlan(balance=True), "ab", targets)
    assert weights.tolist() == pytest.approx([4 / 6, 2])
    given = class_weights(LossPlan(class_weights={"b": 3}), "ab", targets)
    assert given.tolist() == [1, 3]
    with pytest.raises(InputError, match=r"there is no class 'c' \(classes are a, b\)"):
        class_weights(LossPlan(class_weights={"c": 1}), "ab", targets)


def test_scores_of_a_few_answers():
    scores = ClassScores.of("abc", np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]))
    assert scores.confusion.tolist() == [[1, 1, 0], [0, 2, 0], [0, 0, 0]]
    assert (scores.accuracy, scores.recall) == (0.75, (0.5, 1.0, None))
    assert scores.precision == (1.0, pytest.approx(2 / 3), None)
    assert scores.f1 == pytest.approx((2 / 3 + 0.8) / 2)
    assert scores.to_text().splitlines()[1].split() == ["a", "1", "1", "0", "50.0%"]
    assert scores.to_json()["recall"]["c"] is None


def test_a_network_of_another_number_of_scores_is_refused():
    batch = Batch(torch.zeros(2, 1), torch.tensor([0, 1]), torch.ones(1))
    with pytest.raises(InputError, match="gives 5 scores for 3 classes"):
        ClassLoss(LossPlan(), torch.ones(3)).to_truth(torch.zeros(2, 5), batch)
