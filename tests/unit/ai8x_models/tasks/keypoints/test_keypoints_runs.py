"""The whole road of a small network that finds points, on drawn dumbbells."""

import json
import shutil
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ai8x_models.checkpoint import load_checkpoint
from ai8x_models.quantize.quantize import quantize_checkpoint
from ai8x_models.tasks.keypoints.answer import PointAnswers
from ai8x_models.tasks.sampled.augment import Move
from ai8x_models.tasks.sampled.stored import load_trained, stored_samples
from ai8x_models.training.logs import Console
from ai8x_models.training.loop import train
from ai8x_models.training.recipe_file import parse_recipe
from max78000.errors import InputError
from synthesis import compile_network

MODEL = """\
from torch import nn

from ai8x_models.layers.layers import Conv2d, Linear


def hidden(n_in, n_out, **options):
    return Conv2d(n_in, n_out, batchnorm="Affine", activation="ReLU", **options)


class Finder(nn.Sequential):
    def __init__(self, n_points=2):
        super().__init__(
            hidden(1, 16), hidden(16, 24, pool="max"), hidden(24, 32, pool="max"), hidden(32, 32),
            Conv2d(32, n_points, 1, wide=True, fixed_scale=True),
        )


class Numbers(nn.Sequential):
    def __init__(self):
        super().__init__(
            hidden(1, 16), hidden(16, 24, pool="max"), hidden(24, 32, pool="max"), hidden(32, 32),
            nn.Flatten(), Linear(32 * 6 * 6, 4, wide=True, fixed_scale=True),
        )
"""
RECIPE = """\
name: dumbbells
model: model.py:Finder
task: keypoints
epochs: 9
batch_size: 20
data: {source: dumbbells.npz}
augment: {flip: true, shift: 1}
optimizer: {peak_rate: 6e-3}
points: {names: [bright, dark]}
qat: {start_epoch: 7}
"""
SIDE = 24


def dumbbells(seed, n):
    """Pictures (n, 24, 24) of a dumbbell, and the points (n, 2, 3): its bright and its dark end."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE, :SIDE] + 0.5
    pictures = rng.normal(110, 14, (n, SIDE, SIDE)) + rng.uniform(-20, 20, (n, 1, 1))
    points = np.full((n, 2, 3), 2, np.float32)
    for picture, ends in zip(pictures, points, strict=True):
        half, angle = rng.uniform(4, 7), rng.uniform(0, 2 * np.pi)
        ahead = half * np.array([np.cos(angle), np.sin(angle)])
        middle = rng.uniform(half + 2, SIDE - half - 2, 2)
        for end, sign in zip(ends, (1, -1), strict=True):
            u, v = middle + sign * ahead
            picture[np.hypot(x - u, y - v) <= 2.5] += sign * 90
            end[:2] = u / SIDE, v / SIDE
    return pictures.clip(0, 255).astype(np.uint8), points


def draw(folder):
    arrays = {}
    for split, (x, y) in {"train": dumbbells(1, 600), "test": dumbbells(2, 200)}.items():
        arrays |= {f"x_{split}": x, f"y_{split}": y}
    np.savez(folder / "dumbbells.npz", **arrays)
    (folder / "model.py").write_text(MODEL)


def trained_in(folder, text):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        train(parse_recipe(text, "dumbbells.yaml"), Console(StringIO()))
        torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with a run in it, and its integers."""
    folder = tmp_path_factory.mktemp("dumbbells")
    draw(folder)
    trained_in(folder, RECIPE)
    quantize_checkpoint(folder / "runs/dumbbells/dumbbells.pth.tar", folder / "dumbbells-q.pth.tar")
    return folder


@pytest.fixture
def run(trained, tmp_path, monkeypatch):
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return Path("runs/dumbbells/dumbbells.pth.tar"), Path("dumbbells-q.pth.tar")


@pytest.mark.slow
def test_it_learns_far_beyond_chance_and_integers_know_as_much(run, ai8x):
    status, out, _ = ai8x("evaluate", *run, "--json")
    rows = list(json.loads(out).values())
    assert status == 0
    assert [row["pck"] > 0.8 for row in rows] == [True, True]
    assert [row["error_pixels"] < 1.5 for row in rows] == [True, True]
    assert set(rows[1]["points"]) == {"bright", "dark"}
    assert "PCK@0.1" in ai8x("evaluate", run[1])[1]


@pytest.mark.slow
def test_integers_are_those_of_training_and_of_the_accelerator(run, ai8x):
    qat, integers = map(load_trained, run)
    samples = stored_samples(load_checkpoint(run[1]), "test", run[1])
    pair = (one.outputs(samples.inputs[:20])[0] for one in (qat, integers))
    np.testing.assert_array_equal(*pair)
    assert ai8x("sample", run[1], "--out", "one.npy")[1].endswith("2 of 2 points\n")
    ai8x("describe", "model.py:Finder", "--input", "1x24x24", "--out", "net.yaml")
    compile_network("net.yaml", run[1], np.load("one.npy")).write("project")
    status, out, _ = ai8x("evaluate", run[1], "--project", "project", "--machine", 3)
    assert status == 0
    assert out.endswith("simulated accelerator: equal to PyTorch on 3 of 3 examples\n")


@pytest.mark.slow
def test_points_are_said_and_drawn(run, ai8x):
    (picture,), ((bright, _),) = dumbbells(7, 1)
    Image.fromarray(picture).save("one.png")
    status, out, _ = ai8x("predict", "one.png", "--checkpoint", run[1], "--json")
    (row,) = json.loads(out)
    assert status == 0
    assert abs(row["points"]["bright"]["x"] - bright[0] * SIDE) < 2
    assert abs(row["points"]["bright"]["y"] - bright[1] * SIDE) < 2
    network = load_trained(run[1])
    (answer,) = network.answers((picture[None, None].astype(int) - 128).astype(np.int8))
    shown = network.answer.show(answer)
    assert shown.text.startswith("bright at ")
    assert shown.draw(Image.fromarray(picture)).size == (336, 336)


@pytest.mark.slow
def test_coordinates_are_learned_as_well(tmp_path, ai8x, monkeypatch):
    draw(tmp_path)
    trained_in(tmp_path, RECIPE.replace("Finder", "Numbers"))
    monkeypatch.chdir(tmp_path)
    (row,) = json.loads(ai8x("evaluate", "runs/dumbbells/dumbbells.pth.tar", "--json")[1]).values()
    assert row["pck"] > 0.3
    assert row["error_pixels"] < 3


def test_points_move_are_exchanged_and_leave():
    answer = PointAnswers(("tip", "left", "right"), (0, 2, 1), (10, 20))
    points = np.array([[0.5, 0.5, 2], [0.2, 0.6, 2], [0.9, 0.8, 1]], np.float32)
    moved = answer.moved(points, Move(True, (1, 3), (10, 20)))
    expected = [[0.65, 0.6, 2], [0.25, 0.9, 1], [0.95, 0.7, 2]]
    np.testing.assert_allclose(moved, expected, atol=1e-6)
    left = answer.moved(points, Move(False, (0, 5), (10, 20)))
    assert left[:, 2].tolist() == [2, 2, 0]
    assert answer.name_of(left) == "2 of 3 points"
    kept = PointAnswers.from_extras(json.loads(json.dumps(answer.to_extras())))
    assert kept == answer


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("Finder", "Finder(n_points=3)"), "answers with 3x6x6, for 2 points"),
        (("[bright, dark]", "[bright]"), "has 1 points, the data have 2"),
    ],
)
@pytest.mark.long
def test_what_does_not_fit_the_points_is_refused(change, message, tmp_path):
    draw(tmp_path)
    with pytest.raises(InputError, match=message):
        trained_in(tmp_path, RECIPE.replace(*change))
