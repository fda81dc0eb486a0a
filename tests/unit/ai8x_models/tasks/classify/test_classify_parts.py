"""Losses, scores and augmentations of classification, each by itself."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from ai8x_models.tasks.classify.augment import augmented
from ai8x_models.tasks.classify.losses import ClassLoss, class_weights
from ai8x_models.tasks.classify.recipe import AugmentPlan, LossPlan
from ai8x_models.tasks.classify.scores import ClassScores, wilson_interval
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


def test_wilson_s_interval_by_its_definition():
    """Its ends are the shares from which what was seen is z deviations away."""
    low, high = wilson_interval(7, 20)
    for end in (low, high):
        assert abs(7 / 20 - end) == pytest.approx(1.959964 * math.sqrt(end * (1 - end) / 20))
    assert wilson_interval(5, 5)[1] == 1
    assert 0 == wilson_interval(0, 5)[0] < wilson_interval(0, 5)[1] < 0.5


def test_augmentation_moves_mirrors_and_disturbs():
    rng = np.random.default_rng(0)
    inputs = rng.integers(-128, 128, (64, 2, 5, 7)).astype(np.int8)
    before = inputs.copy()
    same = augmented(inputs, AugmentPlan(), np.random.default_rng(1))
    np.testing.assert_array_equal(same, before)
    mirrored = augmented(inputs, AugmentPlan(flip=True), np.random.default_rng(1))
    is_flipped = [
        np.array_equal(one, two[..., ::-1]) for one, two in zip(mirrored, before, strict=True)
    ]
    assert 16 < sum(is_flipped) < 48
    moved = augmented(inputs, AugmentPlan(shift=1), np.random.default_rng(1))
    assert set(np.unique(moved)) <= set(np.unique(before))
    assert any(np.array_equal(a[:, 1:], b[:, :-1]) for a, b in zip(moved, before, strict=True))
    noisy = augmented(inputs, AugmentPlan(noise=0.1, brightness=0.1), np.random.default_rng(1))
    assert 5 < np.abs(noisy.astype(int) - before).mean() < 30
    np.testing.assert_array_equal(inputs, before)


def test_signals_move_along_time_alone():
    signal = np.tile(np.arange(9, dtype=np.int8), (4, 3, 1))
    moved = augmented(signal, AugmentPlan(shift=2), np.random.default_rng(0))
    assert (moved[:, 0] == moved[:, 2]).all()
    assert set((moved[:, 0, 4] - 4).tolist()) <= {-2, -1, 0, 1, 2}
