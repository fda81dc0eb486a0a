"""Best and last epochs, early ends, resuming both; optimizers and schedules."""

from io import StringIO
from pathlib import Path

import pytest
import torch

from ai8x_models.checkpoint import load_checkpoint
from ai8x_models.training import loop
from ai8x_models.training.logs import Console
from ai8x_models.training.loop import train
from ai8x_models.training.optimizer import learning_rate, make_optimizer
from ai8x_models.training.recipe import OptimizerPlan
from ai8x_models.training.recipe_file import parse_recipe, read_recipe
from ai8x_models.training.recipe_text import recipe_text
from ai8x_models.training.task import task_of
from max78000.errors import InputError

RECIPE = """\
name: toy
model: DigitNet
epochs: 4
batch_size: 8
keep: best
data: {name: digits, train_count: 16}
"""


def run(more="", **how):
    stream = StringIO()
    path = train(parse_recipe(RECIPE + more, "toy.yaml"), Console(stream), **how)
    return path, stream.getvalue()


@pytest.fixture
def scored(toy, monkeypatch):
    """A task whose scores are given, epoch by epoch; the last one again at the end."""
    given = []

    def use(*scores):
        given[:] = scores
        real = task_of

        class Scored:
            def __getattr__(self, name):
                return getattr(real("DigitNet"), name)

            @staticmethod
            def score(model, examples, progress):
                return {"accuracy": given.pop(0) if len(given) > 1 else given[0], "recall": None}

        monkeypatch.setattr("ai8x_models.training.run.task_of", lambda *_words: Scored())

    return use


@pytest.mark.long
def test_the_best_epoch_is_kept_beside_the_last(scored):
    scored(0.1, 0.9, 0.5, 0.2, 0.9)
    path, said = run()
    assert "best epoch: 2" in said
    best, last = load_checkpoint(path), load_checkpoint(Path("runs/toy/toy-last.pth.tar"))
    assert (best.epoch, last.epoch) == (2, 4)
    assert not torch.equal(best.state_dict["conv1.op.weight"], last.state_dict["conv1.op.weight"])
    assert "accuracy" in Path("runs/toy/log.csv").read_text().splitlines()[0]
    assert Path("runs/toy/curves.svg").read_text().startswith("<svg")


@pytest.mark.long
def test_epochs_in_float_do_not_count_where_qat_follows(scored):
    scored(0.9, 0.95, 0.2, 0.3, 0.3)
    _, said = run("qat: {start_epoch: 2}\n")
    assert "best epoch: 4" in said


@pytest.mark.long
def test_a_run_ends_when_nothing_gets_better(scored):
    scored(0.5, 0.4, 0.4, 0.6, 0.5)
    _, said = run("patience: 2\n")
    assert "epoch 3 of 4" in said
    assert "epoch 4 of 4" not in said


@pytest.mark.long
def test_a_resumed_run_remembers_its_best_epoch(toy, monkeypatch):
    whole, _ = run()
    wanted = load_checkpoint(whole)
    real, calls = loop.save_state, []

    def killed(one):
        real(one)
        calls.append(one)
        if len(calls) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(loop, "save_state", killed)
    with pytest.raises(KeyboardInterrupt):
        run(overwrite=True)
    monkeypatch.setattr(loop, "save_state", real)
    again, _ = run(resume=True)
    found = load_checkpoint(again)
    assert found.epoch == wanted.epoch
    assert all(torch.equal(found.state_dict[name], one) for name, one in wanted.state_dict.items())


@pytest.mark.long
def test_the_whole_recipe_lies_beside_the_result(toy):
    text = RECIPE + "qat: {start_epoch: 2, overrides: {conv1: 4}}\noptimizer: {kind: sgd}\n"
    recipe = parse_recipe(text, "toy.yaml")
    train(recipe, Console(StringIO()))
    assert read_recipe(Path("runs/toy/recipe.yaml")) == recipe


def test_a_recipe_is_its_text(toy):
    recipe = parse_recipe(RECIPE + "distill: {teacher: a.pth.tar}\n", "toy.yaml")
    assert parse_recipe(recipe_text(recipe), "again") == recipe


@pytest.mark.parametrize("kind", ["adamw", "adam", "sgd"])
def test_every_optimizer_goes_downhill(kind):
    model = torch.nn.Linear(4, 4)
    optimizer = make_optimizer(model, torch.nn.Identity(), OptimizerPlan(kind=kind))
    before = model.weight.detach().clone()
    model.weight.sum().backward()
    optimizer.step()
    assert (model.weight < before + 1e-6).all()
    assert [group["weight_decay"] for group in optimizer.param_groups] == [1e-4, 0]


def test_schedules():
    def rates(**plan):
        plan = OptimizerPlan(peak_rate=1.0, warmup_share=0.0, **plan)
        return [learning_rate(plan, step, 100) for step in range(100)]

    assert rates(schedule="constant") == [1.0] * 100
    stepped = rates(schedule="steps", drops=(0.5, 0.9), drop_factor=0.5)
    assert (stepped[49], stepped[50], stepped[90]) == (1, 0.5, 0.25)
    cycle = rates(schedule="one-cycle")
    assert cycle[0] == pytest.approx(1 / 25)
    assert max(cycle) == pytest.approx(1, abs=1e-3)
    assert cycle[-1] == pytest.approx(1 / 25e4)


def test_drops_are_within_the_run():
    with pytest.raises(InputError, match="are not shares of the run"):
        OptimizerPlan(drops=(1.5,))


def test_an_unknown_task_is_named(toy):
    with pytest.raises(InputError, match=r"toy.yaml:2 model: nothing says what it is to learn"):
        parse_recipe(RECIPE.replace("DigitNet", "net.py:Net"), "toy.yaml")
