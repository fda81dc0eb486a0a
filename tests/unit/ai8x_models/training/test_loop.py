"""The loop learns, masks hold, and a killed run ends with the weights of an uninterrupted one."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ai8x_models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from ai8x_models.layers.qat import Mode
from ai8x_models.tasks.pose.data.examples import PoseExamples
from ai8x_models.tasks.pose.data.source import DataSource
from ai8x_models.tasks.pose.losses import ARM_PARTS, Maps, PoseLoss
from ai8x_models.tasks.pose.network_input import normalize
from ai8x_models.tasks.pose.recipe import AugmentPlan, LossPlan
from ai8x_models.training.batches import Batch
from ai8x_models.training.logs import Console, RunLog
from ai8x_models.training.loop import train
from ai8x_models.training.losses import Objective
from ai8x_models.training.optimizer import learning_rate
from ai8x_models.training.recipe import OptimizerPlan
from ai8x_models.training.recipe_file import parse_recipe
from ai8x_models.training.state import STATE_NAME
from ai8x_models.zoo.load import load_model, mode_of
from ai8x_models.zoo.registry import create_model
from max78000.apps.pose.skeleton import LIMBS
from max78000.errors import InputError, ToolError

pytestmark = pytest.mark.long  # seconds each

RECIPE = """\
name: short
model: TinyStudentModel
epochs: {epochs}
batch_size: 4
data:
  preset: single
  train_count: 8
  validation_count: 4
  folder: {folder}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One cache folder for all tests; eight images are rendered in a tenth of a second."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(autouse=True)
def _alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def recipe_of(folder, epochs=1, more=""):
    return parse_recipe(RECIPE.format(epochs=epochs, folder=folder) + more, "short.yaml")


def console():
    return Console(StringIO())


def set_of(folder, count):
    return PoseExamples.open(DataSource(folder, "single", "train", count), console())


def random_batch(mask):
    torch.manual_seed(0)
    heat, paf = torch.rand(2, 19, 16, 16), torch.rand(2, 38, 16, 16) - 0.5
    return Batch(torch.zeros(2, 3, 128, 128), Maps(heat, paf), mask)


class Constant(torch.nn.Module):
    """A network that answers with its parameters."""

    def __init__(self):
        super().__init__()
        self.heat = torch.nn.Parameter(torch.zeros(2, 19, 16, 16))
        self.paf = torch.nn.Parameter(torch.zeros(2, 38, 16, 16))

    def forward(self, images):
        return self.heat, self.paf


# -- objective ------------------------------------------------------------------------------------


def test_masked_cells_have_no_gradient():
    mask = torch.ones(2, 1, 16, 16)
    mask[0, 0, 3, 5] = mask[1, 0, :8] = 0
    network = Constant()
    Objective(PoseLoss(LossPlan()))(network, random_batch(mask), 0.0)["loss"].backward()
    for maps in (network.heat, network.paf):
        counts = (mask > 0).expand_as(maps)
        assert (maps.grad[~counts] == 0).all()
        assert (maps.grad[counts] != 0).float().mean() > 0.99


def test_arms_and_positive_cells_weigh_more():
    batch = random_batch(torch.ones(2, 1, 16, 16))
    network = Constant()
    plan = LossPlan(paf_weight=0.5, positive_weight=4.0, arm_weight=2.0)
    Objective(PoseLoss(plan))(network, batch, 0.0)["loss"].backward()
    for part in (0, *ARM_PARTS):
        target = batch.truth.heat[:, part]
        weight = (1 + 4 * target) * (2 if part in ARM_PARTS else 1)
        expected = -2 * weight * target / (2 * 256)
        torch.testing.assert_close(network.heat.grad[:, part], expected)
    forearm = LIMBS.index((3, 4))
    target = batch.truth.paf[:, 2 * forearm]
    expected = -2 * 0.5 * 2 * (1 + 4 * target.abs()) * target / (2 * 256)
    torch.testing.assert_close(network.paf.grad[:, 2 * forearm], expected)


def test_perfect_answers_cost_nothing():
    batch = random_batch(torch.ones(2, 1, 16, 16))
    assert sum(PoseLoss(LossPlan()).to_truth(batch.truth, batch).values()) == 0


# -- batches --------------------------------------------------------------------------------------


def test_batches_depend_on_seed_and_epoch_alone(folder):
    data = set_of(folder, 8)
    augment = AugmentPlan(flip=True, shift_cells=2, jitter=True)

    def images(seed, epoch):
        return torch.cat([one.inputs for one in data.shuffled(4, seed, epoch, augment)])

    before = data.cache.images.copy()
    assert torch.equal(images(1, 0), images(1, 0))
    assert not torch.equal(images(1, 0), images(1, 1))
    assert not torch.equal(images(1, 0), images(2, 0))
    np.testing.assert_array_equal(data.cache.images, before)


def test_a_measurement_sees_every_image_once_in_order(folder):
    data = set_of(folder, 8)
    batches = list(data.in_order(3))
    assert [len(batch) for batch in batches] == [3, 3, 2]
    assert torch.equal(torch.cat([batch.inputs for batch in batches]), normalize(data.cache.images))


def test_augmented_maps_fit_the_augmented_image(folder):
    """A flipped and shifted batch has its peaks where an unaugmented search would look for them."""
    data = set_of(folder, 8)
    mirrored = AugmentPlan(flip=True, shift_cells=0)
    for batch in data.shuffled(4, seed=3, epoch=0, augment=mirrored):
        for image, heat in zip(batch.inputs, batch.truth.heat, strict=True):
            source = [
                index
                for index, known in enumerate(normalize(data.cache.images))
                if torch.equal(known, image) or torch.equal(known.flip(-1), image)
            ]
            is_flipped = not torch.equal(normalize(data.cache.images)[source[0]], image)
            neck = torch.from_numpy(data.heat[source[0], 1].astype(np.float32))
            assert torch.equal(heat[1], neck.flip(-1) if is_flipped else neck)


def test_network_input_is_the_signed_byte():
    images = np.arange(256, dtype=np.uint8).repeat(192).reshape(1, 128, 128, 3)
    x = normalize(images)
    assert x.shape == (1, 3, 128, 128)
    assert x.is_contiguous(memory_format=torch.channels_last)
    assert (x.min(), x.max()) == (-1, 127 / 128)


# -- loop -----------------------------------------------------------------------------------------


@given(
    st.integers(1, 5000),
    st.floats(0, 0.5),
)
def test_learning_rate_stays_between_zero_and_the_peak(n_steps, warmup_share):
    plan = OptimizerPlan(peak_rate=1e-2, warmup_share=warmup_share)
    rates = [learning_rate(plan, step, n_steps) for step in range(0, n_steps, 1 + n_steps // 50)]
    assert all(0 < rate <= 1e-2 * (1 + 1e-12) for rate in rates)
    assert learning_rate(plan, n_steps - 1, n_steps) <= rates[len(rates) // 2] * (1 + 1e-12) or (
        n_steps < 4
    )


@pytest.mark.slow
def test_200_steps_on_64_images_bring_the_loss_under_a_third(folder):
    torch.manual_seed(1)
    data, model = set_of(folder, 64), create_model("TinyStudentModel")
    objective = Objective(PoseLoss(LossPlan()))
    optimizer = torch.optim.AdamW(model.parameters())
    losses = []
    for step in range(200):
        batch = next(data.shuffled(4, seed=1, epoch=step, augment=AugmentPlan()))
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(OptimizerPlan(peak_rate=4e-3), step, 200)
        value = objective(model, batch, step / 200)["loss"]
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        losses.append(value.item())
    assert np.mean(losses[-10:]) < np.mean(losses[:3]) / 3


def test_a_run_leaves_checkpoint_scores_and_logs(folder):
    recipe = recipe_of(folder, epochs=2, more="qat: {start_epoch: 1}\n")
    stream = StringIO()
    path = train(recipe, Console(stream))
    assert path == Path("runs/short/short.pth.tar")
    checkpoint = load_checkpoint(path)
    assert (checkpoint.arch, checkpoint.epoch) == ("TinyStudentModel", 2)
    assert not checkpoint.optimizer
    assert not any(".bn." in name for name in checkpoint.state_dict)
    assert mode_of(load_model(path)) is Mode.QAT
    metrics = json.loads((path.parent / "metrics.json").read_text())
    assert checkpoint.extras["metrics"] == metrics
    assert metrics["n_images"] == 4
    rows = list(csv.DictReader((path.parent / "log.csv").read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["0", "1"]
    assert {"loss", "heat", "paf", "validation"} <= set(rows[0])
    assert list((path.parent / "tensorboard").iterdir())
    assert "epoch 2 of 2: loss" in stream.getvalue()
    assert not list(path.parent.glob("*.tmp"))


def test_an_earlier_run_is_kept_unless_asked(folder):
    recipe = recipe_of(folder)
    train(recipe, console())
    with pytest.raises(InputError, match="holds an earlier run already"):
        train(recipe, console())
    train(recipe, console(), overwrite=True)


def test_what_a_run_begins_with_is_not_thrown_away(folder):
    recipe = recipe_of(folder)
    path = train(recipe, console())
    again = replace(recipe, start_from=path)
    with pytest.raises(InputError, match="is `start_from` of the recipe, and lies in the run"):
        train(again, console(), overwrite=True)
    assert path.exists()


def test_there_must_be_something_to_resume(folder):
    with pytest.raises(InputError, match="holds no interrupted run"):
        train(recipe_of(folder), console(), resume=True)


def test_another_recipe_cannot_resume(folder):
    train(recipe_of(folder), console())
    with pytest.raises(InputError, match="written by a run with another recipe"):
        train(recipe_of(folder, epochs=2), console(), resume=True)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("StudentModel", "holds a StudentModel, the recipe trains a TinyStudentModel"),
        ("integer", "holds integer weights"),
        ("nan", "the loss is no longer a number at step 0"),
    ],
)
def test_starting_points_that_do_not_fit(folder, model, message):
    name = model if model == "StudentModel" else "TinyStudentModel"
    state = create_model(name).state_dict()
    if model == "nan":
        state["conv3.op.weight"] = state["conv3.op.weight"] * float("nan")
    start = Path("start.pth.tar")
    save_checkpoint(start, Checkpoint(name, 0, state))
    if model == "integer":
        from ai8x_models.quantize.quantize import quantize_checkpoint  # noqa: PLC0415

        quantize_checkpoint(start, start)
    with pytest.raises(ToolError, match=message):
        train(recipe_of(folder, more=f"start_from: {start}\n"), console())


@pytest.mark.slow
def test_a_killed_run_resumes_to_the_same_weights(folder, tmp_path):
    """Really killed, in the middle of its quantization-aware part."""
    text = RECIPE.format(epochs=14, folder=folder) + "qat: {start_epoch: 3}\n"
    set_of(folder, 8)
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    results = {}
    for name in ("whole", "killed"):
        place = tmp_path / name
        place.mkdir()
        (place / "short.yaml").write_text(text)
        command = [
            sys.executable,
            "-m",
            "ai8x_models.commands.main",
            "train",
            "--config",
            "short.yaml",
        ]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        process = subprocess.Popen(command, cwd=place, env=environment, **silent)
        if name == "killed":
            kill_after_epoch(process, place / "runs/short" / STATE_NAME, 5)
            finish = [*command, "--resume"]
            subprocess.run(finish, cwd=place, env=environment, check=True, **silent)
        assert process.wait() == (-signal.SIGKILL if name == "killed" else 0)
        results[name] = place / "runs/short"
    whole, killed = (load_checkpoint(path / "short.pth.tar") for path in results.values())
    assert whole.state_dict.keys() == killed.state_dict.keys()
    for name, tensor in whole.state_dict.items():
        assert torch.equal(tensor, killed.state_dict[name]), name
    assert len({(path / "log.csv").read_text() for path in results.values()}) == 1
    assert len({(path / "metrics.json").read_text() for path in results.values()}) == 1


def kill_after_epoch(process, state, epoch):
    while process.poll() is None:
        if state.exists() and load_checkpoint(state).epoch >= epoch:
            process.kill()
            return
        time.sleep(0.005)
    pytest.fail("the run ended before it could be killed")


# -- logs -----------------------------------------------------------------------------------------


def test_a_resumed_log_drops_what_is_done_again(tmp_path):
    log = RunLog(tmp_path, 0)
    for epoch in range(3):
        log.add(epoch, {"loss": 1.0 / (epoch + 1)})
    log = RunLog(tmp_path, 1)
    log.add(1, {"loss": 0.5, "teacher": 0.25})
    assert (tmp_path / "log.csv").read_text() == "epoch,loss,teacher\n0,1,\n1,0.5,0.25\n"


def test_piped_progress_is_a_line_a_quarter():
    stream = StringIO()
    with Console(stream).progress("reading") as progress:
        for done in range(1, 9):
            progress(done, 8)
    lines = stream.getvalue().splitlines()
    assert lines == [f"reading: {done} of 8" for done in (2, 4, 6, 8)]


def test_a_terminal_gets_a_bar():
    class Terminal(StringIO):
        def isatty(self):
            return True

    stream = Terminal()
    with Console(stream).progress("reading") as progress:
        progress(3, 8)
    assert "reading" in stream.getvalue()
    assert "\r" in stream.getvalue()
