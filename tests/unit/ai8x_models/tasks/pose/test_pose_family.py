"""Pose networks that a search draws: they read as by hand, run, and are described."""

import pytest
import torch

from ai8x_models.describe.describe import check_model
from ai8x_models.describe.subject import find_subject
from ai8x_models.tasks.pose.family import poses
from ai8x_models.training.search.family import find_family, write_model
from ai8x_models.training.task import find_task
from ai8x_models.zoo.registry import create_model
from max78000.errors import InputError, UnsupportedError

optuna = pytest.importorskip("optuna", reason="of the extra `train`")

SHAPE = (3, 128, 128)
NATIVE = {
    "ratio": 4,
    "first_width": 64,
    "n_each": 1,
    "width": 64,
    "n_context": 7,
    "mixes": True,
    "head_width": 0,
}


def drawn(tmp_path, **params):
    text = poses(optuna.trial.FixedTrial(params), SHAPE, 0)
    return text, find_subject(write_model(tmp_path / "net.py", text), SHAPE).model


def test_the_native_network_is_one_of_them(tmp_path):
    _, model = drawn(tmp_path, **NATIVE)
    native = create_model("NativePoseModel")
    ours, theirs = (
        [tuple(tensor.shape) for tensor in one.state_dict().values()] for one in (model, native)
    )
    assert ours == theirs
    values = dict(zip(model.state_dict(), native.state_dict().values(), strict=True))
    model.load_state_dict(values)
    picture = torch.rand(1, *SHAPE) - 0.5
    for one, other in zip(model.eval()(picture), native.eval()(picture), strict=True):
        assert torch.equal(one, other)


def test_a_network_reads_as_if_written_by_hand(tmp_path):
    changes = {"ratio": 2, "first_width": 32, "n_each": 2, "n_context": 3, "head_width": 32}
    text, _ = drawn(tmp_path, **NATIVE | changes)
    lines = [line.strip() for line in text.splitlines() if line.startswith("        ")]
    assert lines[1:] == [
        "self.conv1 = folded(32, 2)  # 32x64x64",
        "self.conv2 = hidden(32, 32)  # 32x64x64",
        'self.conv3 = hidden(32, 32, pool="max")  # 32x32x32',
        "self.conv4 = hidden(32, 32)  # 32x32x32",
        'self.conv5 = hidden(32, 64, pool="max")  # 64x16x16',
        "self.conv6 = hidden(64, 64)  # 64x16x16",
        "self.conv7 = hidden(64, 64)  # 64x16x16",
        "self.mix = hidden(64, 64, 1)  # 64x16x16",
        "self.heat_hidden = hidden(64, 32, 1)  # 32x16x16",
        "self.heat = maps(32, 19)  # 19x16x16",
        "self.paf_hidden = hidden(64, 32, 1)  # 32x16x16",
        "self.paf = maps(32, 38)  # 38x16x16",
        '"""Pictures (N, 3, 128, 128) in -1..127/128 -> (N, 19, 16, 16), (N, 38, 16, 16)."""',
        *(f"x = self.conv{number}(x)" for number in range(1, 8)),
        "x = self.mix(x)",
        "heat = self.heat(self.heat_hidden(x))",
        "paf = self.paf(self.paf_hidden(x))",
        "return heat, paf",
    ]


@pytest.mark.long
def test_whatever_is_drawn_is_described(tmp_path):
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    for _ in range(6):
        text = poses(study.ask(), SHAPE, 0)
        assert max(map(len, text.splitlines())) <= 100
        subject = find_subject(write_model(tmp_path / "net.py", text), SHAPE)
        assert not check_model(subject.model, SHAPE)
        heat, paf = subject.model.eval()(torch.zeros(1, *SHAPE))
        assert (heat.shape, paf.shape) == ((1, 19, 16, 16), (1, 38, 16, 16))


def test_it_is_a_family_of_the_task_alone():
    assert find_family("poses", find_task("pose").families) is poses
    with pytest.raises(InputError, match="there is no family 'poses'"):
        find_family("poses", find_task("classification").families)
    with pytest.raises(UnsupportedError, match="samples of 1x28x28 are no pictures of 3x128x128"):
        poses(None, (1, 28, 28), 0)
