"""The vendor's command line from data to PASS: train, quantize, evaluate, sample, synthesize."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from brought import beside
from checkout import N_TEST, make_checkout
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from ai8x_models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from ai8x_models.training.data.source import Answers
from ai8x_models.training.recipe_file import read_recipe
from ai8x_models.training.vendor import run as vendor_run
from ai8x_models.training.vendor.datasets import find_data
from ai8x_models.training.vendor.request import Request

VENDOR = beside("vendor", "models")
GIVEN = ("--model", "smallnet", "--dataset", "MNIST", "--device", "MAX78000")
TRAIN = (
    *GIVEN, "--epochs", "4", "--batch-size", "32", "--optimizer", "Adam", "--lr", "0.01",
    "--wd", "0", "--compress", "policies/schedule.yaml", "--deterministic",
)  # fmt: skip
SHOW = ("--confusion", "--param-hist", "--pr-curves", "--embedding", "--enable-tensorboard")


@pytest.fixture(autouse=True)
def _alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_checkout()


def accuracy(text):
    return float(re.search(r"test examples: accuracy ([0-9.]+)", text)[1])


def command(*words):
    """Run a command of this environment."""
    program = Path(sys.executable).parent / words[0]
    done = subprocess.run((program, *words[1:]), capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def road(ai8x, given, best, expected):
    """From the best checkpoint to PASS on the virtual board; `expected` is its accuracy."""
    sample = f"sample_{given[3].lower()}.npy"
    assert ai8x("quantize", best, "q.pth.tar", "--device", "MAX78000", "-v")[0] == 0
    load = ("--exp-load-weights-from", "q.pth.tar")
    status, out, err = ai8x("train", *given, "--evaluate", "-8", *load, "--save-sample", "10")
    assert (status, out) == (0, f"{sample}: 1x28x28\n")
    assert accuracy(err) == pytest.approx(expected, abs=0.03)
    array = np.load(sample)
    assert (array.dtype, array.shape) == (np.int64, (1, 28, 28))
    assert -128 <= array.min() < 0 < array.max() <= 127

    assert ai8x("train", *given, "--yaml-template", "net.yaml")[0] == 0
    status, text = command(
        "synthesize", "net.yaml", "--checkpoint-file", "q.pth.tar",
        "--sample-input", sample, "--prefix", "net",
    )  # fmt: skip
    assert status == 0, text
    status, text = command("max78000", "simulate", "build/net")
    assert status == 0, text
    assert "*** PASS ***" in text


@pytest.mark.slow
def test_the_whole_road(ai8x):
    status, out, err = ai8x("train", *TRAIN, *SHOW, "--name", "first", "--copy-output-folder", "c")
    assert status == 0, err
    best = Path(out.strip())
    folder = best.parent
    assert re.fullmatch(r"logs/first___\d{4}\.\d\d\.\d\d-\d{6}/first_qat_best.pth.tar", str(best))
    for name in ("best", "checkpoint", "qat_best", "qat_checkpoint"):
        assert (folder / f"first_{name}.pth.tar").is_file()
        assert (Path("c") / f"first_{name}.pth.tar").is_file()
    assert Path("latest_log_dir").resolve() == folder.resolve()
    log = Path("latest_log_file").read_text()
    assert log in err
    assert log.count("\n[") == 10  # the confusion matrix
    assert "confusion of the test examples" in log
    assert accuracy(err) > 0.5
    seen = EventAccumulator(str(folder / "tensorboard")).Reload().Tags()
    assert {"conv1.op.weight", "fc.op.bias"} <= set(seen["histograms"])
    assert len([tag for tag in seen["tensors"] if tag.startswith("class ")]) == 10
    points = (folder / "tensorboard/00004/answers/tensors.tsv").read_text().splitlines()
    assert len(points) == N_TEST

    road(ai8x, GIVEN, best, accuracy(log))


@pytest.mark.slow
def test_processes_of_torchrun_share_a_run():
    """One folder, one voice, and the weights of one process, but for the order of sums."""
    words = ("-m", "ai8x_models", "train", *GIVEN, "--epochs", "2", "--lr", "0.001", "--seed", "3",
             "--qat-policy", "None", "--batch-size", "32", "--out-dir")  # fmt: skip
    several = ("-m", "torch.distributed.run", "--nproc-per-node", "2")
    weights = []
    for start, folder in (((), "alone"), (several, "shared")):
        done = in_thread(*start, *words, folder)
        assert done.returncode == 0, done.stderr
        (run,) = Path(folder).iterdir()
        assert done.stdout.splitlines() == [str(run / "best.pth.tar")]
        assert len(accuracies(done.stderr)) == len(
            accuracies((run / f"{run.name}.log").read_text())
        )
        weights.append(load_checkpoint(run / "checkpoint.pth.tar").state_dict)
    for name, tensor in weights[0].items():
        torch.testing.assert_close(weights[1][name], tensor, rtol=1e-3, atol=1e-5)


@pytest.mark.slow
def test_what_one_process_does_is_refused_to_several():
    several = ("-m", "torch.distributed.run", "--nproc-per-node", "2")
    done = in_thread(*several, "-m", "ai8x_models", "train", *GIVEN, "--evaluate")
    assert done.returncode != 0
    assert done.stderr.count("--evaluate: is the work of one process, 2 were started") == 1


def in_thread(*words):
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = (sys.executable, *words)
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def accuracies(text):
    return re.findall(r"test examples: accuracy [0-9.]+", text)


@pytest.mark.long
def test_an_interrupted_run_goes_on_to_the_same_end(ai8x, monkeypatch):
    def weights(folder):
        return load_checkpoint(folder / "qat_best.pth.tar").state_dict

    assert ai8x("train", *TRAIN, "--out-dir", "whole")[0] == 0
    link, calls = vendor_run.link_latest, []

    def killed(folder):
        calls.append(folder)
        if len(calls) == 4:
            raise KeyboardInterrupt
        link(folder)

    monkeypatch.setattr(vendor_run, "link_latest", killed)
    assert ai8x("train", *TRAIN)[0] == 130
    folder = Path("latest_log_dir").resolve()
    assert len((folder / "log.csv").read_text().splitlines()) == 5
    start = folder.relative_to(Path.cwd()) / "checkpoint.pth.tar"
    status, out, err = ai8x("train", *TRAIN, "--resume-from", start)
    assert status == 0, err
    assert Path(out.strip()) == start.with_name("qat_best.pth.tar")
    (whole,) = Path("whole").iterdir()
    found, expected = weights(folder), weights(whole)
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    assert (folder / "log.csv").read_text() == (whole / "log.csv").read_text()


@pytest.mark.long
def test_weights_to_begin_with(ai8x):
    """Float first, then QAT from its best epoch, as a run of its own."""
    assert ai8x("train", *TRAIN, "--qat-policy", "None", "--name", "float")[0] == 0
    folder = Path("latest_log_dir").resolve()
    assert sorted(path.name for path in folder.glob("float_*.tar")) == [
        "float_best.pth.tar",
        "float_checkpoint.pth.tar",
    ]
    best = folder / "float_best.pth.tar"
    status, _, err = ai8x("train", *GIVEN, "-e", "--exp-load-weights-from", best)
    assert status == 0, err
    status, _, err = ai8x("train", *GIVEN, "-e", "-8", "--exp-load-weights-from", best)
    assert (status, "holds no integers to compute with" in err) == (2, True)
    Path("policies/qat_policy.yaml").write_text("start_epoch: 0\nweight_bits: 8\n")
    stored = load_checkpoint(best)
    bare = Path("bare.pth.tar")  # as the vendor's trainer writes it
    save_checkpoint(bare, Checkpoint(stored.arch, stored.epoch, stored.state_dict))
    status, out, err = ai8x("train", *TRAIN, "--resume-from", bare, "--reset-optimizer")
    assert status == 0, err
    assert load_checkpoint(Path(out.strip())).state_dict["conv1.output_shift"].numel() == 1
    assert not list(Path(out.strip()).parent.glob("best.pth.tar"))
    teacher = ("--kd-teacher", "smallnet", "--kd-resume", best, "--kd-temp", "4")
    status, _, err = ai8x("train", *TRAIN, *teacher, "--kd-dw", "0.9", "--kd-sw", "0.1")
    assert status == 0, err
    assert "teacher" in err


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "answers", "n_outputs", "weights"),
    [
        ("drawn", Answers.CLASSES, 10, {**dict.fromkeys("012345678", 1.0), "9": 0.5}),
        ("Drawn_Numbers", Answers.NUMBERS, 1, {}),
        ("Drawn_Masks", Answers.MASKS, 2, {}),
        ("Drawn_Boxes", Answers.BOXES, 10, {}),
    ],
)
def test_data_set_modules_say_what_is_learned(name, answers, n_outputs, weights):
    facts = find_data(Request("smallnet", name))
    assert facts.source.lower() == f"datasets/drawn.py:{name.lower()}"
    assert (facts.shape, facts.n_outputs, facts.answers) == ((1, 28, 28), n_outputs, answers)
    assert facts.more == {"folder": "data"}
    assert facts.class_weights == weights


@pytest.mark.long
def test_a_data_set_module_is_trained_on(ai8x):
    words = ("--model", "smallnet", "--dataset", "Drawn", "--validation-split", "0")
    status, _, err = ai8x("train", *words, *TRAIN[6:], "--qat-policy", "None")
    assert status == 0, err
    folder = Path("latest_log_dir").resolve()
    recipe = read_recipe(folder / "recipe.yaml")
    assert recipe.data.source == "datasets/drawn.py:Drawn"
    assert recipe.loss.class_weights["9"] == 0.5
    assert recipe.optimizer.rates[0] == 0.01
    assert f"{N_TEST} validation examples" in err  # those of the test
    assert accuracy(err) > 0.5
    same = ai8x("train", *words, "-e", "--exp-load-weights-from", folder / "best.pth.tar")[2]
    assert accuracy(same) == accuracy(err)


@pytest.mark.slow
@pytest.mark.skipif(not VENDOR.is_dir(), reason="the vendor's models are not beside this checkout")
def test_a_model_file_of_the_vendors_goes_the_whole_road(ai8x):
    """Model and data modules as in a checkout of the vendor's trainer, without an edit."""
    shutil.copy(VENDOR / "ai85net.py", "models")
    given = ("--model", "ai85netextrasmall", "--dataset", "Drawn", "--device", "MAX78000")
    status, out, err = ai8x("train", *given, *TRAIN[6:], "--confusion")
    assert status == 0, err
    road(ai8x, given, Path(out.strip()), accuracy(err))


@pytest.mark.long
def test_models_are_written_down(ai8x):
    status, out, _ = ai8x("train", *GIVEN, "--summary", "model")
    assert (status, "(conv2)" in out) == (0, True)
    assert ai8x("train", *GIVEN, "--summary", "onnx", "--summary-filename", "m.onnx")[0] == 0
    assert ai8x("train", *GIVEN, "--summary", "onnx_simplified")[0] == 0
    assert Path("m.onnx").read_bytes() == Path("model.onnx").read_bytes()


@pytest.mark.long
def test_samples_that_are_not_there(ai8x):
    status, _, err = ai8x("train", *GIVEN, "-e", "--save-sample", N_TEST)
    assert status == 2
    assert f"--save-sample: there is no sample {N_TEST} among {N_TEST} (0 to {N_TEST - 1})" in err
