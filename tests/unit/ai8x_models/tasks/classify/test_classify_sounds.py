"""The whole road of recordings: folded on the way in, in training, predictions and the sample."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ai8x_models.training.data import prepared

pytestmark = pytest.mark.long  # trains

RATE, N_SAMPLES = 11_025, 353  # 32 ms, a little more than 256 samples at 8 kHz
NETWORK = """\
from torch import nn


class Net(nn.Sequential):
    def __init__(self):
        super().__init__(
            nn.Conv1d(16, 16, 1), nn.ReLU(), nn.Conv1d(16, 16, 3, padding=1), nn.ReLU(),
            nn.MaxPool1d(2), nn.Flatten(), nn.Linear(128, 3),
        )
"""
RECIPE = """\
name: tones
model: net.py:Net
task: classification
epochs: 12
batch_size: 16
data: {source: tones, shape: [16, 16], rate: 8000, workers: 2}
augment: {noise: 0.02}
qat: {start_epoch: 8}
"""


def tone(pitch, rng):
    phase = 2 * np.pi * (pitch * np.arange(N_SAMPLES) / RATE + rng.random())
    return rng.uniform(0.3, 0.8) * np.sin(phase) + rng.normal(0, 0.02, N_SAMPLES)


def draw():
    rng = np.random.default_rng(1)
    for name, pitch in (("low", 300), ("middle", 900), ("high", 2500)):
        Path("tones", name).mkdir(parents=True)
        for index in range(50):
            soundfile.write(f"tones/{name}/{index}.wav", tone(pitch, rng), RATE)
    soundfile.write("heard.flac", tone(2500, rng), RATE)


@pytest.fixture(scope="module")
def folder(walked):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prepared, "MEMORY_BYTES", 1000)  # training reads from a file
        patch.setattr(prepared, "_N_FEW", 10)  # which processes make
        return walked(NETWORK, RECIPE, draw)


@pytest.fixture(autouse=True)
def _there(folder, monkeypatch):
    monkeypatch.chdir(folder)


def test_tones_are_told_apart_by_the_accelerator(ai8x, equal_to_machine):
    status, out, _ = ai8x("evaluate", "q.pth.tar", "--json")
    (scores,) = json.loads(out).values()
    assert (status, scores["accuracy"]) == (0, 1.0)
    equal_to_machine("16x16")
    assert len(list(prepared.FOLDER.iterdir())) == 2  # of training and of validation


def test_a_recording_is_predicted(ai8x):
    status, out, _ = ai8x("predict", "heard.flac", "--checkpoint", "q.pth.tar")
    assert (status, out.startswith("heard.flac: high")) == (0, True)


def test_the_sample_is_the_recording_folded(ai8x):
    assert ai8x("sample", "q.pth.tar", "--out", "one.npy", "--overwrite")[0] == 0
    assert np.load("one.npy").shape == (16, 16)
