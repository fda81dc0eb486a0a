"""Several processes train as one: the same losses and weights, one voice, one ending."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from ai8x_models.checkpoint import load_checkpoint
from ai8x_models.layers.batchnorm import BatchNorm, normalized_over_shares
from ai8x_models.training.processes import ALONE, Team
from ai8x_models.zoo.toy_data import draw_samples
from max78000.errors import InputError

RECIPE = """\
name: {name}
model: DigitNet
epochs: 3
batch_size: {size}
data: {{source: digits.npz}}
augment: {{shift: 1, noise: 0.02}}
loss: {{balance: true, class_weights: {{"3": 2.0}}}}
average: {{decay: 0.9}}
optimizer: {{kind: {kind}, peak_rate: {rate}}}
qat: {{start_epoch: 2}}
"""
# Small rates: differences of summation grow as fast as the weights move.
SMALL = (("sgd", 1e-3), ("adamw", 1e-4))
USUAL = (("sgd", 0.1), ("adamw", 4e-3))
IN_DOUBLE = Path(__file__).with_name("in_double.py")


@pytest.fixture(autouse=True)
def _data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    samples = draw_samples("digits", 80, 0)
    inputs, targets = (samples.inputs * 128).numpy().astype(np.int8), samples.targets.numpy()
    np.savez("digits.npz", inputs=inputs, targets=targets)


def command(name, n_processes, *more, size=16, moved=SMALL[0]):
    kind, rate = moved
    Path(f"{name}.yaml").write_text(RECIPE.format(name=name, size=size, kind=kind, rate=rate))
    return launch(n_processes, "-m", "ai8x_models", "train", f"{name}.yaml", *more)


def launch(n_processes, *words):
    several = ["-m", "torch.distributed.run", "--nproc-per-node", str(n_processes)]
    return [sys.executable, *(several if n_processes > 1 else ()), *words]


def run(words):
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=False)


def trained(name, n_processes, *more, **values):
    return run(command(name, n_processes, *more, **values))


def log_of(name):
    with Path(f"runs/{name}/log.csv").open() as file:
        return [{key: float(text) for key, text in row.items()} for row in csv.DictReader(file)]


def weights_of(name):
    return load_checkpoint(Path(f"runs/{name}/{name}.pth.tar")).state_dict


def test_a_run_alone_shares_nothing():
    model, share = torch.nn.Linear(2, 2), torch.ones(3)
    assert ALONE.is_first
    assert ALONE.shared(model) is model
    assert ALONE.whole(share) is share
    assert ALONE.together(lambda: 3) == ALONE.one_by_one(lambda: 3) == 3


def test_shares_are_equal_rows():
    batch = torch.arange(6)
    assert [Team(index, 3).share_of(batch).tolist() for index in range(3)] == [
        [0, 1],
        [2, 3],
        [4, 5],
    ]
    with pytest.raises(InputError, match="batch of 32 cannot be shared by 3 processes"):
        Team(0, 3).check(32)


@pytest.mark.parametrize("shape", [(4, 3, 5, 5), (8, 3, 6)])
def test_batch_norm_over_shares_is_batch_norm(shape):
    """One share: what is added up is all there is."""
    torch.manual_seed(0)
    x = torch.randn(shape, requires_grad=True)
    scale, offset = torch.rand(3), torch.rand(3)
    ours, theirs = (torch.zeros(3), torch.ones(3)), (torch.zeros(3), torch.ones(3))
    y = normalized_over_shares(x, BatchNorm(*ours, scale, offset), 0.1, lambda total: total)
    wanted = torch.nn.functional.batch_norm(x, *theirs, scale, offset, True, 0.1)
    torch.testing.assert_close(y, wanted)
    torch.testing.assert_close(ours, theirs)
    weights = torch.randn(shape)
    torch.testing.assert_close(
        *(torch.autograd.grad((one * weights).sum(), x)[0] for one in (y, wanted))
    )


@pytest.mark.slow
@pytest.mark.parametrize("moved", SMALL)
def test_two_processes_train_as_one(moved):
    assert trained("one", 1, moved=moved).returncode == 0
    said = trained("two", 2, moved=moved)
    assert said.returncode == 0, said.stderr
    assert said.stdout.splitlines() == ["runs/two/two.pth.tar"]
    assert said.stderr.count("epoch 2 of 3: loss") == 1
    for epoch, (one, two) in enumerate(zip(log_of("one"), log_of("two"), strict=True)):
        # A number that is rounded the other way in QAT is another one by 1/128.
        share = 1e-3 if epoch == 2 and moved[0] == "adamw" else 1e-5
        assert two["loss"] == pytest.approx(one["loss"], rel=share)
        assert two["validation"] == pytest.approx(one["validation"], rel=10 * share)
    one, two = weights_of("one"), weights_of("two")
    farthest = 1e-5 if moved[0] == "sgd" else 9 * moved[1]  # as far as Adam goes in nine steps
    for name, tensor in one.items():
        torch.testing.assert_close(two[name], tensor, rtol=1e-4, atol=farthest)


@pytest.mark.slow
@pytest.mark.parametrize("moved", USUAL)
def test_in_double_precision_they_do_so_at_any_rate(moved):
    """What is left in float32 is the order in which numbers are added."""
    command("any", 2, moved=moved)  # writes the recipe
    Path("any.yaml").write_text(Path("any.yaml").read_text().replace("epochs: 3", "epochs: 12"))
    losses = []
    for n_processes in (1, 2):
        out = f"{n_processes}.json"
        said = run(launch(n_processes, str(IN_DOUBLE), "any.yaml", out))
        assert said.returncode == 0, said.stderr
        losses.append(json.loads(Path(out).read_text()))
    one, two = losses
    assert len(one) == 36
    assert one[-1] < one[0]
    assert two == pytest.approx(one, rel=1e-10)


@pytest.mark.slow
def test_what_is_wrong_is_said_once():
    said = trained("odd", 2, size=15)
    assert said.returncode != 0
    assert said.stderr.count("a batch of 15 cannot be shared by 2 processes") == 1
    assert "defect" not in said.stderr


@pytest.mark.slow
def test_when_one_is_killed_all_end_and_resume_as_if_nothing_had_been():
    assert trained("whole", 2).returncode == 0
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        command("cut", 2), env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    while not Path("runs/cut/state.pth.tar").exists():
        assert process.poll() is None
        time.sleep(0.01)
    os.kill(process_of_rank(1, process.pid), signal.SIGKILL)
    said = process.communicate()[1].decode()
    assert process.returncode != 0
    assert said.count("ai8x: a process of this run has ended") <= 1  # unless torchrun was faster
    assert "defect" not in said
    assert trained("cut", 2, "--resume").returncode == 0
    cut, whole = weights_of("cut"), weights_of("whole")
    assert all(torch.equal(cut[name], tensor) for name, tensor in whole.items())


def process_of_rank(rank, launcher):
    children = Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()
    word = f"RANK={rank}".encode()
    return next(
        int(child)
        for child in children
        if word in Path(f"/proc/{child}/environ").read_bytes().split(b"\0")
    )
