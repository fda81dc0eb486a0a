"""Structured pruning: as many weights as asked, widths for the chip, all answers."""

import json
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from torch import nn

from ai8x_models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from ai8x_models.describe.describe import describe
from ai8x_models.describe.stored import load_network, trainable
from ai8x_models.layers.layers import (
    Conv1d,
    Conv2d,
    ConvTranspose2d,
    FoldedConv2d,
    Linear,
)
from ai8x_models.layers.qat import set_generation
from ai8x_models.training.prune.layer_text import layer_call
from ai8x_models.training.prune.plain import plain_copy
from ai8x_models.training.prune.prune import Subject, count_weights, layers_of, prune
from ai8x_models.zoo.registry import create_model
from max78000.errors import CapacityError, InputError, UnsupportedError

ROOT = Path(__file__).parents[4]
STUDENT = ROOT / "checkpoints/pose_student.pth.tar"
SHAPE = (3, 128, 128)

needs_pruner = pytest.mark.skipif(
    find_spec("torch_pruning") is None, reason="torch-pruning is of the extra `prune`"
)

FILE = """\
from torch import nn

from ai8x_models.layers.layers import Conv2d, ElementWise, Linear
from max78000.facts.fixed import Combine


class Net(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.first = Conv2d(1, width, batchnorm="Affine", activation="ReLU")
        self.blocks = nn.ModuleList(
            Conv2d(width, width, batchnorm="Affine", activation="ReLU") for _ in range(2)
        )
        self.add = ElementWise(Combine.ADD)
        self.classify = Linear(width * 8 * 8, 5, wide=True)

    def forward(self, x):
        x = self.first(x)
        for block in self.blocks:
            x = self.add(x, block(x))
        return self.classify(x.flatten(1))
"""


@pytest.fixture(autouse=True)
def _alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def residual():
    """A checkpoint of a network of a file, in which additions tie layers together."""
    Path("net.py").write_text(FILE)
    torch.manual_seed(1)
    word, shape = "net.py:Net(width=24)", (1, 8, 8)
    extras = {"model": word, "shape": shape, "task": "classification"}
    path = Path("net.pth.tar")
    state = trainable(word, shape).state_dict()
    save_checkpoint(path, Checkpoint("Net", 3, state, extras | {"classes": list("abcde")}))
    return path


# -- networks as PyTorch has them ------------------------------------------------------------------


class Several(nn.Module):
    """One layer of each kind that there is."""

    def __init__(self):
        super().__init__()
        self.folded = FoldedConv2d(3, 8, batchnorm="Affine", activation="ReLU")
        self.pooled = Conv2d(8, 8, pool="avg", activation="Abs")
        self.up = ConvTranspose2d(8, 4, batchnorm="NoAffine")
        self.last = Linear(4 * 8 * 8, 3, wide=True)

    def forward(self, x):
        return self.last(self.up(self.pooled(self.folded(x))).flatten(1))


def test_a_plain_copy_computes_what_the_layers_do_but_for_clamps_and_quarters():
    torch.manual_seed(2)
    model = Several().eval()
    x = torch.rand(2, 3, 16, 16) / 8
    set_generation(model, is_v2=True)  # without either
    copy = plain_copy(model)
    with torch.no_grad():
        assert torch.allclose(copy(x), model(x), atol=1e-6)
    assert [name for name, _ in copy.named_children()] == [n for n, _ in model.named_children()]


@pytest.mark.parametrize(
    ("layer", "call"),
    [
        (Conv2d(3, 8), "Conv2d(3, 8)"),
        (Conv2d(3, 8, 1, wide=True, fixed_scale=True),
         "Conv2d(3, 8, kernel_size=1, wide=True, fixed_scale=True)"),
        (Conv2d(3, 8, pool="max", batchnorm="Affine", activation="ReLU"),
         'Conv2d(3, 8, pool="max", batchnorm="Affine", activation="ReLU")'),
        (Conv2d(3, 8, bias=False), "Conv2d(3, 8, bias=False)"),
        (Conv2d(3, 8, pool="avg", pool_size=4, pool_stride=2, padding=0),
         'Conv2d(3, 8, padding=0, pool="avg", pool_size=(4, 4), pool_stride=(2, 2))'),
        (Conv1d(3, 8, 5, dilation=1, activation="Abs"),
         'Conv1d(3, 8, kernel_size=5, activation="Abs")'),
        (ConvTranspose2d(4, 8), "ConvTranspose2d(4, 8)"),
        (FoldedConv2d(3, 8), "FoldedConv2d(3, 8)"),
        (FoldedConv2d(3, 8, free=True), "FoldedConv2d(3, 8, free=True)"),
        (FoldedConv2d(3, 8, ratio=4), "FoldedConv2d(3, 8, ratio=4)"),
        (Linear(12, 5, wide=True), "Linear(12, 5, wide=True)"),
    ],
)  # fmt: skip
def test_a_layer_is_written_as_it_was_called(layer, call):
    assert layer_call(layer, layer.op.weight) == call


def test_a_layer_of_another_kind_cannot_be_written():
    class Mine(Conv2d):
        pass

    with pytest.raises(UnsupportedError, match="a Mine cannot be written anew"):
        layer_call(Mine(3, 8), Mine(3, 8).op.weight)


# -- what cannot be pruned -------------------------------------------------------------------------


def test_quantized_networks_are_refused():
    with pytest.raises(UnsupportedError, match=r"is integer.*prune the float checkpoint"):
        Subject.load(ROOT / "checkpoints/pose_tiny-q.pth.tar")
    with pytest.raises(UnsupportedError, match="is qat"):
        Subject.load(ROOT / "checkpoints/pose_native.pth.tar")


def test_what_is_wrong_with_the_command_line_is_said_before_anything_is_done(ai8x):
    status, _, err = ai8x("prune", STUDENT, "--out", "p")
    assert (status, "give --weights or --like" in err) == (2, True)
    Path("there").mkdir()
    status, _, err = ai8x("prune", STUDENT, "--weights", 9, "--out", "there")
    assert (status, "there" in err) == (2, True)


# -- what comes out --------------------------------------------------------------------------------


@needs_pruner
@pytest.mark.long
def test_the_student_gets_as_many_weights_as_tiny(ai8x):
    status, out, err = ai8x("prune", STUDENT, "--like", "TinyStudentModel", "--out", "p", "--json")
    assert status == 0, err
    found = json.loads(out)
    limit = count_weights("TinyStudentModel", SHAPE)
    assert 0.95 * limit < found["weights"] <= limit
    widths = {name: now for name, (_, now) in found["channels"].items()}
    assert (widths.pop("heat"), widths.pop("paf")) == (19, 38)
    assert all(width % 4 == 0 and 4 <= width <= 64 for width in widths.values())

    path = Path("p/pruned.pth.tar")
    network = load_network(path)
    heat, paf = network(torch.zeros(1, *SHAPE))
    assert (heat.shape, paf.shape) == ((1, 19, 16, 16), (1, 38, 16, 16))
    assert sum(layer.op.weight.numel() for layer in layers_of(network).values()) == found["weights"]
    description = describe(network, SHAPE)
    assert len(description.layers) == 15

    stored = load_checkpoint(path)
    assert stored.arch == "PrunedStudentModel"
    assert (stored.extras["task"], stored.extras["model"]) == ("pose", found["model"])
    assert "shown_score" not in stored.extras  # of other weights
    status, out, err = ai8x("evaluate", path, "--count", 2, "--json")
    assert status == 0, err


@needs_pruner
@pytest.mark.long
def test_what_is_left_are_the_weights_that_were_there():
    kept = prune(Subject.load(STUDENT), 400_000, Path("p"))
    before, after = (layers_of(load_network(path)) for path in (STUDENT, kept.checkpoint))
    rows = {tuple(row.flatten().tolist()) for row in before["conv1"].op.weight}
    left = [tuple(row.flatten().tolist()) for row in after["conv1"].op.weight]
    assert len(left) < len(rows)
    assert set(left) <= rows


@needs_pruner
@pytest.mark.long
def test_a_few_steps_of_training_go_on_from_it(ai8x):
    Path("short.yaml").write_text(
        "name: short\nmodel: StudentModel\nepochs: 1\nbatch_size: 2\n"
        "data: {preset: single, train_count: 6, validation_count: 2}\n"
    )
    arguments = ("--weights", 60_000, "--config", "short.yaml", "--out", "p")
    status, _, err = ai8x("prune", STUDENT, *arguments)
    assert status == 0, err
    status, out, err = ai8x("train", "p/recipe.yaml")
    assert status == 0, err
    assert out == "runs/short_pruned/short_pruned.pth.tar\n"
    assert "evaluating" in err or "validation" in err
    status, _, err = ai8x("quantize", out.strip(), "q.pth.tar", "--qat-weight-bits", 8)
    assert status == 0, err


@needs_pruner
def test_layers_that_are_added_lose_the_same_channels(residual):
    found = prune(Subject.load(residual), 9_000, Path("p"))
    assert found.model == "p/model.py:PrunedNet"
    assert len({one.after for one in found.widths if one.layer != "classify"}) == 1
    assert found.n_after <= 9_000
    network = load_network(found.checkpoint)
    assert network(torch.zeros(1, 1, 8, 8)).shape == (1, 5)
    assert load_checkpoint(found.checkpoint).extras["classes"] == list("abcde")
    assert "model.blocks[0] = Conv2d(" in Path("p/model.py").read_text()


@needs_pruner
def test_a_pass_over_the_processors_that_is_hardly_used_is_given_up(residual):
    """80 channels take two passes; one channel less would, too."""
    stored = load_checkpoint(residual)
    word = "net.py:Net(width=80)"
    state = trainable(word, (1, 8, 8)).state_dict()
    extras = {**stored.extras, "model": word}
    save_checkpoint(residual, Checkpoint("Net", 3, state, extras))
    wide = Subject.load(residual)
    found = prune(wide, count_weights(word, wide.shape) - 1, Path("p"))
    assert {one.after for one in found.widths if one.layer != "classify"} == {64}


@pytest.mark.long
@needs_pruner
def test_what_was_pruned_can_be_pruned_again(residual):
    once = prune(Subject.load(residual), 9_000, Path("p"))
    twice = prune(Subject.load(once.checkpoint), 4_000, Path("q"))
    assert twice.model == "q/model.py:PrunedPrunedNet"
    assert twice.n_before == once.n_after
    assert twice.n_after <= 4_000
    assert load_network(twice.checkpoint)(torch.zeros(1, 1, 8, 8)).shape == (1, 5)


@needs_pruner
def test_a_network_that_is_small_enough_is_left_alone(residual):
    subject = Subject.load(residual)
    n_weights = sum(layer.op.weight.numel() for layer in subject.layers.values())
    with pytest.raises(InputError, match=f"has {n_weights:,} weights, .* nothing to prune"):
        prune(subject, n_weights, Path("p"))
    assert not Path("p").exists()


@needs_pruner
def test_a_network_cannot_vanish(residual):
    with pytest.raises(CapacityError, match=r"keeps [\d,]+ weights at least, more than 50"):
        prune(Subject.load(residual), 50, Path("p"))
    assert not Path("p").exists()


def test_networks_of_plain_torch_are_refused():
    Path("net.py").write_text(
        "from torch import nn\n\n\ndef net():\n    return nn.Sequential(nn.Conv2d(1, 8, 3, "
        "padding=1), nn.ReLU(), nn.Conv2d(8, 2, 1))\n"
    )
    made = trainable("net.py:net", (1, 8, 8))
    extras = {"model": "net.py:net", "shape": (1, 8, 8), "task": "segmentation"}
    save_checkpoint(Path("n.pth.tar"), Checkpoint("net", 1, made.state_dict(), extras))
    with pytest.raises(UnsupportedError, match="has layers of plain torch"):
        Subject.load(Path("n.pth.tar"))


def test_without_the_package_it_is_named(monkeypatch, residual):
    monkeypatch.setattr("ai8x_models.training.prune.channels.find_spec", lambda _name: None)
    with pytest.raises(UnsupportedError, match=r"needs the package torch-pruning.*\[prune\]"):
        prune(Subject.load(residual), 9_000, Path("p"))


def test_models_of_the_registry_are_counted():
    assert count_weights("TinyStudentModel", SHAPE) == 110_928
    assert count_weights("StudentModel", SHAPE) == sum(
        layer.op.weight.numel() for layer in layers_of(create_model("StudentModel")).values()
    )
