"""A command line of the vendor's trainer becomes a recipe: names are found, numbers kept."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from ai8x_models.commands.main import cli
from ai8x_models.layers.policy import QatPolicy
from ai8x_models.training.data.source import Answers
from ai8x_models.training.vendor.datasets import DataFacts, find_data
from ai8x_models.training.vendor.files import LoggedConsole
from ai8x_models.training.vendor.names import find_module
from ai8x_models.training.vendor.recipe import (
    check_words,
    model_word,
    policy_of,
    recipe_of,
    task_name,
)
from ai8x_models.training.vendor.request import Distillation, Request
from max78000.errors import InputError, ProblemList, UnsupportedError

MNIST = DataFacts("data/MNIST/raw", (1, 28, 28), 10)
WORDS = DataFacts("words.npz", (128, 128), 21)
MODULE = """
def net5(pretrained=False, **kwargs):
    raise AssertionError("nothing is run")


models = [
    {
        'name': 'Net5',
        'min_input': 1,
        'dim': 2,
    },
    {'name': 'net5'.upper(), 'dim': 1},
]
"""


@pytest.fixture(autouse=True)
def _checkout(tmp_path, monkeypatch):
    """A folder like a checkout of the vendor's trainer."""
    monkeypatch.chdir(tmp_path)
    Path("models").mkdir()
    Path("models/net.py").write_text(MODULE)
    Path("models/broken.py").write_text("models = [")


def recipe(facts=MNIST, **given):
    request = Request(**{"model": "net5", "dataset": "MNIST", **given})
    return recipe_of(request, facts, Path("logs/now"))


def test_names_are_found_without_running_anything():
    assert find_module("models", "net5", Path("models")) == (Path("models/net.py"), "Net5")
    assert find_module("models", "NET5", Path("nowhere")) is None


@pytest.mark.parametrize(
    ("facts", "arguments"),
    [
        (MNIST, "num_classes=10, num_channels=1, dimensions=(28, 28), bias=False"),
        (WORDS, "num_classes=21, num_channels=128, dimensions=(128, 1), bias=False"),
    ],
)
def test_a_model_gets_what_the_vendor_gives_it(facts, arguments):
    assert model_word(Request("net5", "X"), facts) == f"models/net.py:Net5({arguments})"
    assert model_word(Request("models/net.py:Net5", "X"), facts).endswith(f"({arguments})")


def test_other_models_are_called_as_they_are_named():
    assert model_word(Request("models/net.py:Own", "X"), MNIST) == "models/net.py:Own"
    assert model_word(Request("digitnet", "X"), MNIST) == "DigitNet"
    with pytest.raises(InputError) as caught:
        model_word(Request("net55", "X"), MNIST)
    assert str(caught.value) == (
        "there is no 'net55' among the models: 1 in models (did you mean Net5?)"
    )


def test_defaults_are_the_vendors():
    made = recipe()
    assert (made.name, made.epochs, made.batch_size, made.seed) == ("net5", 90, 256, 1)
    assert made.task == "classification"
    assert made.keep == "best"
    assert made.run_folder == Path("logs/now")
    plan = made.optimizer
    assert (plan.kind, plan.peak_rate, plan.momentum, plan.weight_decay) == ("sgd", 0.1, 0.9, 1e-4)
    assert (plan.schedule, plan.warmup_share) == ("constant", 0)
    assert made.qat == QatPolicy(start_epoch=30)
    assert (made.data.source, made.data.shape) == ("data/MNIST/raw", (1, 28, 28))
    assert made.data.validation_share == 0.1


def test_what_is_given_counts():
    made = recipe(
        epochs=40, batch_size=64, optimizer="ADAM", rate=0.001, weight_decay=0.0, seed=7,
        validation_split=0.0, name="My run.1", start=Path("w.pth.tar"), has_bias=True,
        distillation=Distillation(Path("teacher.pth.tar"), 4.0, 0.3, 0.1),
    )  # fmt: skip
    assert (made.name, made.epochs, made.batch_size, made.seed) == ("my_run_1", 40, 64, 7)
    assert (made.optimizer.kind, made.optimizer.peak_rate) == ("adam", 0.001)
    assert (made.optimizer.weight_decay, made.data.validation_share) == (0, 0)
    assert made.start_from == Path("w.pth.tar")
    assert made.model.endswith("bias=True)")
    assert made.distill.teacher == Path("teacher.pth.tar")
    assert made.distill.share == pytest.approx(0.75)
    assert made.loss.temperature == 4


def test_policies_as_the_vendor_finds_them():
    assert policy_of(Request("m", "d", policy="None")) is None
    assert policy_of(Request("m", "d", epochs=30)) is None  # it would begin behind the end
    Path("policies").mkdir()
    Path("policies/qat_policy.yaml").write_text("start_epoch: 5\nweight_bits: 4\n")
    assert policy_of(Request("m", "d")) == QatPolicy(5, 4)
    Path("own.yaml").write_text("start_epoch: 9\nweight_bits: 2\nshift_quantile: 0.9\n")
    assert policy_of(Request("m", "d", policy="own.yaml")) == QatPolicy(9, 2, shift_quantile=0.9)


@pytest.mark.parametrize(
    ("given", "answers", "task"),
    [
        ({}, Answers.CLASSES, "classification"),
        ({}, Answers.MASKS, "segmentation"),
        ({}, Answers.BOXES, "detection"),
        ({"is_regression": True}, Answers.CLASSES, "regression"),
        ({"is_detection": True}, Answers.BOXES, "detection"),
    ],
)
def test_what_is_learned(given, answers, task):
    facts = DataFacts("x", (1, 8, 8), 2, answers)
    assert task_name(Request("m", "d", **given), facts) == task


def test_what_boxes_need():
    facts = DataFacts("x", (1, 8, 8), 2, Answers.BOXES)
    made = recipe(facts)
    assert "num_classes=3" in made.model  # one more: nothing here
    assert (made.nms.min_score, made.nms.max_overlap, made.nms.top_k) == (0.2, 0.3, 20)
    params = Path("boxes.yaml")
    params.write_text("multi_box_loss: {alpha: 2, neg_pos_ratio: 4}\nnms: {top_k: 7}\n")
    made = recipe(facts, detection_params=params)
    assert (made.loss.location_weight, made.loss.negatives, made.nms.top_k) == (2, 4, 7)
    params.write_text("---\n")
    assert recipe(facts, detection_params=params).loss.location_weight == 1
    params.write_text("nms: {top: 7}\n")
    with pytest.raises(InputError, match=r"boxes.yaml:1 nms\.top: "):
        recipe(facts, detection_params=params)
    with pytest.raises(InputError, match=r"--obj-detection-params: .* the data have none"):
        recipe(detection_params=params)


def test_refusals():
    with pytest.raises(UnsupportedError, match="--optimizer: there is no RMSprop"):
        recipe(optimizer="RMSprop")
    with pytest.raises(InputError, match="leave nothing to learn"):
        recipe(distillation=Distillation(Path("t"), 1.0, 0.0, 0.0))


def test_known_data_are_looked_for_where_torchvision_leaves_them(tmp_path):
    with pytest.raises(InputError) as caught:
        find_data(Request("m", "mnist"))
    assert str(caught.value) == (
        "--data: MNIST is not in data/MNIST/raw or data/MNIST (fetch MNIST there, or name its"
        " folder: --data; nothing is downloaded here)"
    )
    Path("data/MNIST/raw").mkdir(parents=True)
    assert find_data(Request("m", "mnist")) == MNIST
    folder = tmp_path / "elsewhere"
    (folder / "cifar-100-python").mkdir(parents=True)
    found = find_data(Request("m", "CIFAR100", data=folder))
    assert (found.source, found.n_outputs) == (str(folder / "cifar-100-python"), 100)


def test_all_words_are_looked_at_before_the_data():
    """Nothing is opened: a data set's module would raise."""
    Path("datasets").mkdir()
    Path("datasets/bad.py").write_text('raise AssertionError\ndatasets = [{"name": "bad"}]\n')
    request = Request("net5", "bad")
    check_words(request)
    broken = replace(
        request,
        model="net55",
        dataset="MNITS",
        policy="no_policy.yaml",
        optimizer="RMSprop",
        compress=Path("no_schedule.yaml"),
        start=Path("no.pth.tar"),
    )
    with pytest.raises(ProblemList) as caught:
        check_words(broken)
    said = [str(problem).split(" (")[0] for problem in caught.value.problems]
    assert said == [
        "there is no 'net55' among the models: 1 in models",
        "there is no 'MNITS' among the datasets: 1 in datasets",
        "no_policy.yaml: cannot be read: No such file or directory",
        "--optimizer: there is no RMSprop",
        "--exp-load-weights-from: no such file: no.pth.tar",
        "--compress: no such file: no_schedule.yaml",
    ]


@pytest.mark.parametrize("more", [("--dataset", "MNIST"), ("--data", "toy:objects")])
def test_no_epochs_are_refused_with_what_to_do(more):
    found = CliRunner().invoke(cli, ["train", "--model", "DigitNet", "--epochs", "0", *more])
    assert found.exit_code == 2
    assert "0 epochs train nothing; to score a network as it is" in found.stderr


def test_sources_of_recipes_are_data_sets_too():
    inputs = np.zeros((20, 3, 8, 8), np.uint8)
    np.savez("own.npz", inputs=inputs, targets=np.arange(20) % 4)
    assert find_data(Request("m", "own.npz")) == DataFacts("own.npz", (3, 8, 8), 4)
    with pytest.raises(InputError, match=r"no 'MNITS' among the datasets.*did you mean MNIST"):
        find_data(Request("m", "MNITS"))


def test_runs_have_the_vendors_names():
    request = Request("m", "d", name="kws")
    assert request.folder("2026.11.28-120000") == Path("logs/kws___2026.11.28-120000")
    assert request.prefix == "kws_"
    nameless = Request("m", "d", out_dir=Path("out"))
    assert nameless.folder("2026.11.28-120000") == Path("out/2026.11.28-120000")
    assert nameless.prefix == ""


def test_what_is_said_before_the_folder_is_there_is_kept(tmp_path, capsys):
    log = tmp_path / "run" / "run.log"
    console = LoggedConsole(sys.stderr, log)
    console.line("one")
    log.parent.mkdir()
    console.line("two")
    assert log.read_text() == "one\ntwo\n"
    assert capsys.readouterr().err == "one\ntwo\n"


def test_runs_of_the_same_second_lie_apart():
    request, now = Request("m", "d", name="kws"), "2026.11.28-120000"
    found = []
    for _ in range(3):
        found.append(request.folder(now).name)
        request.folder(now).mkdir(parents=True)
    assert found == [f"kws___{now}", f"kws___{now}-2", f"kws___{now}-3"]
