"""The shipped networks, and C projects of them with the weights of untrained models."""

from pathlib import Path

import numpy as np
import torch
from click.testing import CliRunner

from ai8x_models.checkpoint import Checkpoint, save_checkpoint
from ai8x_models.layers.qat import start_qat
from ai8x_models.quantize.quantize import quantize_checkpoint
from ai8x_models.zoo.registry import MODELS, create_model
from synthesis.commands.synthesize import synthesize
from synthesis.read.yaml_reader import read_network

ROOT = Path(__file__).resolve().parents[2]
TOO_LARGE = "pose_student"  # for the chip: no project is written
NETWORKS = {
    path.stem: read_network(path.read_text(encoding="utf-8"), path.name)
    for path in sorted((ROOT / "networks").glob("*.yaml"))
    if path.stem != TOO_LARGE
}


def write_project(name, folder, extras=None):
    """Compile a shipped description with the weights of an untrained model.

    `extras` is what a checkpoint of training says of inputs and answers.
    """
    network = NETWORKS[name]
    checkpoint, sample = write_inputs(name, folder, extras)
    given = [
        str(ROOT / f"networks/{name}.yaml"),
        *("--checkpoint-file", str(checkpoint), "--timer", "0"),
        *("--sample-input", str(sample), "--test-dir", str(folder)),
    ]
    if any(layer.streaming for layer in network.layers):
        given.append("--fifo")
    result = CliRunner().invoke(synthesize, given, standalone_mode=False)
    assert result.exception is None, result.exception
    return folder / name


def write_inputs(name, folder, extras=None):
    """An integer checkpoint of an untrained model and a random sample: q.pth.tar, sample.npy."""
    info = MODELS[NETWORKS[name].arch]
    torch.manual_seed(1)
    model = create_model(info.name)
    start_qat(model, info.policy)
    trained = Checkpoint(info.name, 1, dict(model.state_dict()), extras or {})
    save_checkpoint(folder / "qat.pth.tar", trained)
    quantize_checkpoint(folder / "qat.pth.tar", folder / "q.pth.tar")
    image = np.random.default_rng(1).integers(-128, 128, info.device_shape, dtype=np.int8)
    np.save(folder / "sample.npy", image)
    return folder / "q.pth.tar", folder / "sample.npy"
