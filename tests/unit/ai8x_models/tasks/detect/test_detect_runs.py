"""The whole road of a small detector on drawn shapes, from training to the accelerator."""

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
from ai8x_models.tasks.sampled.stored import load_trained, stored_samples
from ai8x_models.training.logs import Console
from ai8x_models.training.loop import train
from ai8x_models.training.recipe_file import parse_recipe
from max78000.errors import InputError
from synthesis import compile_network

pytestmark = pytest.mark.slow  # half a minute, for the runs that the first of them make

MODEL = """\
from torch import nn

from ai8x_models.layers.box_head import BoxHead, BoxMap
from ai8x_models.layers.layers import Conv2d


def hidden(n_in, n_out, **options):
    return Conv2d(n_in, n_out, batchnorm="Affine", activation="ReLU", **options)


class Finder(nn.Module):
    def __init__(self, n_classes=3):
        super().__init__()
        self.conv1 = hidden(1, 16)
        self.conv2 = hidden(16, 32, pool="max")
        self.conv3 = hidden(32, 48, pool="max")
        self.conv4 = hidden(48, 48)
        self.conv5 = hidden(48, 48, pool="max")
        maps = BoxMap(48, 8, 8, ((0.3, 0.3),)), BoxMap(48, 4, 4, ((0.5, 0.5),))
        self.head = BoxHead(maps, n_classes)

    def forward(self, x):
        fine = self.conv4(self.conv3(self.conv2(self.conv1(x))))
        return self.head(fine, self.conv5(fine))


class Blind(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = hidden(1, 16)

    def forward(self, x):
        return self.conv1(x)
"""
RECIPE = """\
name: shapes
model: model.py:Finder
task: detection
epochs: 10
batch_size: 20
data: {source: shapes.npz}
augment: {flip: true, shift: 2, scale: 0.1}
optimizer: {peak_rate: 6e-3}
qat: {start_epoch: 8}
"""
SIDE = 32
CLASSES = ("disc", "square", "triangle")


def shapes(seed, n):
    """Pictures (n, 32, 32) of one or two shapes, and the boxes (n, 2, 5) around them."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE, :SIDE] + 0.5
    pictures = rng.normal(110, 14, (n, SIDE, SIDE)) + rng.uniform(-30, 30, (n, 1, 1))
    boxes = np.full((n, 2, 5), -1, np.float32)
    for picture, rows in zip(pictures, boxes, strict=True):
        for row in rows[: rng.integers(1, 3)]:
            high = rng.uniform(3.5, 8)
            wide = high * rng.uniform(0.8, 1.25)
            u, v = rng.uniform(wide, SIDE - wide), rng.uniform(high, SIDE - high)
            box = np.array([u - wide, v - high, u + wide, v + high]) / SIDE
            if (
                rows[0, 4] >= 0
                and (np.minimum(box[2:], rows[0, 2:4]) > np.maximum(box[:2], rows[0, :2])).all()
            ):
                continue
            u, v, kind = (x - u) / wide, (y - v) / high, rng.integers(3)
            inside = (
                u**2 + v**2 <= 1,
                np.maximum(abs(u), abs(v)) <= 1,
                (v <= 1) & (v >= 2 * abs(u) - 1),
            )
            picture[inside[kind]] += rng.choice((-1, 1)) * rng.uniform(50, 90)
            row[:] = *box, kind
    return pictures.clip(0, 255).astype(np.uint8), boxes


def draw(folder):
    splits = {"train": shapes(1, 600), "test": shapes(2, 200)}
    arrays = {}
    for name, (inputs, targets) in splits.items():
        arrays |= {f"x_{name}": inputs, f"y_{name}": targets}
    np.savez(folder / "shapes.npz", classes=CLASSES, **arrays)
    (folder / "model.py").write_text(MODEL)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with a run in it, and its integers."""
    folder = tmp_path_factory.mktemp("shapes")
    draw(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        train(parse_recipe(RECIPE, "shapes.yaml"), Console(StringIO()))
        torch.set_num_threads(threads)
        quantize_checkpoint(Path("runs/shapes/shapes.pth.tar"), Path("shapes-q.pth.tar"))
    return folder


@pytest.fixture
def run(trained, tmp_path, monkeypatch):
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return Path("runs/shapes/shapes.pth.tar"), Path("shapes-q.pth.tar")


def test_it_learns_far_beyond_chance_and_integers_know_as_much(run, ai8x):
    status, out, _ = ai8x("evaluate", *run, "--json")
    rows = list(json.loads(out).values())
    assert status == 0
    assert [row["ap50"] > 0.85 for row in rows] == [True, True]
    assert [row["ap"] > 0.45 for row in rows] == [True, True]
    assert set(rows[1]["classes"]) == set(CLASSES)
    assert "AP50" in ai8x("evaluate", run[1])[1]


def test_integers_are_those_of_quantization_aware_training(run):
    qat, integers = map(load_trained, run)
    samples = stored_samples(load_checkpoint(run[1]), "test", run[1])
    for one, other in zip(
        qat.outputs(samples.inputs[:20]), integers.outputs(samples.inputs[:20]), strict=True
    ):
        np.testing.assert_array_equal(one, other)
    assert integers.answer.classes == CLASSES
    assert torch.equal(integers.answer.priors, qat.answer.priors)


def test_the_simulated_accelerator_gives_every_output(run, ai8x):
    assert ai8x("sample", run[1], "--out", "one.npy")[1].startswith("one.npy: int8 1x32x32, ")
    ai8x("describe", "model.py:Finder", "--input", "1x32x32", "--out", "net.yaml")
    compiled = compile_network("net.yaml", run[1], np.load("one.npy"))
    compiled.write("project")
    status, out, _ = ai8x("evaluate", run[1], "--project", "project", "--machine", 3)
    assert status == 0
    assert out.endswith("simulated accelerator: equal to PyTorch on 3 of 3 examples\n")
    locations, scores = compiled.answers(compiled.interpret(np.load("one.npy"))).values()
    ours = load_trained(run[1]).outputs(np.load("one.npy")[None])
    np.testing.assert_array_equal(ours[0][0], locations)
    np.testing.assert_array_equal(ours[1][0], scores)


def test_what_was_found_is_said_and_drawn(run, ai8x):
    picture = np.full((SIDE, SIDE), 100, np.uint8)
    picture[8:22, 12:26] = 190
    Image.fromarray(picture).save("one.png")
    status, out, _ = ai8x("predict", "one.png", "--checkpoint", run[1], "--json")
    (row,) = json.loads(out)
    best = row["boxes"][0]
    assert (status, best["class"]) == (0, "square")
    assert np.abs(np.array(best["box"]) * SIDE - (12, 8, 26, 22)).max() < 3
    network = load_trained(run[1])
    (answer,) = network.answers((picture[None, None].astype(int) - 128).astype(np.int8))
    drawn = network.answer.show(answer).draw(Image.fromarray(picture))
    assert drawn.size == (320, 320)
    assert len(drawn.getcolors(1 << 20)) > len(Image.fromarray(picture).getcolors())


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("Blind", "names no priors: no part of it has an attribute `priors_cxcy`"),
        (
            "Finder(n_classes=2)",
            "answers with 80x4 and 80x3; for 3 classes it has to be 80x4 and 80x4",
        ),
    ],
)
def test_networks_that_are_no_detectors_are_refused(model, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    draw(tmp_path)
    with pytest.raises(InputError, match=message):
        train(parse_recipe(RECIPE.replace("Finder", model), "one.yaml"), Console(StringIO()))
