"""Chosen layers of any two networks are compared, whatever their shapes."""

import pytest
import torch
from torch import nn

from ai8x_models.checkpoint import Checkpoint, save_checkpoint
from ai8x_models.quantize.quantize import quantize_checkpoint
from ai8x_models.training.batches import Batch
from ai8x_models.training.features import FeatureTerm
from ai8x_models.training.recipe import DistillPlan
from ai8x_models.training.start import load_teacher
from ai8x_models.zoo.registry import create_model
from max78000.errors import InputError, UnsupportedError


class Network(nn.Module):
    def __init__(self, width, stride):
        super().__init__()
        self.first = nn.Conv2d(1, width, 3, stride, 1)
        self.second = nn.Conv2d(width, width, 3, 1, 1)
        self.head = nn.Linear(width, 4)
        self.unused = nn.Linear(1, 1)

    def forward(self, x):
        return self.head(self.second(self.first(x)).mean((2, 3)))


@pytest.fixture
def networks():
    torch.manual_seed(0)
    return Network(3, 2), Network(5, 1)


BATCH = Batch(torch.rand(2, 1, 8, 8), torch.zeros(2), torch.ones(1))


@pytest.mark.parametrize("pairs", [{"second": "second"}, {"head": "head"}, {"head": "second"}])
def test_every_shape_is_taught(networks, pairs):
    learner, teacher = networks
    term = FeatureTerm(learner, teacher, pairs, BATCH.inputs[:1])
    learner(BATCH.inputs)
    distance = term(BATCH)
    assert 0 < distance < 4
    distance.backward()
    assert learner.first.weight.grad.abs().sum() > 0
    assert teacher.first.weight.grad is None


def test_equal_features_are_no_distance(networks):
    learner = networks[0]
    term = FeatureTerm(learner, learner, {"second": "second"}, BATCH.inputs[:1])
    nn.init.eye_(term.adapters[0].weight.data[:, :, 0, 0])
    nn.init.zeros_(term.adapters[0].bias)
    learner(BATCH.inputs)
    assert term(BATCH).item() == pytest.approx(0, abs=1e-6)


def test_masked_cells_do_not_count(networks):
    learner, teacher = networks
    term = FeatureTerm(learner, teacher, {"second": "second"}, BATCH.inputs[:1])
    learner(BATCH.inputs)
    masked = Batch(BATCH.inputs, BATCH.truth, torch.zeros(2, 1, 8, 8))
    assert term(masked) == 0


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ({"third": "second"}, "distill.features third: the learner has no such layer"),
        ({"second": "third"}, "distill.features third: the teacher has no such layer"),
        ({"unused": "second"}, "distill.features unused: nothing enters this layer"),
    ],
)
def test_layers_that_do_not_fit_are_named(networks, pairs, message):
    with pytest.raises(InputError) as caught:
        FeatureTerm(*networks, pairs, BATCH.inputs[:1])
    assert message in str(caught.value)


def test_some_layers_are_needed(networks):
    with pytest.raises(UnsupportedError, match="no layer in common"):
        FeatureTerm(*networks, DistillPlan("t", feature_weight=1.0).pairs(""), BATCH.inputs[:1])
    with pytest.raises(InputError, match="are given, and feature_weight is 0"):
        DistillPlan("t", features={"a": "b"})


def test_integers_do_not_teach(tmp_path):
    path = tmp_path / "teacher.pth.tar"
    save_checkpoint(path, Checkpoint("DigitNet", 0, create_model("DigitNet").state_dict()))
    quantize_checkpoint(path, path)
    with pytest.raises(InputError, match="holds integers, which cannot teach"):
        load_teacher(path)
