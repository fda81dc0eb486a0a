"""What the example needs and nobody ships: a network that reads digits, and players to look at.

    python prepare.py [FOLDER]

trains DigitNet briefly on drawn digits, and writes its integer checkpoint and a sample, and
pictures of drawn figures with a number before the chest. No download.
"""

# ruff: noqa: T201 - an example prints

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ai8x_models.checkpoint import Checkpoint, save_checkpoint
from ai8x_models.layers.qat import start_qat
from ai8x_models.quantize.quantize import quantize_checkpoint
from ai8x_models.tasks.pose.figures.figures import render
from ai8x_models.tasks.pose.figures.preset import PRESETS
from ai8x_models.zoo.registry import create_model, find_model
from ai8x_models.zoo.toy_data import draw_samples, train_briefly

SHOULDERS_AND_HIPS = [5, 6, 11, 12]  # of COCO's keypoints
SMALLEST = 26  # pixels from shoulders to hips
N_PLAYERS = 4
N_STEPS, N_QAT_STEPS = 60, 15


def train(folder):
    """Write digit-q.pth.tar and digit.npy."""
    torch.manual_seed(1)
    info = find_model("DigitNet")
    model = create_model("DigitNet")
    batches = [draw_samples(info.dataset, 32, seed) for seed in range(N_STEPS + N_QAT_STEPS)]
    train_briefly(model, info.dataset, batches[:N_STEPS])
    start_qat(model, info.policy)
    losses = train_briefly(model, info.dataset, batches[N_STEPS:])
    print(f"loss {losses[-1]:.2f}")
    trained = folder / "digit.pth.tar"
    save_checkpoint(trained, Checkpoint("DigitNet", 1, dict(model.state_dict())))
    quantize_checkpoint(trained, folder / "digit-q.pth.tar")
    sample = draw_samples(info.dataset, 1, 1000).device_inputs()[0]
    np.save(folder / "digit.npy", sample.astype(np.int8))


def chest_of(keypoints):
    """Centre and side of the square between shoulders and hips, as `main.c` takes it."""
    found = keypoints[SHOULDERS_AND_HIPS]
    low, high = found[:, :2].min(axis=0), found[:, :2].max(axis=0)
    return (low + high) / 2, float((high - low).max())


def player(seed, number):
    """A figure with a number before its chest; None if it is too small or not all of it shows."""
    figure = render(PRESETS["single"], seed)
    if len(figure.keypoints) != 1 or (figure.keypoints[0, SHOULDERS_AND_HIPS, 2] < 2).any():
        return None
    centre, side = chest_of(figure.keypoints[0])
    corner = np.round(centre - side / 2).astype(int)
    if side < SMALLEST or (corner < 0).any() or (corner + side >= 128).any():
        return None
    drawn = number_picture(number)
    shirt = Image.fromarray(drawn).resize((round(side), round(side)), Image.Resampling.BILINEAR)
    picture = Image.fromarray(figure.image)
    picture.paste(shirt.convert("RGB"), tuple(corner.tolist()))
    return picture


def number_picture(number):
    """The first drawn digit of this value: uint8 (28, 28)."""
    samples = draw_samples("digits", 200, seed=2000)
    which = int((samples.targets == number).nonzero()[0])
    return (samples.device_inputs()[which, 0] + 128).astype(np.uint8)


def main():
    """Write everything."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    folder.mkdir(parents=True, exist_ok=True)
    train(folder)
    seed, n_found = 0, 0
    while n_found < N_PLAYERS:
        number = (3 * n_found + 4) % 10
        picture = player(seed, number)
        seed += 1
        if picture is not None:
            path = folder / f"player{n_found}-number{number}.png"
            picture.save(path)
            print(f"wrote {path}")
            n_found += 1


if __name__ == "__main__":
    main()
