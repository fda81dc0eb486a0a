"""The whole road: a folder of pictures and masks, a network that answers for blocks of pixels."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ai8x_models.checkpoint import load_checkpoint

pytestmark = pytest.mark.slow  # half a minute, for the runs that the first of them make

NETWORK = """\
import torch
from torch import nn

from ai8x_models.layers.layers import Conv2d, ConvTranspose2d, FoldedConv2d


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        options = {"batchnorm": "Affine", "activation": "ReLU"}
        self.fine = FoldedConv2d(3, 12, **options)
        self.coarse = Conv2d(12, 16, pool="max", **options)
        self.up = ConvTranspose2d(16, 12, **options)
        self.join = Conv2d(24, 12, **options)
        self.label = Conv2d(12, 4 * 3, 1, wide=True, fixed_scale=True)

    def forward(self, x):
        fine = self.fine(x)
        up = self.up(self.coarse(fine))
        return self.label(self.join(torch.cat((up, fine), dim=1)))
"""
RECIPE = """\
name: shapes
model: net.py:Net
task: segmentation
epochs: 20
batch_size: 8
data: {source: shapes, shape: [3, 32, 32]}
augment: {flip: true, shift: 1}
loss: {dice: 0.5, class_weights: {disc: 2.0}}
qat: {start_epoch: 14}
"""


def draw():
    """A warm disc and a cold square on a dark ground, 40x40; the disc's rim counts for nothing."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:40, :40] + 0.5
    for name in ("pictures", "masks"):
        (Path("shapes") / name).mkdir(parents=True)
    Path("shapes/classes.txt").write_text("ground\ndisc\nsquare\n")
    for index in range(150):
        picture, mask = rng.normal(50, 12, (40, 40, 3)), np.zeros((40, 40), np.uint8)
        places = rng.uniform(8, 32, (2, 2, 1, 1))
        distance = np.hypot(x - places[0, 0], y - places[0, 1])
        square = np.maximum(abs(x - places[1, 0]), abs(y - places[1, 1])) < 6
        for label, area in enumerate((distance < 7, square), 1):
            picture[area] += rng.uniform(60, 190, 3) * ((1, 1, 0.3) if label == 1 else (0.3, 1, 1))
            mask[area] = label
        mask[(abs(distance - 7) < 0.7) & ~square] = 255
        Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(f"shapes/pictures/{index}.png")
        Image.fromarray(mask).save(f"shapes/masks/{index}.png")


@pytest.fixture(scope="module")
def trained(walked):
    return walked(NETWORK, RECIPE, draw)


@pytest.fixture
def _here(trained, tmp_path, monkeypatch):
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("_here")
def test_shapes_are_found_and_the_accelerator_agrees(ai8x, equal_to_machine):
    equal_to_machine("3x32x32", 2)
    _, out, _ = ai8x("evaluate", "trained.pth.tar", "q.pth.tar", "--json")
    qat, integers = json.loads(out).values()
    assert integers["miou"] > 0.75
    assert integers["miou"] == pytest.approx(qat["miou"], abs=0.01)
    assert min(integers["iou"].values()) > 0.6
    low, high = integers["miou_interval"]
    assert low < integers["miou"] < high
    _, out, _ = ai8x("evaluate", "q.pth.tar")
    assert "of pixels right, 30 pictures of test\nclass" in out


@pytest.mark.usefixtures("_here")
def test_masks_are_drawn_over_pictures(ai8x):
    arguments = ("predict", "shapes/pictures/0.png", "--checkpoint", "q.pth.tar")
    _, out, _ = ai8x(*arguments, "--draw", "drawn", "--json")
    (row,) = json.loads(out)
    assert set(row["shares"]) == {"ground", "disc", "square"}
    drawn = np.asarray(Image.open(row["drawing"])).astype(int)
    mask = np.asarray(Image.open("shapes/masks/0.png"))
    blueness = drawn[..., 2] - drawn[..., 0]  # discs are orange, squares blue
    assert blueness[mask == 2].mean() > 40
    assert blueness[mask == 1].mean() < -40
    assert load_checkpoint(Path("q.pth.tar")).extras["mask"] == [32, 32]
