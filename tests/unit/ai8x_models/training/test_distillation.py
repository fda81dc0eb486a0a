"""What is learned from a teacher: its weight, its masks, its features, its cached answers."""

from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import torch

from ai8x_models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from ai8x_models.tasks.pose.data.source import DataSource, open_data
from ai8x_models.tasks.pose.data.teacher import teacher_maps
from ai8x_models.tasks.pose.losses import Maps, PoseLoss
from ai8x_models.tasks.pose.recipe import LossPlan
from ai8x_models.training.batches import Batch
from ai8x_models.training.distillation import DistillationObjective
from ai8x_models.training.features import FeatureTerm
from ai8x_models.training.logs import Console
from ai8x_models.training.loop import train
from ai8x_models.training.losses import Objective
from ai8x_models.training.progress import no_progress
from ai8x_models.training.recipe import DistillPlan
from ai8x_models.training.recipe_file import parse_recipe
from ai8x_models.zoo.registry import create_model
from max78000.errors import InputError

pytestmark = pytest.mark.long  # seconds each

TEACHER = Path("teacher.pth.tar")


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)

    def maps():
        heat = torch.rand(2, 19, 16, 16, generator=generator)
        return Maps(heat, torch.rand(2, 38, 16, 16, generator=generator) - 0.5)

    mask = torch.ones(2, 1, 16, 16)
    mask[0, 0, :4] = 0
    images = torch.rand(2, 3, 128, 128, generator=generator) - 0.5
    return Batch(images, maps(), mask, maps())


@pytest.fixture
def answers():
    torch.manual_seed(1)
    return Maps(
        torch.rand(2, 19, 16, 16, requires_grad=True),
        torch.rand(2, 38, 16, 16, requires_grad=True),
    )


def objective(share=0.5, decay=False):
    return DistillationObjective(DistillPlan(TEACHER, share, decay), PoseLoss(LossPlan()))


def loss(of, answers, batch, done=0.0):
    terms = of(lambda _images: (answers.heat, answers.paf), batch, done)
    return terms["loss"].item()


def test_the_share_weighs_truth_against_teacher(batch, answers):
    truth = loss(Objective(PoseLoss(LossPlan())), answers, batch)
    teacher = loss(objective(share=1.0), answers, batch)
    assert loss(objective(share=0.0), answers, batch) == pytest.approx(truth)
    assert loss(objective(share=0.25), answers, batch) == pytest.approx(
        0.75 * truth + 0.25 * teacher
    )


def test_agreeing_with_the_teacher_costs_nothing(batch):
    assert loss(objective(share=1.0), batch.teacher, batch) == 0


def test_decay_ends_with_the_truth_alone(batch, answers):
    fading = objective(share=0.8, decay=True)
    assert loss(fading, answers, batch, done=0.0) == loss(objective(0.8), answers, batch)
    halfway = loss(objective(0.4), answers, batch)
    assert loss(fading, answers, batch, done=0.5) == pytest.approx(halfway)
    truth = loss(Objective(PoseLoss(LossPlan())), answers, batch)
    assert loss(fading, answers, batch, done=1.0) == pytest.approx(truth)


def test_masked_cells_have_no_gradient_from_the_teacher(batch, answers):
    objective(share=1.0)(lambda _: (answers.heat, answers.paf), batch, 0.0)["loss"].backward()
    for maps in (answers.heat, answers.paf):
        assert (maps.grad[0, :, :4] == 0).all()
        assert (maps.grad[0, :, 4:] != 0).float().mean() > 0.99


def test_features_train_learner_and_adapter_but_not_the_teacher(batch):
    learner, teacher = create_model("TinyStudentModel"), create_model("StudentModel")
    term = FeatureTerm(learner, teacher, {"heat_hidden": "heat_hidden"}, batch.inputs[:1])
    (adapter,) = term.adapters
    assert adapter.weight.shape == (96, 48, 1, 1)
    assert {name for name, _ in term.named_parameters()} == {"adapters.0.weight", "adapters.0.bias"}
    plan = DistillPlan(TEACHER, feature_weight=1.0)
    terms = DistillationObjective(plan, PoseLoss(LossPlan()), term)(learner, batch, 0.0)
    assert 0 < terms["features"] < 4  # between two vectors of length 1, squared
    terms["features"].backward()
    assert learner.conv1.op.weight.grad.abs().sum() > 0
    assert adapter.weight.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in teacher.parameters())


# -- cached answers -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return DataSource(tmp_path_factory.mktemp("data"), "single", "train", 4)


@pytest.fixture(autouse=True)
def _alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def save_teacher(seed):
    torch.manual_seed(seed)
    model = create_model("StudentModel").eval()
    save_checkpoint(TEACHER, Checkpoint("StudentModel", 0, model.state_dict()))
    return model


def ask(teacher, data):
    cache = open_data(data, Console(StringIO()))
    return teacher_maps(teacher, TEACHER, data.path, cache.images, no_progress)


class Silent(torch.nn.Module):
    def forward(self, images):
        raise AssertionError("asked again")


def test_the_teacher_is_asked_once(data):
    teacher = save_teacher(seed=1)
    heat, paf = ask(teacher, data)
    assert (heat.shape, paf.shape) == ((4, 19, 16, 16), (4, 38, 16, 16))
    assert heat.dtype == paf.dtype == np.int8
    again = ask(Silent(), data)
    np.testing.assert_array_equal(heat, again[0])
    np.testing.assert_array_equal(paf, again[1])


def test_another_checkpoint_of_the_same_name_is_asked(data):
    before, _ = ask(save_teacher(seed=2), data)
    after, _ = ask(save_teacher(seed=3), data)
    assert (before != after).any()


def test_answers_are_kept_in_steps_of_127(data):
    class Steps(torch.nn.Module):
        def forward(self, images):
            values = torch.tensor([-2.0, -1.0, -0.5 / 127, 0.6 / 127, 1.0, 3.0])
            heat = torch.zeros(len(images), 19, 16, 16)
            heat[:, 0, 0, :6] = values
            return heat, torch.zeros(len(images), 38, 16, 16)

    save_teacher(seed=4)
    heat, _ = ask(Steps(), data)
    assert heat[0, 0, 0, :6].tolist() == [-127, -127, 0, 1, 127, 127]


def recipe_text(data, more=""):
    return f"""\
name: taught
model: TinyStudentModel
epochs: 2
batch_size: 2
data: {{preset: single, train_count: 4, validation_count: 2, folder: {data.folder}}}
qat: {{start_epoch: 1}}
distill: {{teacher: {TEACHER}{more}}}
"""


def test_a_distillation_runs_and_drops_the_adapter(data):
    save_teacher(seed=1)
    recipe = parse_recipe(recipe_text(data, ", feature_weight: 0.1, decay: true"), "r.yaml")
    path = train(recipe, Console(StringIO()))
    assert not any("adapter" in name for name in load_checkpoint(path).state_dict)
    header = (path.parent / "log.csv").read_text().splitlines()[0].split(",")
    assert {"loss", "heat", "paf", "teacher", "features", "validation"} <= set(header)


def test_a_missing_teacher_is_refused_before_anything_is_rendered(tmp_path):
    data = DataSource(tmp_path / "fresh", "single", "train", 4)
    with pytest.raises(InputError, match=r"teacher\.pth\.tar: cannot be read"):
        train(parse_recipe(recipe_text(data), "r.yaml"), Console(StringIO()))
    assert not data.path.exists()
    assert not Path("runs/taught").exists()
