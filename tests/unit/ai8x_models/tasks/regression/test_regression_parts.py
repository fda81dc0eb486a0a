"""Losses, scores and answers of regression, each by itself."""

import math

import numpy as np
import pytest
import torch

from ai8x_models.tasks.regression.answer import Numbers
from ai8x_models.tasks.regression.losses import DistanceLoss
from ai8x_models.tasks.regression.recipe import LossPlan, NumbersPlan, RegressionRecipe
from ai8x_models.tasks.regression.scores import NumberScores
from ai8x_models.tasks.sampled.augment import Move
from ai8x_models.training.batches import Batch
from ai8x_models.training.data.form import InputForm
from ai8x_models.training.data.open import Samples
from ai8x_models.training.data.source import Answers
from max78000.errors import InputError

FORM = InputForm((1, 2, 3), 0.0, 255.0, "HW")


def recipe(**data):
    plan = NumbersPlan("x.npz", **data)
    return RegressionRecipe("name", "net.py:Net", 1, plan)


def samples(targets, training=None):
    inputs = np.zeros((len(targets), 1, 2, 3), np.int8)
    return Samples(inputs, np.float32(targets), (), FORM, Answers.NUMBERS, training)


# Of 0.2 and 0.5; with huber, the first is within delta, the second beyond.
@pytest.mark.parametrize(
    ("kind", "wanted"),
    [("mse", 0.145), ("l1", 0.35), ("huber", (0.2**2 / 2 / 0.3 + 0.5 - 0.15) / 2)],
)
def test_distances(kind, wanted):
    answer, truth = torch.tensor([[[0.0]], [[0.5]]]), torch.tensor([0.2, 0.0])
    batch = Batch(torch.zeros(2, 1), truth, torch.ones(1), truth[:, None])
    loss = DistanceLoss(LossPlan(kind, delta=0.3))
    assert loss.to_truth(answer, batch)["distance"].item() == pytest.approx(wanted)
    assert loss.to_teacher(answer, batch)["distance"].item() == pytest.approx(wanted)


def test_a_network_of_other_numbers_is_refused():
    batch = Batch(torch.zeros(2, 1), torch.zeros(2, 3), torch.ones(1))
    with pytest.raises(InputError, match="gives 4 numbers, a target has 3"):
        DistanceLoss(LossPlan()).to_truth(torch.zeros(2, 4, 1, 1), batch)
    with pytest.raises(InputError, match="gives 4 numbers, a target has 6"):
        Numbers((2, 3), (0.0,), 1.0, False).decode((np.zeros((5, 4)),))


def test_a_range_becomes_that_of_bytes_and_comes_back():
    targets = np.array([[10.0, 30.0], [20.0, 265.0]])
    form = Numbers.settled(recipe(), samples(targets))
    truth = form.truth(targets)
    assert truth.min() == -1
    assert truth.max() == pytest.approx(127 / 128)
    np.testing.assert_allclose(form.decode((truth.numpy(),)), targets, rtol=1e-6)
    again = Numbers.from_extras({"task": "regression", **form.to_extras()})
    assert again == form


def test_the_training_targets_decide_whatever_is_open():
    training = np.float32([[0.0], [255.0]])
    form = Numbers.settled(recipe(), samples([[7.0], [8.0]], training))
    assert (form.step, form.zero) == (1.0, (128.0,))
    form = Numbers.settled(recipe(target_range=(0.0, 510.0)), samples([[7.0]], training))
    assert form.step == 2
    with pytest.raises(InputError, match="all targets are 7: there is nothing to learn"):
        Numbers.settled(recipe(), samples([[7.0], [7.0]]))


def test_an_input_as_target_has_the_source_s_numbers_and_moves(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez("x.npz", inputs=np.arange(60, dtype=np.uint8).reshape(10, 2, 3), targets=np.zeros(10))
    plan = NumbersPlan("x.npz", target="input")
    opened = Numbers.opened(plan, "train", None)
    raw = np.arange(60).reshape(10, 1, 2, 3)
    assert {tuple(one.ravel()) for one in opened.targets} <= {tuple(one.ravel()) for one in raw}
    form = Numbers.settled(recipe(target="input"), opened)
    assert (form.shape, form.zero, form.step) == ((1, 2, 3), (128.0,), 1.0)
    np.testing.assert_array_equal(form.truth(opened.targets) * 128, opened.inputs)
    move = Move(True, (0, 0), (2, 3))
    np.testing.assert_array_equal(form.moved(raw[0], move), raw[0][..., ::-1])
    assert NumbersPlan("x.npz").target == "given"


def test_scores_of_a_few_numbers():
    targets = np.array([[0.0, 5.0], [2.0, 5.0], [4.0, 5.0]])
    answers = targets + np.array([[1, 0], [-1, 0], [1, 0]])
    scores = NumberScores(answers, targets)
    assert (scores.mae, scores.rmse) == (0.5, pytest.approx(math.sqrt(0.5)))
    assert scores.r2 == 1 - 3 / 8
    assert scores.by_number[1] == (0, 0, None)
    assert scores.psnr is None
    assert NumberScores(answers, targets, 255.0).psnr == pytest.approx(
        10 * math.log10(255**2 / 0.5)
    )
    assert scores.to_json()["r2"] == scores.r2
    assert scores.to_text().splitlines()[2].split() == ["1", "0", "0", "-"]


def test_r2_of_many_examples_lies_in_its_interval():
    rng = np.random.default_rng(0)
    targets = rng.normal(3, 2, (300, 2))
    scores = NumberScores(targets + rng.normal(0, 0.5, targets.shape), targets)
    low, high = scores.r2_interval
    assert 0.9 < low < scores.r2 < high < 0.96


def test_ranges_that_are_none_are_refused():
    with pytest.raises(InputError, match=r"target_range: \[3\.0, 1\.0\] is no range"):
        NumbersPlan("x.npz", target_range=(3.0, 1.0))
