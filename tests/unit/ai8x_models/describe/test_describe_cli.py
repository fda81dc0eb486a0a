"""`ai8x describe` and `ai8x export`: what they read, write, print and refuse."""

import json

import numpy as np
import onnx
import pytest
import torch
from click.testing import CliRunner
from plain_networks import ResidualClassifier, make_plain

from ai8x_models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from ai8x_models.commands.main import cli
from ai8x_models.describe.onnx_writer import export_model, save_onnx
from ai8x_models.describe.subject import find_subject
from ai8x_models.zoo.registry import create_model
from max78000.errors import InputError
from max78000.facts.chip import MAX78000
from max78000.machine.machine import Machine
from synthesis.compile import compile_source
from synthesis.generate.options import ProgramOptions
from synthesis.read.checkpoint import read_checkpoint
from synthesis.read.source import Source
from synthesis.read.yaml_reader import read_network

NET = """
from torch import nn
import helper_of_net

class Net(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(3, 4, helper_of_net.SIZE, padding=1), nn.ReLU())

def make(width=4):
    return Net()

def needs(width):
    return Net()

NUMBER = 3
def number():
    return NUMBER
"""


def run(*words):
    return CliRunner().invoke(cli, [str(word) for word in words])


@pytest.fixture
def net(tmp_path):
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "helper_of_net.py").write_text("SIZE = 3\n")
    return tmp_path / "net.py"


@pytest.fixture
def residual(tmp_path):
    """An ONNX file of a plain network, and examples for it."""
    save_onnx(
        export_model(make_plain(ResidualClassifier), (3, 16, 16), "Residual"), tmp_path / "net.onnx"
    )
    rng = np.random.default_rng(1)
    np.save(tmp_path / "samples.npy", rng.integers(-128, 128, (4, 3, 16, 16)).astype(np.int8))
    return tmp_path


def test_a_network_of_ours_is_printed():
    found = run("describe", "digitnet")
    assert found.exit_code == 0
    network = read_network(found.stdout, "out.yaml")
    assert (network.arch, network.dataset, len(network.layers)) == ("DigitNet", "digits", 5)


def test_json():
    found = json.loads(run("describe", "SmallUNet", "--json").stdout)
    assert (found["input_shape"], found["device_shape"], found["fold"]) == (
        [3, 64, 64],
        [12, 32, 32],
        2,
    )
    assert found["layers"][4]["sources"] == ["up2", "down2"]


def test_a_class_or_function_of_a_file_is_written(net, tmp_path):
    target = tmp_path / "new" / "net.yaml"
    for name in ("Net", "make"):
        found = run("describe", f"{net}:{name}", "--input", "3x8x8", "--out", target, "--overwrite")
        assert (found.exit_code, found.stdout) == (0, f"{target}\n")
        assert f"arch: {name}\n" in target.read_text()
    found = run("describe", f"{net}:Net", "--input", "3x8x8", "--out", target)
    assert str(found.exception) == f"{target}: exists already (--overwrite replaces it)"


@pytest.mark.long
def test_an_onnx_file_becomes_description_and_integers_that_compile(residual):
    target, checkpoint = residual / "net.yaml", residual / "net-q.pth.tar"
    words = ("--calibration", residual / "samples.npy", "--checkpoint-out", checkpoint)
    found = run("describe", residual / "net.onnx", "--out", target, *words, "--json")
    assert found.exit_code == 0
    result = json.loads(found.stdout)
    assert result["input_scale"] == 1.0
    assert min(result["qsnr_db"]) > 20
    assert load_checkpoint(checkpoint).extras["output_scales"] == result["output_scales"]
    network = read_network(target.read_text(), target.name)
    image = np.load(residual / "samples.npy")[0].astype(np.int64)
    source = Source(network, read_checkpoint(checkpoint), image)
    compiled = compile_source(source, ProgramOptions("residual"), MAX78000)
    machine = Machine(MAX78000)
    machine.run(compiled.program)
    assert machine.check_known_answer(compiled.program) is None


def test_export_writes_a_file_of_any_stage(tmp_path):
    target, checkpoint = tmp_path / "net.onnx", tmp_path / "net.pth.tar"
    model = create_model("SignalNet")
    save_checkpoint(checkpoint, Checkpoint("SignalNet", 1, dict(model.state_dict())))
    assert run("export", "SignalNet", "--out", target).exit_code == 0
    found = run("export", "SignalNet", "--out", target, "--checkpoint", checkpoint, "--overwrite")
    assert found.stdout == f"{target}: 22 nodes\n"
    assert onnx.load(target).graph.name == "SignalNet"
    found = run("export", "DigitNet", "--out", tmp_path / "b.onnx", "--checkpoint", checkpoint)
    assert str(found.exception).startswith(f"{checkpoint}: holds SignalNet, not DigitNet: size mis")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("describe", "{net}:Nett", "--input", "3x8x8"), "has no class or function 'Nett'"),
        (("describe", "{net}:Net"), "the shape of its input is not known"),
        (("describe", "{net}"), "names no class"),
        (("describe", "{net}:needs", "--input", "3x8x8"), "needs() fails: "),
        (("describe", "{net}:number", "--input", "3x8x8"), "number() gives a int"),
        (("describe", "{folder}/no.py:Net", "--input", "3x8x8"), "there is no such file"),
        (("describe", "{folder}/broken.py:Net", "--input", "3x8x8"), "cannot be run: SyntaxError"),
        (("describe", "{folder}/no.onnx"), "cannot be read: No such file or directory"),
        (("describe", "DigitNot"), "there is no model 'DigitNot'"),
        (("export", "DigitNet", "--out", "{folder}/no/x.onnx"), "cannot be written: No such file"),
    ],
)
def test_refusals(words, why, net, tmp_path):
    (tmp_path / "broken.py").write_text("class Net(:\n")
    found = run(*(word.format(net=net, folder=tmp_path) for word in words))
    assert isinstance(found.exception, InputError)
    assert found.exception.why.startswith(why)


def test_files_without_a_model_are_told_where_one_would_be(tmp_path):
    (tmp_path / "net.pth").write_bytes(b"weights")
    found = run("describe", tmp_path / "net.pth").exception
    assert found.why == "is neither Python nor ONNX, and no model is in other files"
    assert found.fix.endswith(f"with --checkpoint {tmp_path / 'net.pth'}")
    (tmp_path / "net.onnx").write_bytes(b"graph")
    found = run("quantize", tmp_path / "net.onnx", tmp_path / "q").exception
    assert found.why == "is an ONNX file, no checkpoint"
    assert "`ai8x describe FILE.onnx --calibration SAMPLES" in found.fix


def held(holder, state):
    return {f"{holder}.{name}": tensor for name, tensor in state.items()}


@pytest.mark.parametrize(
    ("holder", "others"),
    [
        ("model", {"criterion.weight": torch.ones(4), "train_acc.correct": torch.tensor(3)}),
        ("model._orig_mod", {}),
        ("module", {"n_averaged": torch.tensor(2)}),
    ],
)
def test_what_held_the_model_in_training_may_hold_more(net, holder, others):
    state = find_subject(f"{net}:Net", (3, 8, 8)).model.state_dict()
    state["0.bias"] += 1
    path = net.parent / "held.pth"
    torch.save({"state_dict": held(holder, state) | others}, path)
    found = find_subject(f"{net}:Net", (3, 8, 8), path).model.state_dict()
    torch.testing.assert_close(found, state)


@pytest.mark.parametrize("others", [("teacher",), ("ema", "model")])
def test_two_models_in_one_checkpoint_are_refused(net, others):
    state = find_subject(f"{net}:Net", (3, 8, 8)).model.state_dict()
    path = net.parent / "held.pth"
    both = held("student", state)
    for one in others:
        both |= held(one, state)
    torch.save({"state_dict": both}, path)
    with pytest.raises(InputError, match="not Net: Unexpected key"):
        find_subject(f"{net}:Net", (3, 8, 8), path)
    torch.save({"state_dict": state | held("ema", state)}, path)
    with pytest.raises(InputError, match="not Net: Unexpected key"):
        find_subject(f"{net}:Net", (3, 8, 8), path)


@pytest.mark.parametrize("text", ["", "0", "3x", "3x0x4", "3x4x5x6", "axb"])
def test_shapes_are_checked(text):
    found = run("describe", "DigitNet", "--input", text)
    assert found.exit_code == 2
    assert f"'{text}' is not a shape; write 3x64x64, 6x128, or 16 for features" in found.stderr


@pytest.mark.parametrize(
    ("array", "why"),
    [
        (np.zeros((2, 3, 8, 8)), "holds 2x3x8x8"),
        (np.zeros((0, 3, 16, 16)), "holds 0x3x16x16"),
        (np.full((1, 3, 16, 16), np.nan), "holds numbers that are not finite"),
        (np.full((1, 3, 16, 16), 1j), "holds complex128, not real numbers"),
        (
            np.full((4, 3, 16, 16), 0.5),
            "holds nothing but 0.5: ranges are measured on data as the network will see them",
        ),
        (
            np.arange(4 * 768, dtype=np.uint8).reshape(4, 3, 16, 16),
            "holds whole numbers 0..255, those of the chip are -128..127",
        ),
        (np.array([{"a": 1}]), "is not a readable array"),
    ],
)
def test_calibration_sets_are_checked(array, why, residual):
    path = residual / "bad.npy"
    np.save(path, array, allow_pickle=True)
    words = ("--calibration", path, "--checkpoint-out", residual / "q.pth.tar")
    found = run("describe", residual / "net.onnx", *words)
    assert found.exception.why == why
    assert not (residual / "q.pth.tar").exists()


def test_calibration_is_for_a_checkpoint(residual):
    found = run("describe", residual / "net.onnx", "--calibration", residual / "samples.npy")
    assert "--calibration is for --checkpoint-out" in found.stderr


def test_a_subject_knows_its_shape():
    subject = find_subject("KeywordNet")
    assert (subject.shape, subject.arch, subject.dataset) == ((128, 128), "KeywordNet", "words")
    assert find_subject("KeywordNet", (128, 64)).shape == (128, 64)


def test_weights_that_nobody_trained_are_always_the_same(net):
    for word, shape in (("DigitNet", None), (f"{net}:Net", (3, 8, 8))):
        state = torch.get_rng_state()
        first, second = (find_subject(word, shape).model.state_dict() for _ in range(2))
        assert all(torch.equal(first[name], second[name]) for name in first)
        assert torch.equal(state, torch.get_rng_state())  # who draws goes on as before


def test_the_files_of_a_description_are_all_written_or_none(tmp_path):
    files = [tmp_path / name for name in ("net.yaml", "net-q.pth.tar")]
    (tmp_path / "file").write_text("")
    words = ("--out", files[0], "--checkpoint-out", files[1])
    found = run("describe", "SignalNet", *words, "--sample-out", tmp_path / "file" / "net.npy")
    assert "part of the path is a file" in str(found.exception)
    assert not any(path.exists() for path in files)
    found = run("describe", "SignalNet", "--out", files[0], "--sample-out", files[0])
    assert "name one file" in found.stderr


@pytest.mark.parametrize("verb", ["describe", "export"])
def test_a_model_is_not_replaced_by_what_is_made_of_it(residual, verb):
    before = (residual / "net.onnx").read_bytes()
    found = run(verb, residual / "net.onnx", "--out", residual / "net.onnx", "--overwrite")
    assert found.exception.why == "would be replaced by what is made of it"
    assert (residual / "net.onnx").read_bytes() == before


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("import os\nimport no_such_module_at_all\nNet = 1\n", 2),
        ("class Net(:\n", 1),
        ("def Net():\n    size = 3\n    return size.no_such_thing\n", 3),
    ],
)
def test_a_file_that_fails_is_named_with_the_line(tmp_path, text, line):
    (tmp_path / "own.py").write_text(text)
    found = run("describe", f"{tmp_path}/own.py:Net", "--input", "3x8x8")
    assert found.exception.where == f"{tmp_path}/own.py:{line}"


def test_a_model_that_raises_is_not_told_to_take_another_shape(tmp_path):
    (tmp_path / "own.py").write_text(
        "from torch import nn\n\n\nclass Net(nn.Module):\n    def forward(self, x):\n"
        "        raise ValueError('boom')\n"
    )
    result = CliRunner().invoke(cli, ["describe", f"{tmp_path}/own.py:Net", "--input", "3x8x8"])
    assert "own.py:6: does not run" in str(result.exception)
    assert "see why the model raises it there" in str(result.exception)


def test_a_file_may_call_our_layers_by_their_former_name(tmp_path):
    (tmp_path / "own.py").write_text(
        "from ai8x_models import names as ai8x\nfrom torch import nn\n\n\n"
        "class Net(nn.Sequential):\n    def __init__(self):\n"
        "        super().__init__(ai8x.FusedConv2dReLU(3, 4, 3, padding=1))\n"
    )
    result = CliRunner().invoke(cli, ["describe", f"{tmp_path}/own.py:Net", "--input", "3x8x8"])
    assert result.exit_code == 0, result.output
