"""Before training: does the network fit? Description, integers and noise for `synthesize --check`.

And what the accelerator cannot do, all at once, from the model, its constructors and its joins.
"""

import json
import shlex

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from click.testing import CliRunner
from plain_networks import PlainUNet
from torch import nn

from ai8x_models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from ai8x_models.commands.main import cli
from ai8x_models.describe.calibrate import calibrate
from ai8x_models.describe.convert import network_of
from ai8x_models.describe.describe import check_model, describe
from ai8x_models.describe.integers import integer_state
from ai8x_models.layers.layers import Conv2d, ConvTranspose2d, ElementWise, FoldedConv2d, Linear
from ai8x_models.layers.policy import QatPolicy
from ai8x_models.layers.qat import start_qat
from ai8x_models.zoo.registry import create_model
from max78000.errors import InputError, InternalError, ProblemList, UnsupportedError
from max78000.facts.fixed import Combine
from synthesis.commands.synthesize import synthesize

OURS = """
from torch import nn
from ai8x_models.layers.vendor_names import FusedConv2dBNReLU, Linear

class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = FusedConv2dBNReLU(2, 6, 3, padding=1, weight_bits=WIDTH)

    def forward(self, x):
        return self.conv(x)

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.block = Block()
        self.answer = Linear(6 * 64, 3, wide=True)

    def forward(self, x):
        return self.answer(self.block(x).flatten(1))
"""
PLAIN = """
from torch import nn

class Head(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4 * 64, 3)

    def forward(self, x):
        return self.linear(x.flatten(1))

class Net(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), Head())
"""
IMPOSSIBLE = """
from ai8x_models.layers.layers import Conv2d

class Net:
    def __init__(self):
        self.first = Conv2d(2, 4)
        self.second = Conv2d(4, 4, 5, stride=2)  # line 7
"""


@pytest.fixture(params=[OURS, PLAIN], ids=["ours", "plain"])
def net(request, tmp_path):
    path = tmp_path / "net.py"
    path.write_text(request.param.replace("WIDTH", "4"))
    return f"{path}:Net"


def run(*words):
    return CliRunner().invoke(cli, [str(word) for word in words])


def run_all(model, folder, *words, shape="2x8x8"):
    """Describe a model with all that the compiler wants."""
    files = [folder / name for name in ("net.yaml", "net-q.pth.tar", "net.npy")]
    options = zip(("--out", "--checkpoint-out", "--sample-out"), files, strict=True)
    given = [word for pair in options for word in pair]
    return run("describe", model, "--input", shape, *given, *words), files


def checked(printed):
    """Run the command that is recommended."""
    line = next(line for line in printed.splitlines() if line.startswith("does it fit?"))
    words = shlex.split(line.removeprefix("does it fit? synthesize "))
    return CliRunner().invoke(synthesize, words, standalone_mode=False)


def layers_of(path):
    """Weights of a checkpoint that was stored by layers, in their order."""
    state = load_checkpoint(path).state_dict
    return {name: one for name, one in state.items() if name.endswith(".weight")}


def test_an_untrained_model_is_said_to_fit(net, tmp_path):
    found, files = run_all(net, tmp_path / "new")
    assert found.exit_code == 0, found.exception
    assert found.stdout == f"{files[0]}\n"
    checks = checked(found.stderr)
    assert checks.exception is None
    assert checks.stdout.endswith("OK: fits\n")


def test_features_are_the_channels_of_one_pixel(tmp_path):
    path, samples = tmp_path / "mlp.py", tmp_path / "samples.npy"
    path.write_text(
        "from torch import nn\n"
        "def make():\n"
        "    return nn.Sequential(nn.Linear(16, 20), nn.ReLU(), nn.Linear(20, 3))\n"
    )
    np.save(samples, np.random.default_rng(1).standard_normal((32, 16)).astype(np.float32))
    found, files = run_all(f"{path}:make", tmp_path, "--calibration", samples, shape="16")
    assert found.exit_code == 0, found.exception
    assert "input_shape: [16, 1, 1]" in files[0].read_text().splitlines()
    checks = checked(found.stderr)
    assert checks.exception is None
    assert checks.stdout.endswith("OK: fits\n")


@pytest.mark.long
def test_a_network_that_is_too_large_is_refused_before_training(tmp_path):
    found, _ = run_all("StudentModel", tmp_path, shape="3x128x128")
    checks = checked(found.stderr)
    assert checks.exception.exit_code == 3
    assert "[C12]" in str(checks.exception)


def test_streaming_networks_are_to_be_checked_with_the_fifo(tmp_path):
    found, _ = run_all("StreamNet", tmp_path, shape="3x128x128")
    assert " --fifo --check\n" in found.stderr
    assert checked(found.stderr).stdout.endswith("OK: fits\n")


def test_files_are_kept_unless_told_otherwise_and_noise_is_always_the_same(net, tmp_path):
    _, files = run_all(net, tmp_path)
    before = files[2].read_bytes()
    for kept in files:
        for other in files:
            other.unlink(missing_ok=True)
        kept.write_bytes(b"mine")
        found, _ = run_all(net, tmp_path)
        assert str(found.exception) == f"{kept}: exists already (--overwrite replaces it)"
        assert [path for path in files if path.exists()] == [kept]
    assert run_all(net, tmp_path, "--overwrite")[0].exit_code == 0
    assert files[2].read_bytes() == before


def test_the_sample_is_what_the_device_is_given(tmp_path):
    (tmp_path / "net.py").write_text("from plain_networks import PlainUNet\n")
    found, files = run_all(f"{tmp_path / 'net.py'}:PlainUNet", tmp_path, "--json", shape="3x16x16")
    noise = np.load(files[2])
    assert (noise.shape, noise.dtype) == ((12, 8, 8), np.int8)
    assert (noise.min(), noise.max()) == (-128, 127)
    assert json.loads(found.stdout)["device_shape"] == [12, 8, 8]


def test_weights_have_the_widths_that_they_are_made_for(tmp_path):
    target = tmp_path / "q.pth.tar"
    assert run("describe", "ColorNet", "--checkpoint-out", target).exit_code == 0
    state = load_checkpoint(target).state_dict
    assert [int(state[f"conv{i}.weight_bits"]) for i in (1, 3, 6)] == [8, 4, 2]
    (tmp_path / "net.py").write_text(OURS.replace("WIDTH", "4"))
    _, files = run_all(f"{tmp_path / 'net.py'}:Net", tmp_path)
    state = load_checkpoint(files[1]).state_dict
    assert [int(state[f"{name}.weight_bits"]) for name in ("block.conv", "answer")] == [4, 8]


def test_weights_are_those_of_a_checkpoint(net, tmp_path):
    _, files = run_all(net, tmp_path)
    first = layers_of(files[1])
    namespace = {}
    exec((tmp_path / "net.py").read_text(), namespace)
    torch.manual_seed(5)
    state = namespace["Net"]().state_dict()
    save_checkpoint(tmp_path / "trained.pth.tar", Checkpoint("Net", 1, state))
    words = ("--checkpoint", tmp_path / "trained.pth.tar", "--overwrite")
    integers = []
    for _ in range(2):
        assert run_all(net, tmp_path, *words)[0].exit_code == 0
        integers.append(layers_of(files[1]))
    assert list(integers[0]) == list(first)
    for name, one in integers[0].items():
        assert torch.equal(one, integers[1][name])
        assert torch.equal(one, one.round())
        assert not torch.equal(one, first[name])


def test_parameters_of_the_model_itself_are_missed_as_well(tmp_path):
    (tmp_path / "net.py").write_text(
        PLAIN + "        self.factor = nn.Parameter(self[0].weight.detach())\n"
    )
    path = tmp_path / "other.pth.tar"
    save_checkpoint(path, Checkpoint("Other", 1, {"op.weight": torch.zeros(3, 3)}))
    found = run("describe", f"{tmp_path / 'net.py'}:Net", "--input", "2x8x8", "--checkpoint", path)
    assert isinstance(found.exception, InputError)


def test_checkpoints_of_others_are_refused(net, tmp_path):
    path = tmp_path / "other.pth.tar"
    save_checkpoint(path, Checkpoint("Other", 1, {"conv.weight": torch.zeros(3, 3)}))
    found = run("describe", net, "--input", "2x8x8", "--checkpoint", path)
    assert isinstance(found.exception, InputError)
    assert found.exception.why.startswith(
        'holds Other, not Net: Unexpected key(s) in state_dict: "co'
    )
    assert found.exception.where == str(path)


@pytest.mark.long
def test_what_quantization_aware_training_chose_is_kept(tmp_path):
    model = create_model("DigitNet")
    start_qat(model, QatPolicy(0, weight_bits=4))
    source, target = tmp_path / "qat.pth.tar", tmp_path / "q.pth.tar"
    save_checkpoint(source, Checkpoint("DigitNet", 1, dict(model.state_dict())))
    run("describe", "DigitNet", "--checkpoint", source, "--checkpoint-out", target)
    by_quantize = tmp_path / "by_quantize.pth.tar"
    assert run("quantize", source, by_quantize).exit_code == 0
    wanted = load_checkpoint(by_quantize).state_dict
    found = load_checkpoint(target).state_dict
    assert list(found) == list(wanted)
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)
    again = run("describe", "DigitNet", "--checkpoint", target, "--checkpoint-out", source,
                "--overwrite")  # fmt: skip
    assert again.exception.why.startswith("the weights are integers already")


class Crossed(nn.Module):
    """Layers are held in another order than they run in."""

    def __init__(self):
        super().__init__()
        self.a, self.c1, self.c2 = Conv2d(4, 4), Conv2d(4, 6), Conv2d(6, 5)
        self.b1, self.b2 = Conv2d(4, 7), Conv2d(7, 3)

    def forward(self, x):
        b = self.b2(self.b1(y := self.a(x)))
        return b, self.c2(self.c1(y))


def test_integers_have_the_order_of_the_description():
    torch.manual_seed(2)
    model, shape = Crossed(), (4, 8, 8)
    wanted = [f"{layer.name}.op.weight" for layer in describe(model, shape).layers]
    state = integer_state(network_of(model, shape), model, QatPolicy(0))
    assert [name for name in state if name.endswith("op.weight")] == wanted
    calibrated = calibrate(model, shape, torch.rand(2, *shape) - 0.5).state
    assert [name for name in calibrated if name.endswith("op.weight")] == wanted


def test_a_constructor_in_a_file_is_refused_with_its_line(tmp_path):
    (tmp_path / "net.py").write_text(IMPOSSIBLE)
    found = run("describe", f"{tmp_path / 'net.py'}:Net", "--input", "2x8x8")
    assert isinstance(found.exception, ProblemList)
    assert [problem.rule for problem in found.exception.problems] == ["C1", "C4"]
    assert all(
        line.startswith("net.py:7 Conv2d(4, 4, 5): ") for line in str(found.exception).splitlines()
    )


class Everything(nn.Module):
    """Wrong layers, wrong joins, and much that is right in between."""

    def __init__(self):
        super().__init__()
        self.conv1, self.large = nn.Conv2d(2, 72, 3, padding=1), nn.Conv2d(72, 4, 9, padding=4)
        self.conv2, self.fold = Conv2d(4, 4), FoldedConv2d(4, 4)
        self.up, self.add = ConvTranspose2d(4, 4), ElementWise(Combine.ADD)
        self.answer = Linear(4 * 64, 3)

    def forward(self, x):
        x = self.conv2(self.large(F.max_pool2d(self.conv1(x).relu(), 2)))
        y = self.up(self.fold(x))
        return self.answer(torch.sigmoid(self.add(*[y] * 17)).flatten(1))


def test_everything_is_found_at_once():
    found = check_model(Everything(), (2, 16, 16))
    assert [(problem.where.split()[0], problem.why, problem.rule) for problem in found] == [
        ("large", "kernel size 9 is not 1 or 3", "C1"),
        ("Everything", "sigmoid", ""),
        ("fold", "a folded layer that is not the only one to read the picture", "C4"),
        ("add", "combines 17 tensors, the accelerator at most 16", "E1"),
    ]
    assert [problem.exit_code for problem in found] == [4, 4, 4, 2]


def test_a_good_network_has_no_problems():
    assert check_model(PlainUNet(), (3, 16, 16)) == ()


def test_one_problem_is_one():
    (found,) = check_model(
        nn.Sequential(nn.Conv2d(2, 4, 1), nn.Sigmoid(), nn.Conv2d(4, 4, 1)), (2, 4, 4)
    )
    assert isinstance(found, UnsupportedError)
    (found,) = check_model(PlainUNet(), (2, 16, 16))
    assert isinstance(found, InputError)


def test_defects_are_not_problems_of_the_network():
    class Broken(nn.Module):
        def forward(self, x):
            raise InternalError("is broken")

    with pytest.raises(InternalError):
        check_model(Broken(), (2, 8, 8))
