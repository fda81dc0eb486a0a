"""Runs with measured ranges: when they are measured, and that a resumed run is the same run."""

from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import torch

from ai8x_models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from ai8x_models.layers.policy import QatPolicy, Ranges
from ai8x_models.layers.qat import V2_MARK, WIDE_GRID, set_generation, start_qat
from ai8x_models.quantize.quantize import quantize_checkpoint
from ai8x_models.tasks.pose.network_input import normalize
from ai8x_models.tasks.pose.predictor import Predictor
from ai8x_models.training import loop, start
from ai8x_models.training.logs import Console
from ai8x_models.training.loop import train
from ai8x_models.training.measured_qat import start_measured_qat
from ai8x_models.training.recipe_file import parse_recipe
from ai8x_models.zoo.images import DigitNet
from ai8x_models.zoo.registry import create_model
from ai8x_models.zoo.toy_data import draw_samples
from max78000.errors import InputError, UnsupportedError

pytestmark = pytest.mark.long  # seconds each

MEASURED = QatPolicy(0, ranges=Ranges.MEASURED)
RECIPE = """\
name: toy
model: DigitNet
epochs: 4
batch_size: 8
data: {name: digits, train_count: 20}
"""


def run(qat, more="", **how):
    stream = StringIO()
    text = f"{RECIPE}{more}qat: {{{qat}}}\n"
    path = train(parse_recipe(text, "toy.yaml"), Console(stream), **how)
    return load_checkpoint(path).state_dict, stream.getvalue()


def interrupt_after(monkeypatch, n_epochs):
    """Let a run die when the given number of epochs is on disk."""
    steps = iter(range(n_epochs))
    real = loop._train_epoch

    def step(*arguments):
        if next(steps, None) is None:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(loop, "_train_epoch", step)


def start_file(path, policy=None, is_v2=False):
    """A network to start from: in float, or in QAT."""
    torch.manual_seed(5)
    model = create_model("DigitNet")
    set_generation(model, is_v2)
    if policy is not None and policy.measures:
        start_measured_qat(model, policy, [draw_samples("digits", 16).inputs])
    elif policy is not None:
        start_qat(model, policy)
    save_checkpoint(path, Checkpoint("DigitNet", 0, dict(model.state_dict())))
    return model


def test_a_run_measures_once_when_qat_begins(toy):
    state, said = run("start_epoch: 2, ranges: measured")
    assert said.count("measuring ranges: 20 of 20") == 1
    assert said.index("epoch 2 of 4: loss") < said.index("measuring") < said.index("epoch 3 of 4:")
    assert all(state[f"conv{index}.clamp_activation"].item() for index in range(1, 5))
    assert any(state[f"conv{index}.{V2_MARK}"].item() for index in range(1, 5))
    assert not any(".bn." in name for name in state)


def test_float_epochs_neither_clamp_nor_divide(toy, monkeypatch):
    interrupt_after(monkeypatch, 1)
    with pytest.raises(KeyboardInterrupt):
        run("start_epoch: 2, ranges: measured")
    state = load_checkpoint(Path("runs/toy/state.pth.tar")).state_dict
    assert not state["conv1.clamp_activation"].item()
    assert "conv1.bn.weight" in state


@pytest.mark.parametrize("n_epochs", [1, 2, 3])
def test_a_resumed_run_ends_with_the_same_weights(toy, monkeypatch, n_epochs):
    """Interrupted in float, right before QAT, and in it, where nothing is measured again."""
    whole, _ = run("start_epoch: 2, ranges: measured")
    with monkeypatch.context() as patch:
        interrupt_after(patch, n_epochs)
        with pytest.raises(KeyboardInterrupt):
            run("start_epoch: 2, ranges: measured", overwrite=True)
    resumed, said = run("start_epoch: 2, ranges: measured", resume=True)
    assert ("measuring" in said) == (n_epochs <= 2)
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(tensor, resumed[name]) for name, tensor in whole.items())


@pytest.mark.parametrize("start", ["float", "float with clamps", "fixed QAT", "measured QAT"])
def test_fine_tuning_measures_at_the_start(toy, start):
    path = Path("start.pth.tar")
    policy = {"fixed QAT": QatPolicy(0), "measured QAT": MEASURED}.get(start)
    model = start_file(path, policy, is_v2=start == "float")
    state, said = run("start_epoch: 0, ranges: measured", f"start_from: {path}\n")
    assert ("measuring" in said) == (start != "measured QAT")
    assert "conv1.activation_threshold" in state
    if start == "measured QAT":
        for name, tensor in model.state_dict().items():
            if name.endswith((V2_MARK, "final_scale")):
                assert torch.equal(tensor, state[name]), name


def test_ranges_left_out_are_those_of_the_start(toy):
    path = Path("start.pth.tar")
    start_file(path, MEASURED)
    state, _ = run("start_epoch: 0", f"start_from: {path}\n")
    assert "conv1.activation_threshold" in state
    with pytest.raises(InputError, match=r"start.pth.tar: was trained with measured ranges"):
        run("start_epoch: 0, ranges: fixed", f"start_from: {path}\n", overwrite=True)


def test_a_recipe_is_refused_before_its_float_epochs(toy, monkeypatch):
    class Choosing(DigitNet):
        def forward(self, picture):
            return super().forward(picture if picture.sum() > 0 else -picture)

    monkeypatch.setattr(start, "trainable", lambda _name, _shape: Choosing())
    with pytest.raises(UnsupportedError, match="branches on the data"):
        run("start_epoch: 3, ranges: measured")


def test_maps_of_a_pose_network_keep_their_meaning(tmp_path):
    """1.0 is 2^14 in the integers that an application unloads, whatever the final scale."""
    torch.manual_seed(1)
    images = np.random.default_rng(1).integers(0, 256, (3, 128, 128, 3), dtype=np.uint8)
    model = create_model("TinyStudentModel")
    model.train()(normalize(images))
    start_measured_qat(model, MEASURED, [normalize(images)])
    assert {model.heat.final_gain, model.paf.final_gain} != {1.0}
    qat, integers = tmp_path / "qat.pth.tar", tmp_path / "q.pth.tar"
    save_checkpoint(qat, Checkpoint("TinyStudentModel", 1, dict(model.state_dict())))
    quantize_checkpoint(qat, integers)
    for real, whole in zip(
        Predictor.load(qat).maps(images), Predictor.load(integers).maps(images), strict=True
    ):
        assert np.array_equal(np.floor(real.astype(np.float64) * WIDE_GRID.one), whole)


def test_a_teacher_may_have_measured_ranges_and_so_may_its_pupil(toy):
    start_file(Path("teacher.pth.tar"), MEASURED)
    state, _ = run("start_epoch: 2, ranges: measured", "distill: {teacher: teacher.pth.tar}\n")
    assert state["conv1.clamp_activation"].item()
    header = Path("runs/toy/log.csv").read_text().splitlines()[0]
    assert header == "epoch,loss,entropy,teacher,rate,validation"


def test_a_resumed_fine_tuning_does_not_measure_what_it_started_from(toy, monkeypatch):
    start_file(Path("start.pth.tar"), QatPolicy(0))
    arguments = ("start_epoch: 0, ranges: measured", "start_from: start.pth.tar\n")
    whole, _ = run(*arguments)
    with monkeypatch.context() as patch:
        interrupt_after(patch, 1)
        with pytest.raises(KeyboardInterrupt):
            run(*arguments, overwrite=True)
    resumed, said = run(*arguments, resume=True)
    assert "measuring" not in said
    assert all(torch.equal(tensor, resumed[name]) for name, tensor in whole.items())
