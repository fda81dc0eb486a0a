"""The whole road of a small network: trained, stored, evaluated, predicted, sampled, compared."""

import json
import shutil
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from ai8x_models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from ai8x_models.describe.stored import load_network
from ai8x_models.describe.subject import find_subject
from ai8x_models.layers.qat import Mode
from ai8x_models.quantize.quantize import quantize_checkpoint
from ai8x_models.tasks.sampled.stored import load_trained
from ai8x_models.training.logs import Console
from ai8x_models.training.loop import train
from ai8x_models.training.recipe_file import parse_recipe
from ai8x_models.zoo.load import mode_of
from max78000.errors import InputError
from synthesis import compile_network
from synthesis.commands.synthesize import synthesize

pytestmark = pytest.mark.long  # seconds, for the run that the first of them makes

PLAIN = """\
from torch import nn


class Plain(nn.Sequential):
    def __init__(self):
        super().__init__(
            nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(128, 2),
        )
"""
RECIPE = """\
name: bars
model: net.py:Plain
task: classification
epochs: 12
batch_size: 16
data: {source: bars.npz}
augment: {noise: 0.02}
qat: {start_epoch: 8}
"""


def draw(folder):
    """Bars that lie or stand, 8x8, and the network."""
    rng = np.random.default_rng(1)
    inputs, targets = rng.integers(0, 60, (120, 8, 8)).astype(np.uint8), np.arange(120) % 2
    for picture, is_upright in zip(inputs, targets, strict=True):
        (picture.T if is_upright else picture)[rng.integers(8)] = 250
    np.savez(folder / "bars.npz", inputs=inputs, targets=targets, classes=["level", "upright"])
    (folder / "net.py").write_text(PLAIN)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with a run in it, and its integers."""
    folder = tmp_path_factory.mktemp("bars")
    draw(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        train(parse_recipe(RECIPE, "bars.yaml"), Console(StringIO()))
        torch.set_num_threads(threads)
        quantize_checkpoint(Path("runs/bars/bars.pth.tar"), Path("bars-q.pth.tar"))
    return folder


@pytest.fixture
def run(trained, tmp_path, monkeypatch):
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return Path("runs/bars/bars.pth.tar"), Path("bars-q.pth.tar")


def test_a_plain_network_comes_back_as_it_was_trained(run):
    qat, integers = run
    checkpoint = load_checkpoint(integers)
    assert (checkpoint.arch, checkpoint.extras["model"]) == ("Plain", "net.py:Plain")
    assert checkpoint.extras["classes"] == ["level", "upright"]
    assert mode_of(load_network(qat)) is Mode.QAT
    assert mode_of(load_network(integers)) is Mode.INTEGER


def test_integers_answer_as_quantization_aware_training_did(run):
    qat, integers = map(load_trained, run)
    inputs = np.random.default_rng(0).integers(-128, 128, (5, 1, 8, 8)).astype(np.int8)
    np.testing.assert_allclose(integers.outputs(inputs), qat.outputs(inputs), atol=2**-7)
    np.testing.assert_allclose(integers.answers(inputs).sum(axis=1), 1)


def test_a_file_that_moved_is_asked_for(run, ai8x):
    Path("net.py").rename("moved.py")
    with pytest.raises(InputError, match=r"is of net\.py:Plain, and there is no such file"):
        load_network(run[0])
    status, out, _ = ai8x("evaluate", run[0], "--model", "moved.py:Plain")
    assert (status, "of test" in out) == (0, True)


def test_evaluation_counts_and_compares(run, ai8x):
    qat, integers = run
    status, out, _ = ai8x("evaluate", qat, integers)
    assert status == 0
    assert f"{qat} (qat): " in out
    assert "of 24 right" in out
    assert out.count("is, answered") == 2
    status, out, _ = ai8x("evaluate", integers, "--split", "train", "--json")
    (row,) = json.loads(out).values()
    assert row["n_examples"] == 84
    assert row["accuracy"] > 0.9
    assert sum(map(sum, row["confusion"])) == 84
    score = row["score"]
    assert (score["name"], score["value"]) == ("accuracy", row["accuracy"])
    assert score["interval"] == row["accuracy_interval"]
    assert (score["checkpoint"], score["mode"]) == (str(integers), "integer")
    assert (score["task"], score["split"], score["n_examples"]) == ("classification", "train", 84)


def test_the_report_of_the_compiler_shows_the_score(run, ai8x):
    _, integers = run
    Path("scores.json").write_text(ai8x("evaluate", *run, "--json")[1])
    ai8x("sample", integers, "--out", "bar.npy")
    ai8x("describe", "net.py:Plain", "--input", "1x8x8", "--out", "bars.yaml")
    command = ["bars.yaml", "--checkpoint-file", integers, "--sample-input", "bar.npy", "--json"]
    found = CliRunner().invoke(synthesize, [*map(str, command), "--evaluation", "scores.json"])
    assert found.exit_code == 0
    (score,) = json.loads(found.stdout)["scores"]
    assert score == json.loads(Path("scores.json").read_text())[f"{integers} (integer)"]["score"]


def test_the_simulated_accelerator_is_asked(run, ai8x):
    _, integers = run
    assert ai8x("sample", integers, "--out", "bar.npy")[1] == "bar.npy: int8 1x8x8, class upright\n"
    ai8x("describe", "net.py:Plain", "--input", "1x8x8", "--out", "bars.yaml")
    compile_network("bars.yaml", integers, np.load("bar.npy")).write("project")
    arguments = ("evaluate", integers, "--project", "project", "--machine", 3)
    status, out, _ = ai8x(*arguments)
    assert status == 0
    assert out.endswith("simulated accelerator: equal to PyTorch on 3 of 3 examples\n")
    changed = load_checkpoint(integers)
    changed.state_dict["layer_7.op.bias"] += 128
    save_checkpoint(integers, changed)
    status, out, err = ai8x(*arguments, "--json")
    (row,) = json.loads(out).values()
    assert (status, len(row["machine"]["differences"])) == (1, 3)
    assert "3 of 3 answers differ from PyTorch's" in err


def test_every_layer_of_a_network_of_a_file_is_dumped(run, ai8x):
    ai8x("sample", run[1], "--out", "bar.npy")
    assert ai8x("dump", run[1], "bar.npy", "bar.npz")[1] == "bar.npz: 4 layers\n"
    status, _, err = ai8x("dump", run[0], "bar.npy", "more.npz")
    assert (status, "holds no integer weights" in err) == (2, True)


def test_pictures_and_arrays_are_predicted(run, ai8x):
    picture = np.full((16, 16), 30, np.uint8)
    picture[4:6] = 250
    Image.fromarray(picture).save("level.png")
    np.save("level.npy", picture[::2, ::2])
    _, out, _ = ai8x("predict", "level.png", "level.npy", "--checkpoint", run[1], "--json")
    rows = json.loads(out)
    assert [row["class"] for row in rows] == ["level", "level"]
    assert sum(rows[0]["probabilities"].values()) == pytest.approx(1)
    status, _, err = ai8x("predict", "net.py", "--checkpoint", run[1])
    assert (status, "is not a readable picture" in err) == (2, True)


def test_a_run_goes_on_from_a_checkpoint_and_learns_from_a_teacher(run):
    more = RECIPE.replace("bars\n", "again\n").replace("epochs: 12", "epochs: 1")
    more = more.replace("start_epoch: 8", "start_epoch: 0")
    more += f"start_from: {run[0]}\ndistill: {{teacher: {run[0]}}}\n"
    path = train(parse_recipe(more, "more.yaml"), Console(StringIO()))
    assert "divergence" not in (path.parent / "log.csv").read_text()
    assert "teacher" in (path.parent / "log.csv").read_text()
    assert load_checkpoint(path).extras["metrics"]["accuracy"] > 0.9


def test_refusals_of_a_checkpoint_that_was_not_trained_here(run, ai8x):
    model = find_subject("DigitNet").model
    save_checkpoint(Path("bare.pth.tar"), Checkpoint("DigitNet", 0, dict(model.state_dict())))
    for verb in (("evaluate",), ("sample", "--out", "x.npy")):
        status, _, err = ai8x(verb[0], "bare.pth.tar", *verb[1:])
        assert (status, "does not say what its input and its classes are" in err) == (4, True)
    assert ai8x("sample", run[1], "--out", "x.npy", "--index", 99)[0] == 2
    assert ai8x("evaluate", run[1], "--machine", 3)[0] == 2
    tiny = find_subject("TinyStudentModel").model
    save_checkpoint(Path("p.pth.tar"), Checkpoint("TinyStudentModel", 0, dict(tiny.state_dict())))
    _, _, err = ai8x("evaluate", run[1], "p.pth.tar")
    assert "checkpoints are for classification and pose (name those of one task)" in err
