"""Quantization after training: samples in the place of QAT."""

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from torch import nn

from ai8x_models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from ai8x_models.commands.main import cli
from ai8x_models.describe.calibrate import calibrate_checkpoint
from ai8x_models.describe.convert import network_of
from ai8x_models.describe.describe import describe
from ai8x_models.describe.wiring import wiring_of
from ai8x_models.layers.layers import Conv2d, ElementWise
from ai8x_models.layers.policy import QatPolicy
from ai8x_models.layers.qat import start_qat
from ai8x_models.quantize.options import QuantizeOptions
from ai8x_models.quantize.quantize import (
    integer_activations,
    load_integer_model,
    quantize_checkpoint,
)
from ai8x_models.zoo.registry import create_model
from ai8x_models.zoo.toy_data import draw_samples, train_briefly
from max78000.errors import InputError
from max78000.facts.chip import MAX78000
from max78000.facts.fixed import Combine
from synthesis.compile import compile_source
from synthesis.generate.options import ProgramOptions
from synthesis.read.checkpoint import read_checkpoint
from synthesis.read.source import Source
from synthesis.read.yaml_reader import read_network

pytestmark = pytest.mark.long  # seconds each

NET = """
from torch import nn
def Net():
    return nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
        nn.MaxPool2d(2), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(128, 4))
"""


@pytest.fixture(scope="module")
def trained():
    """A network of the zoo that never saw QAT, and samples."""
    torch.manual_seed(1)
    model, samples = create_model("ColorNet"), draw_samples("objects", 32)
    train_briefly(model, "objects", [samples] * 12)
    return model.eval(), samples


def run(*words):
    return CliRunner().invoke(cli, [str(word) for word in words])


def _qsnr(path, samples, wanted):
    """Of the answers, up to their scale."""
    found = list(integer_activations(load_integer_model(path), samples.device_inputs()).values())[
        -1
    ]
    found = torch.from_numpy(found).double().flatten(1)
    wanted = wanted.double().flatten(1)
    found = found * (wanted * found).sum() / found.square().sum()
    return float(10 * torch.log10(wanted.square().sum() / (wanted - found).square().sum()))


def test_samples_make_the_integers_better(trained, tmp_path):
    model, samples = trained
    save_checkpoint(tmp_path / "float", Checkpoint("ColorNet", 1, model.state_dict()))
    np.save(tmp_path / "samples.npy", samples.inputs[:16].numpy())
    with torch.no_grad():
        wanted = model(samples.inputs)
    widths = QuantizeOptions(weight_bits={"conv3": 4, "conv4": 4, "conv5": 4})
    plain = quantize_checkpoint(tmp_path / "float", tmp_path / "plain", widths)
    assert any("never saw" in note for note in plain.notes)
    report = calibrate_checkpoint(
        tmp_path / "float", tmp_path / "q", tmp_path / "samples.npy", "ColorNet", None, widths
    )
    without, with_samples = (_qsnr(tmp_path / n, samples, wanted) for n in ("plain", "q"))
    assert with_samples > without + 3
    assert "dB QSNR" in report.notes[-1]
    before, after = (load_checkpoint(tmp_path / name) for name in ("plain", "q"))
    assert list(before.state_dict) == list(after.state_dict)  # a file like any other
    assert after.extras["clipping_method"] == "MAX_BIT_SHIFT"


def test_narrow_weights_everywhere_keep_the_answers(trained, tmp_path):
    """Biases have a byte whatever the width, and a narrow answer layer may grow its answer."""
    model, samples = trained
    save_checkpoint(tmp_path / "float", Checkpoint("ColorNet", 1, model.state_dict()))
    np.save(tmp_path / "samples.npy", samples.inputs[:16].numpy())
    with torch.no_grad():
        wanted = model(samples.inputs)
    narrow = QuantizeOptions(default_weight_bits=4)
    paths = (tmp_path / name for name in ("float", "q", "samples.npy"))
    report = calibrate_checkpoint(*paths, "ColorNet", None, narrow)
    assert _qsnr(tmp_path / "q", samples, wanted) > 14  # without samples all answers are 0
    found = load_checkpoint(tmp_path / "q")
    biases = [one / 8 for name, one in found.state_dict.items() if name.endswith(".bias")]
    assert max(one.abs().max() for one in biases) > 8  # weights end at -8
    (gain,) = found.extras["output_scales"]
    assert gain == 2.0 ** -float(found.state_dict["classify.output_shift"]) > 1
    assert f"answer 0 is {gain:g} times as large, as its weights are" in report.notes
    assert float(report.notes[-1].split()[3]) > 14  # dB, of the answers with their scale


def test_the_compiler_reads_biases_wider_than_weights(trained, tmp_path):
    model, samples = trained
    save_checkpoint(tmp_path / "float", Checkpoint("ColorNet", 1, model.state_dict()))
    np.save(tmp_path / "samples.npy", samples.inputs[:16].numpy())
    paths = (tmp_path / name for name in ("float", "q", "samples.npy"))
    calibrate_checkpoint(*paths, "ColorNet", None, QuantizeOptions(default_weight_bits=4))
    spec = read_network(describe(model, (3, 32, 32), "ColorNet").to_text(), "net.yaml")
    data = samples.device_inputs()[:1]
    source = Source(spec, read_checkpoint(tmp_path / "q"), data[0])
    compiled = compile_source(source, ProgramOptions("net"), MAX78000)
    in_torch = integer_activations(load_integer_model(tmp_path / "q"), data)
    for layer, result in zip(compiled.graph.layers, compiled.results, strict=True):
        np.testing.assert_array_equal(in_torch[layer.name][0].reshape(result.shape), result)


def test_a_plain_network_is_converted_and_calibrated(tmp_path):
    torch.manual_seed(0)
    (tmp_path / "net.py").write_text(NET)
    namespace = {}
    exec(NET, namespace)  # the file's own text
    model, data = namespace["Net"](), torch.rand(32, 1, 8, 8) * 2 - 1
    model(data)
    torch.save(model.state_dict(), tmp_path / "net.pth")
    np.savez(tmp_path / "samples.npz", data.numpy())
    word, options = f"{tmp_path / 'net.py'}:Net", QuantizeOptions()
    report = calibrate_checkpoint(
        tmp_path / "net.pth", tmp_path / "q", tmp_path / "samples.npz", word, (1, 8, 8), options
    )
    reach, *others, note = report.notes
    assert reach.startswith("the samples reach from -")
    assert all("the chip" in other for other in others)  # what its integers mean
    assert float(note.split()[3]) > 25
    assert load_checkpoint(tmp_path / "q").extras["input_scale"] == 1


class Joined(nn.Module):
    def __init__(self, combine):
        super().__init__()
        self.one, self.two = Conv2d(2, 2, activation="ReLU"), Conv2d(2, 2, activation="ReLU")
        self.join, self.last = ElementWise(combine), Conv2d(2, 2)
        self.wide = Conv2d(2, 2, 1, wide=True)

    def forward(self, x):
        x = self.one(x)
        x = self.last(self.join(x, self.two(x)))
        return self.wide(x)


def test_tensors_that_meet_share_a_scale():
    model = Joined(Combine.ADD)
    wiring = wiring_of(network_of(model, (2, 4, 4)).graph, model)
    assert wiring.writes["one"] == wiring.writes["two"] == wiring.reads["last"]
    assert wiring.reads["one"] in wiring.settled  # the input
    assert wiring.reads["wide"] in wiring.settled  # what a 32-bit answer is the sum of
    assert wiring.writes["one"] not in wiring.settled
    bits = Joined(Combine.XOR)
    wiring = wiring_of(network_of(bits, (2, 4, 4)).graph, bits)
    assert wiring.writes["one"] in wiring.settled


def test_what_saw_qat_is_not_calibrated(tmp_path):
    model = create_model("DigitNet")
    start_qat(model, QatPolicy(0))
    save_checkpoint(tmp_path / "qat", Checkpoint("DigitNet", 1, model.state_dict()))
    np.save(tmp_path / "samples.npy", np.zeros((1, 1, 28, 28), np.float32))
    paths = (tmp_path / name for name in ("qat", "q", "samples.npy"))
    with pytest.raises(InputError, match="nothing is left to calibrate"):
        calibrate_checkpoint(*paths, "DigitNet", None, QuantizeOptions())


PREPARED = """
from torch import nn
class Net(nn.Module):  # pictures with their channels last, 0 to 1
    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 8, 3, padding=1), nn.Linear(8 * 16, 4)
    def forward(self, x):
        x = (x.permute(0, 3, 1, 2) - 0.5) / 0.25
        return self.fc(nn.functional.max_pool2d(self.conv(x).relu(), 2).flatten(1)).softmax(1)
"""
OURS = """
from torch import nn
from ai8x_models.layers.layers import Conv2d, Linear
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = Conv2d(3, 8, activation="ReLU", pool="max", batchnorm="NoAffine")
        self.fc = Linear(8 * 16, 4, wide=True)
    def forward(self, x):
        return self.fc(self.conv(x.permute(0, 3, 1, 2)).flatten(1)).softmax(1)
"""


@pytest.mark.parametrize("text", [PREPARED, OURS], ids=["plain", "ours"])
def test_both_commands_calibrate_alike(text, tmp_path):
    """Models that prepare their input, and do something with their answers."""
    torch.manual_seed(3)
    (tmp_path / "net.py").write_text(text)
    namespace = {}
    exec(text, namespace)  # the file's own text
    model = namespace["Net"]()
    model(torch.rand(64, 8, 8, 3))
    torch.save(model.state_dict(), tmp_path / "net.pth")
    np.save(tmp_path / "samples.npy", torch.rand(16, 8, 8, 3).numpy())
    files = {name: tmp_path / name for name in ("net.pth", "samples.npy", "a", "b", "net.yaml")}
    word = (f"{tmp_path / 'net.py'}:Net", "--input", "8x8x3")
    weights = ("--checkpoint", files["net.pth"])
    one = run("describe", *word, *weights, "--calibration", files["samples.npy"],
              "--checkpoint-out", files["a"], "--out", files["net.yaml"])  # fmt: skip
    other = run("quantize", files["net.pth"], files["b"], "--calibrate", files["samples.npy"],
                "--model", *word)  # fmt: skip
    assert (one.exit_code, other.exit_code) == (0, 0), (one.exception, other.exception)
    notes = [[line for line in found.stderr.splitlines() if "note: " in line]
             for found in (one, other)]  # fmt: skip
    assert notes[0] == notes[1]
    assert float(notes[0][-1].split()[4]) > 20  # dB: what the answers are in real numbers is right
    first, second = (load_checkpoint(files[name]) for name in ("a", "b"))
    assert list(first.state_dict) == list(second.state_dict)
    for name, tensor in first.state_dict.items():
        assert torch.equal(tensor, second.state_dict[name]), name
    for key in ("input_scale", "output_scales"):
        assert first.extras[key] == second.extras[key]


def test_neither_command_calibrates_what_saw_qat(tmp_path):
    model = create_model("DigitNet")
    start_qat(model, QatPolicy(0))
    save_checkpoint(tmp_path / "qat", Checkpoint("DigitNet", 1, model.state_dict()))
    np.save(tmp_path / "samples.npy", np.zeros((1, 1, 28, 28), np.float32))
    found = run("describe", "DigitNet", "--checkpoint", tmp_path / "qat", "--calibration",
                tmp_path / "samples.npy", "--checkpoint-out", tmp_path / "q")  # fmt: skip
    assert found.exception.fix == "leave --calibration out"
    assert not (tmp_path / "q").exists()
