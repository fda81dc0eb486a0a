"""Test weights from `.npy` files: the same program as from a checkpoint, and clear refusals."""

import numpy as np
import pytest

from max78000.errors import InputError
from max78000.facts.chip import MAX78000
from synthesis.compile import compile_source
from synthesis.generate.options import ProgramOptions
from synthesis.read.checkpoint import Checkpoint, LayerWeights
from synthesis.read.files import Files, read_source
from synthesis.read.npy_weights import needed_bits, read_test_weights
from synthesis.read.source import Source
from synthesis.read.yaml_reader import read_network

TEXT = """arch: test
dataset: Small
bias: small
layers:
  - {op: conv2d, kernel_size: 3x3, pad: 1, activate: ReLU, quantization: 4}
  - {op: convtranspose2d, pad: 1, quantization: 8}
"""
RNG = np.random.default_rng(11)
WEIGHTS = (RNG.integers(-128, 128, (6, 2, 3, 3)), RNG.integers(-128, 128, (5, 6, 3, 3)))
BIAS = np.arange(-3, 3)
IMAGE = RNG.integers(-128, 128, (2, 5, 4))


def save(path, *arrays):
    path.parent.mkdir(exist_ok=True)
    with path.open("wb") as file:
        for array in arrays:
            np.save(file, array)
    return path


def program(source):
    return compile_source(source, ProgramOptions("small"), MAX78000).program


def test_the_program_is_that_of_a_checkpoint(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(TEXT)
    save(tmp_path / "tests/weights_small.npy", *WEIGHTS)
    save(tmp_path / "tests/bias_small.npy", BIAS)
    save(tmp_path / "tests/sample_small.npy", IMAGE)
    found = read_source(Files(tmp_path / "small.yaml", tmp_path / "none.pth.tar", None))
    trained = (
        LayerWeights("a", WEIGHTS[0] >> 4, BIAS, 4, 0),
        LayerWeights("b", WEIGHTS[1].transpose(1, 0, 2, 3)[:, :, ::-1, ::-1], None, 8, 0),
    )
    checkpoint = Checkpoint("none", "test", trained)
    assert program(found) == program(Source(read_network(TEXT, "small"), checkpoint, IMAGE))


def test_one_array_holds_the_layers_along_its_first_axis(tmp_path):
    stacked = RNG.integers(-8, 8, (3, 4, 4, 1, 1))
    checkpoint = read_test_weights(save(tmp_path / "w.npy", stacked), None)
    assert [layer.weight.tolist() for layer in checkpoint.layers] == stacked.tolist()


@pytest.mark.parametrize(
    ("low", "high", "bits"), [(-1, 0, 1), (-2, 1, 2), (0, 2, 3), (-8, 7, 4), (-128, 127, 8)]
)
def test_needed_bits(low, high, bits):
    assert needed_bits(np.array([low, high])) == bits


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ((np.full((2, 2), 200), np.ones((2, 2))), r"array 0: has values 200..200"),
        ((np.ones((1, 4)),), r"array 0: has shape \(4,\)"),
        ((np.full((1, 2, 2), 0.5),), r"array 0: values are not integers"),
    ],
)
def test_other_weights_are_refused(tmp_path, arrays, message):
    path = save(tmp_path / "w.npy", *arrays)
    with pytest.raises(InputError, match=message):
        read_test_weights(path, None)


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "w.npy"
    with pytest.raises(InputError, match="no such file"):
        read_test_weights(path, None)
    path.write_bytes(b"not an array")
    with pytest.raises(InputError, match=r"holds no .npy arrays"):
        read_test_weights(path, None)
