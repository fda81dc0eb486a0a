"""Two whole roads: where a disc is, in pixels; and pictures through eight numbers and back."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ai8x_models.checkpoint import load_checkpoint
from ai8x_models.tasks.sampled.stored import load_trained

pytestmark = pytest.mark.slow  # half a minute, for the runs that the first of them make

FINDER = """\
from torch import nn

from ai8x_models.layers.layers import Conv2d, Linear


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        options = {"batchnorm": "Affine", "activation": "ReLU"}
        self.conv1 = Conv2d(1, 8, **options)
        self.conv2 = Conv2d(8, 16, pool="max", **options)
        self.conv3 = Conv2d(16, 16, pool="max", **options)
        self.place = Linear(16 * 16, 2, wide=True, fixed_scale=True)

    def forward(self, x):
        return self.place(self.conv3(self.conv2(self.conv1(x))).flatten(1))
"""
CODER = """\
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.encode = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        )
        self.decode = nn.Sequential(
            nn.ConvTranspose2d(8, 16, 3, 2, 1, 1), nn.BatchNorm2d(16), nn.ReLU(),
            nn.ConvTranspose2d(16, 16, 3, 2, 1, 1), nn.BatchNorm2d(16), nn.ReLU(),
            nn.Conv2d(16, 1, 3, padding=1),
        )

    def forward(self, x):
        return self.decode(self.encode(x))
"""
RECIPE = """\
name: discs
model: net.py:Net
task: regression
epochs: 20
batch_size: 16
data: {{source: discs.npz{more}}}
loss: {{kind: {loss}}}
qat: {{start_epoch: 14}}
"""


def draw():
    """Discs on a dark ground, 16x16; a target is the middle, in pixels, x and y."""
    rng = np.random.default_rng(1)
    middles = rng.uniform(3, 13, (400, 2)).astype(np.float32)
    y, x = np.mgrid[:16, :16] + 0.5
    distance = np.hypot(x - middles[:, :1, None], y - middles[:, 1:, None])
    pictures = 40 + 180 * (3.5 - distance).clip(0, 1) + rng.normal(0, 5, distance.shape)
    np.savez("discs.npz", inputs=pictures.clip(0, 255).astype(np.uint8), targets=middles)


@pytest.fixture(scope="module")
def finder(walked):
    return walked(FINDER, RECIPE.format(loss="huber", more=""), draw)


@pytest.fixture(scope="module")
def coder(walked):
    return walked(CODER, RECIPE.format(loss="mse", more=", target: input"), draw)


@pytest.fixture
def here(tmp_path, monkeypatch):
    def copy(folder):
        shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
        monkeypatch.chdir(tmp_path)

    return copy


def test_a_disc_is_found_to_a_pixel(finder, here, ai8x, equal_to_machine):
    here(finder)
    equal_to_machine("1x16x16")
    status, out, _ = ai8x("evaluate", "trained.pth.tar", "q.pth.tar", "--json")
    qat, integers = json.loads(out).values()
    assert status == 0
    assert qat["r2"] > 0.9
    assert integers["mae"] < 1
    assert integers["mae"] == pytest.approx(qat["mae"], abs=0.01)
    assert [row["r2"] > 0.9 for row in integers["by_number"]] == [True, True]
    picture = np.load("discs.npz")["inputs"][0]
    Image.fromarray(picture).save("disc.png")
    np.save("disc.npy", picture)
    _, out, _ = ai8x("predict", "disc.png", "disc.npy", "--checkpoint", "q.pth.tar", "--json")
    drawn, given = json.loads(out)
    assert drawn["numbers"] == given["numbers"]
    assert drawn["numbers"] == pytest.approx(np.load("discs.npz")["targets"][0], abs=1.5)
    status, _, err = ai8x("predict", "disc.png", "--checkpoint", "q.pth.tar", "--draw", "drawn")
    assert (status, "answers of this kind have no place on a picture" in err) == (2, True)


def test_pictures_come_back_from_a_few_numbers(coder, here, ai8x, equal_to_machine):
    here(coder)
    equal_to_machine("1x16x16", 2)
    _, out, _ = ai8x("evaluate", "q.pth.tar", "--json")
    (scores,) = json.loads(out).values()
    assert scores["r2"] > 0.9
    assert scores["psnr"] > 24
    _, out, _ = ai8x("evaluate", "q.pth.tar")
    assert " dB, 80 examples of test\n" in out
    picture = np.load("discs.npz")["inputs"][0]
    Image.fromarray(picture).save("disc.png")
    _, out, _ = ai8x("predict", "disc.png", "--checkpoint", "q.pth.tar", "--draw", "drawn")
    assert out.endswith(", drawn/disc-answer.png\n")
    restored = np.asarray(Image.open("drawn/disc-answer.png"))
    assert restored.shape == (16, 16, 3)
    assert np.abs(restored[..., 0].astype(int) - picture).mean() < 12


def test_what_answers_mean_is_stored(finder, here):
    here(finder)
    stored = load_checkpoint(Path("q.pth.tar")).extras
    assert (stored["task"], stored["target"]["is_input"]) == ("regression", False)
    network = load_trained(Path("q.pth.tar"))
    assert network.answer.zero[0] == pytest.approx(8, abs=0.2)
