"""A new project: its files fit together, for any picture; and `make` in it ends with PASS."""

import json
from pathlib import Path

import numpy as np
import pytest
from ran import ran

from ai8x_models.describe.describe import check_model
from ai8x_models.describe.subject import find_subject
from ai8x_models.training.data.plan import DataPlan
from ai8x_models.training.new_project import (
    layer_lines,
    new_project,
    prior_sizes,
    tasks_with_templates,
)
from ai8x_models.training.recipe_file import read_recipe
from max78000.errors import InputError, UnsupportedError


@pytest.fixture(autouse=True)
def _alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def samples(*shape):
    np.savez("data.npz", inputs=np.zeros((12, *shape), np.uint8), targets=np.arange(12) % 3)
    return DataPlan("data.npz")


@pytest.mark.parametrize("shape", [(4, 4), (28, 28, 1), (3, 64, 64), (3, 128, 128), (3, 50, 33)])
def test_model_and_recipe_fit_the_data(shape, monkeypatch):
    files = new_project(Path("my_net"), "classification", samples(*shape))
    assert [path.name for path in files] == ["Makefile", "README.md", "model.py", "recipe.yaml"]
    monkeypatch.chdir("my_net")
    recipe = read_recipe(Path("recipe.yaml"))
    assert (recipe.name, recipe.model) == ("my_net", "model.py:MyNet")
    words = Path("Makefile").read_text().split("--input ")[1].split()[0]
    shape = tuple(map(int, words.split("x")))
    assert not check_model(find_subject(recipe.model, shape).model, shape)
    assert max(map(len, Path("model.py").read_text().splitlines())) <= 100
    assert Path(recipe.data.source).is_absolute()


def test_a_project_is_whole_or_not_there(monkeypatch):
    def full(_files):
        raise InputError("no room")

    monkeypatch.setattr("ai8x_models.training.new_project.write_all", full)
    with pytest.raises(InputError, match="no room"):
        new_project(Path("deep/my_net"), "classification", samples(4, 4))
    assert list(Path("deep").iterdir()) == []


def test_there_are_templates_for_these_tasks():
    assert tasks_with_templates() == (
        *("classification", "detection", "keypoints"),
        *("regression", "segmentation"),
    )


@pytest.mark.parametrize("task", ["detection", "keypoints"])
@pytest.mark.parametrize(
    "shape",
    [pytest.param(None, marks=pytest.mark.long), (24, 40), (3, 64, 64), (3, 128, 128), (3, 50, 33)],
)
def test_models_find_things_in_pictures_of_any_size(task, shape, monkeypatch):
    plan = None
    if shape is not None:
        places = np.random.default_rng(1).uniform(0.1, 0.4, (12, 2, 5))
        places[..., 2:4] += places[..., :2]
        places[..., 4] = 0
        places = places if task == "detection" else np.round(places[..., :3])
        np.savez("data.npz", inputs=np.zeros((12, *shape), np.uint8), targets=places)
        plan = DataPlan("data.npz")
    files = new_project(Path("my_net"), task, plan)
    assert (Path("my_net/data.py") in files) == (shape is None)
    monkeypatch.chdir("my_net")
    recipe = read_recipe(Path("recipe.yaml"))
    words = Path("Makefile").read_text().split("--input ")[1].split()[0]
    shape = tuple(map(int, words.split("x")))
    assert not check_model(find_subject(recipe.model, shape).model, shape)
    for name in ("model.py", "README.md"):
        assert "{" not in Path(name).read_text()
        assert max(map(len, Path(name).read_text().splitlines())) <= 125


@pytest.mark.parametrize(
    ("task", "shape"),
    [
        pytest.param("regression", None, marks=pytest.mark.long),
        pytest.param("segmentation", None, marks=pytest.mark.long),
        ("regression", (3, 128, 128)),
        ("segmentation", (24, 40)),
        ("segmentation", (3, 64, 64)),
    ],
)
def test_models_answer_with_numbers_and_masks(task, shape, monkeypatch):
    plan = None
    if shape is not None:
        targets = np.random.default_rng(1).uniform(0, 9, (12, 5))
        if task == "segmentation":
            targets = np.zeros((12, 24, 40), np.uint8) + np.arange(40, dtype=np.uint8) % 3
        np.savez("data.npz", inputs=np.zeros((12, *shape), np.uint8), targets=targets)
        plan = DataPlan("data.npz")
    files = new_project(Path("my_net"), task, plan)
    assert (Path("my_net/data.py") in files) == (shape is None)
    monkeypatch.chdir("my_net")
    recipe = read_recipe(Path("recipe.yaml"))
    words = Path("Makefile").read_text().split("--input ")[1].split()[0]
    shape = tuple(map(int, words.split("x")))
    assert not check_model(find_subject(recipe.model, shape).model, shape)
    for name in ("model.py", "README.md"):
        assert "{{" not in Path(name).read_text()
        assert max(map(len, Path(name).read_text().splitlines())) <= 125


def test_masks_have_pictures_that_can_be_halved():
    np.savez(
        "data.npz", inputs=np.zeros((12, 20, 24), np.uint8), targets=np.zeros((12, 20, 24), int)
    )
    with pytest.raises(UnsupportedError, match="1x20x24 cannot be halved three times"):
        new_project(Path("my_net"), "segmentation", DataPlan("data.npz"))


def test_priors_have_the_sizes_of_the_boxes():
    boxes = np.full((3, 2, 5), -1.0)
    boxes[:, 0] = [[0.1, 0.1, 0.3, 0.4, 0], [0, 0, 0.6, 0.5, 1], [0.2, 0.1, 0.4, 0.4, 0]]
    assert prior_sizes(boxes) == ((0.2, 0.3), (0.6, 0.5))
    assert prior_sizes(boxes[:, 1:]) == ((0.3, 0.3),)


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("My-Net", (8, 8), "cannot be the name of a network"),
        ("taken", (8, 8), "is there already"),
        ("good", (3, 3), "are not 4 to 180 pixels"),
    ],
)
def test_refusals(name, shape, message):
    Path("taken").mkdir()
    with pytest.raises((InputError, UnsupportedError), match=message):
        new_project(Path(name), "classification", samples(*shape))
    assert not Path("good").exists()


def test_signals_have_no_template():
    with pytest.raises(UnsupportedError, match="are signals"):
        layer_lines((6, 128))


@pytest.mark.slow
def test_make_goes_from_digits_to_pass(tmp_path):
    pytest.importorskip("sklearn", reason="of the extra `dev`")
    ran("ai8x", "new", "digits", folder=tmp_path)
    project = tmp_path / "digits"
    said = ran("make", folder=project)
    assert said.endswith("\nPASS\n")
    assert "equal to PyTorch on 16 of 16 examples" in said
    found = ran("ai8x", "evaluate", "build/digits-q.pth.tar", "--json", folder=project)
    (row,) = json.loads(found).values()
    assert (row["n_examples"], row["accuracy"] >= 0.97) == (359, True)
    report = json.loads((project / "build/digits/report.json").read_text())
    assert [one["value"] for one in report["scores"]] == [row["accuracy"]]
    assert "Confusion matrix" in (project / "build/digits-evaluation.html").read_text()
