"""A task is all that the training loop knows of what it trains: any will do."""

import json
from importlib.metadata import EntryPoints, entry_points
from io import StringIO
from pathlib import Path

import pytest
import torch

from ai8x_models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from ai8x_models.tasks.pose.task import TASK
from ai8x_models.training import task as tasks
from ai8x_models.training.logs import Console
from ai8x_models.training.loop import train
from ai8x_models.training.recipe_file import parse_recipe
from ai8x_models.training.task import canonical_name, task_names, task_of
from ai8x_models.zoo.registry import MODELS, create_model
from max78000.errors import ProblemList, UnsupportedError

RECIPE = """\
name: toy
model: DigitNet
epochs: 3
batch_size: 8
data: {name: digits, train_count: 20}
"""
TEACHER = "distill: {teacher: teacher.pth.tar"


def run(more="", **how):
    stream = StringIO()
    path = train(parse_recipe(RECIPE + more, "toy.yaml"), Console(stream), **how)
    return path, stream.getvalue()


def test_the_pose_networks_have_a_task():
    assert all(task_of(info.name) is TASK for info in MODELS.values() if info.task == "pose")


@pytest.mark.parametrize("verb", ["classify", "detect", "regress", "segment"])
def test_a_task_is_also_called_by_what_is_done(verb):
    name = canonical_name(verb)
    assert name in task_names()
    assert task_of("net.py:Net", verb) is task_of("net.py:Net", name)


def test_another_task_is_trained(toy):
    path, said = run("qat: {start_epoch: 2}\n")
    assert load_checkpoint(path).extras["data"] == "digits"
    assert json.loads((path.parent / "metrics.json").read_text())["recall"] is None
    header = (path.parent / "log.csv").read_text().splitlines()[0]
    assert header == "epoch,loss,entropy,rate,validation"
    assert "20 validation examples: accuracy 0." in said
    assert said.rstrip().endswith("recall -")


@pytest.mark.long
def test_another_task_has_its_own_distance_to_a_teacher(toy):
    torch.manual_seed(0)
    teacher = create_model("DigitNet")
    save_checkpoint(Path("teacher.pth.tar"), Checkpoint("DigitNet", 0, teacher.state_dict()))
    path, _ = run(TEACHER + "}\n")
    header = (path.parent / "log.csv").read_text().splitlines()[0]
    assert header == "epoch,loss,entropy,teacher,rate,validation"
    with pytest.raises(UnsupportedError, match="feature_weight: these networks have no layer"):
        run(TEACHER + ", feature_weight: 0.1}\n", overwrite=True)


def test_problems_of_the_task_s_sections_are_reported_with_the_others(toy):
    wrong = RECIPE.replace("20", "101") + "loss: {heat: 1}\nseed: x\n"
    with pytest.raises(ProblemList) as caught:
        parse_recipe(wrong, "toy.yaml")
    assert str(caught.value).splitlines() == [
        "toy.yaml:5 data.train_count: must be at least 1 and at most 100, is 101",
        "toy.yaml:6 loss.heat: is an unknown key (known are: temperature)",
        "toy.yaml:7 seed: must be a whole number, is 'x'",
    ]


def test_networks_that_nothing_trains_are_refused(monkeypatch):
    known = entry_points(group=tasks.ENTRY_POINTS)
    few = EntryPoints(one for one in known if one.name in ("classification", "pose"))
    monkeypatch.setattr(tasks, "entry_points", lambda group: few)
    with pytest.raises(UnsupportedError) as caught:
        parse_recipe(RECIPE.replace("DigitNet", "SmallUNet"), "toy.yaml")
    why = "SmallUNet is for segmentation, a recipe trains for classification, pose"
    assert str(caught.value) == f"toy.yaml:2 model: {why} (see `ai8x list`)"


def test_an_unknown_network_leaves_the_other_problems_to_be_seen():
    with pytest.raises(ProblemList) as caught:
        parse_recipe(RECIPE.replace("DigitNet", "DigitNot") + "seed: x\n", "toy.yaml")
    assert str(caught.value).splitlines() == [
        "toy.yaml:2 model: there is no model 'DigitNot' (did you mean DigitNet?)",
        "toy.yaml:6 seed: must be a whole number, is 'x'",
    ]
