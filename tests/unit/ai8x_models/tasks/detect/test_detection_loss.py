import pytest
import torch

from ai8x_models.layers.box_head import BoxMap, sizes_of
from ai8x_models.tasks.detect.boxes import cornered, offsets
from ai8x_models.tasks.detect.losses import DetectionLoss
from ai8x_models.tasks.detect.recipe import LossPlan
from ai8x_models.training.batches import Batch

PRIORS = BoxMap(1, 4, 4, sizes_of(0.25, (1,))).priors()
NOTHING = [0, 0, 0, 0, -1.0]


def terms(locations, scores, truth):
    loss = DetectionLoss(LossPlan(), PRIORS, 2)
    batch = Batch(locations, truth, torch.ones(1), (torch.zeros(1, 16, 4), scores.detach()))
    return loss.to_truth((locations, scores), batch), loss.to_teacher((locations, scores), batch)


def right_answer(truth):
    locations, scores = torch.zeros(1, 16, 4), torch.zeros(1, 16, 3)
    scores[..., 0] = 20
    box = truth[0, 0]
    place = 5
    locations[0, place] = offsets(box[:4], PRIORS[place])
    scores[0, place] = torch.tensor([0, 0, 20.0]).roll(int(box[4]) - 1)
    return locations, scores


def test_the_right_answer_costs_nothing():
    box = cornered(PRIORS[5] + torch.tensor([0.02, 0.01, 0.03, 0]))
    truth = torch.tensor([[[*box.tolist(), 1.0], NOTHING]])
    locations, scores = right_answer(truth)
    found, taught = terms(locations, scores, truth)
    assert found["location"].item() == pytest.approx(0, abs=1e-5)
    assert found["classes"].item() == pytest.approx(0, abs=1e-5)
    assert taught["divergence"].item() == pytest.approx(0, abs=1e-5)


def test_only_the_hardest_negatives_count():
    truth = torch.tensor([[[*cornered(PRIORS[5]).tolist(), 1.0], NOTHING]])
    locations, scores = right_answer(truth)
    for n_wrong, counted in ((2, 2), (3, 3), (7, 3)):
        wrong = scores.clone()
        wrong[0, 8 : 8 + n_wrong, 1] = 40
        found, _ = terms(locations, wrong, truth)
        assert found["classes"].item() == pytest.approx(20 * counted, abs=1e-3)


def test_a_picture_without_objects_teaches_that_there_is_nothing():
    truth = torch.tensor([[NOTHING]])
    scores = torch.zeros(1, 16, 3, requires_grad=True)
    found, _ = terms(torch.zeros(1, 16, 4), scores, truth)
    assert found["location"].item() == 0
    found["classes"].backward()
    assert (scores.grad[..., 0] < 0).sum() == 3


def test_a_box_without_an_area_has_a_finite_loss():
    truth = torch.tensor([[[0.5, 0.5, 0.5, 0.5, 0.0]]])
    found, _ = terms(torch.zeros(1, 16, 4), torch.zeros(1, 16, 3), truth)
    assert found["location"].isfinite()
