import os
import pickle

import numpy as np
import pytest
import torch
from torch import nn

from ai8x_models.checkpoint import (
    Checkpoint,
    checkpoint_bytes,
    file_hash,
    load_checkpoint,
    save_checkpoint,
)
from ai8x_models.layers.policy import QatPolicy
from ai8x_models.layers.qat import Mode, start_qat
from ai8x_models.zoo.load import load_model, mode_of
from ai8x_models.zoo.pose import TinyStudentModel
from max78000.errors import InputError

STATE = {"conv1.op.weight": torch.arange(300.0).view(3, 100), "conv1.op.bias": torch.ones(3)}


class Executes:
    """Would make a file if a reader executed it."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_round_trip(tmp_path):
    path = tmp_path / "a.pth.tar"
    optimizer = {"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": [{"lr": 0.1}]}
    saved = Checkpoint("net", 7, STATE, {"scores": {"ap": 0.5}}, optimizer)
    save_checkpoint(path, saved)
    loaded = load_checkpoint(path)
    assert (loaded.arch, loaded.epoch, loaded.extras) == ("net", 7, {"scores": {"ap": 0.5}})
    assert list(loaded.state_dict) == list(STATE)
    assert all(torch.equal(loaded.state_dict[name], STATE[name]) for name in STATE)
    assert loaded.optimizer == optimizer
    assert list(tmp_path.iterdir()) == [path]


def test_equal_contents_give_equal_bytes(tmp_path):
    transposed = {"w": torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))}
    other = {"w": transposed["w"].to(memory_format=torch.channels_last)}
    for name, state in (("a", transposed), ("b", other)):
        save_checkpoint(tmp_path / name, Checkpoint("net", 1, state))
    assert file_hash(tmp_path / "a") == file_hash(tmp_path / "b")


def test_views_do_not_drag_their_base_along(tmp_path):
    save_checkpoint(tmp_path / "a", Checkpoint("net", 1, {"w": torch.zeros(100_000)[:2]}))
    assert (tmp_path / "a").stat().st_size < 5_000


@pytest.mark.parametrize("zipped", [True, False])
def test_vendor_files_load_without_their_classes(tmp_path, zipped):
    path = tmp_path / "vendor.pth.tar"
    contents = {
        "epoch": 5,
        "arch": "ai85net5",
        "state_dict": {
            "module.conv1.op.weight": torch.ones(1),
            "_orig_mod.fc.linear.bias": torch.zeros(1),
        },
        "optimizer_type": torch.optim.SGD,
        "extras": {"best_top1": 93.7, "scores": {"top5": np.float64(99.0), "n": 3}},
    }
    torch.save(contents, path, _use_new_zipfile_serialization=zipped)
    loaded = load_checkpoint(path)
    assert list(loaded.state_dict) == ["conv1.op.weight", "fc.op.bias"]
    assert loaded.extras == {"best_top1": 93.7, "scores": {"n": 3}}
    save_checkpoint(path, loaded)


@pytest.mark.parametrize("form", ["zip", "old", "pickle"])
def test_nothing_is_executed(tmp_path, form):
    path, made = tmp_path / "evil.pth.tar", tmp_path / "made"
    contents = {"epoch": 1, "state_dict": STATE, "extras": Executes(made)}
    if form == "pickle":
        path.write_bytes(pickle.dumps(contents["extras"]))
    else:
        torch.save(contents, path, _use_new_zipfile_serialization=form == "zip")
    with pytest.raises(InputError) as caught:
        load_checkpoint(path)
    assert caught.value.where == str(path)
    if form != "pickle":
        assert "asks for posix.mkdir" in caught.value.why
    assert not made.exists()


@pytest.mark.parametrize("zipped", [True, False])
def test_files_cut_anywhere_are_one_clear_error(tmp_path, zipped):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    contents = {"epoch": 1, "state_dict": STATE}
    torch.save(contents, whole, _use_new_zipfile_serialization=zipped)
    data = whole.read_bytes()
    for length in (0, 1, 2, 10, 100, len(data) // 3, len(data) // 2, len(data) - 200):
        cut.write_bytes(data[:length])
        with pytest.raises(InputError) as caught:
            load_checkpoint(cut)
        assert "cut short or damaged" in str(caught.value) or "asks for" in str(caught.value)


@pytest.mark.parametrize(
    ("contents", "why"),
    [
        ([1, 2], "holds no `state_dict`"),
        ({"epoch": 1}, "holds no `state_dict`"),
        ({"state_dict": [torch.ones(1)]}, "holds no `state_dict`"),
        ({"state_dict": {"a": 3}}, r"state_dict\['a'\] is not a tensor"),
    ],
)
def test_other_contents_are_refused(tmp_path, contents, why):
    torch.save(contents, tmp_path / "a")
    with pytest.raises(InputError, match=why):
        load_checkpoint(tmp_path / "a")


def test_text_and_missing_files(tmp_path):
    (tmp_path / "text").write_text("epoch: 1\n" * 50)
    with pytest.raises(InputError, match="is not a checkpoint"):
        load_checkpoint(tmp_path / "text")
    with pytest.raises(InputError, match="cannot be read: No such file"):
        load_checkpoint(tmp_path / "none")
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        load_checkpoint(tmp_path)
    with pytest.raises(InputError, match="cannot be read"):
        file_hash(tmp_path / "none")


def test_saving_into_nowhere_leaves_nothing(tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        save_checkpoint(tmp_path / "none" / "a", Checkpoint("net", 1, STATE))
    assert not list(tmp_path.iterdir())


def test_an_interrupted_save_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a"
    save_checkpoint(path, Checkpoint("net", 1, STATE))
    before = file_hash(path)

    def save(*_contents):
        raise pickle.PicklingError

    monkeypatch.setattr(torch, "save", save)
    with pytest.raises(pickle.PicklingError):
        save_checkpoint(path, Checkpoint("net", 2, STATE))
    assert file_hash(path) == before
    assert list(tmp_path.iterdir()) == [path]


def test_extras_are_data(tmp_path):
    extras = {"ap": np.float64(0.5), "n": np.int32(3), "shape": (1, 2), "none": None, 1: "x"}
    save_checkpoint(tmp_path / "a", Checkpoint("net", 1, STATE, extras))
    plain = {"ap": 0.5, "n": 3, "shape": [1, 2], "none": None, 1: "x"}
    assert load_checkpoint(tmp_path / "a").extras == plain
    with pytest.raises(InputError, match="cannot hold a PosixPath"):
        save_checkpoint(tmp_path / "b", Checkpoint("net", 1, STATE, {"path": tmp_path}))


@pytest.mark.long
def test_models_come_back_in_their_mode(tmp_path):
    torch.manual_seed(0)
    model, path = TinyStudentModel().eval(), tmp_path / "tiny.pth.tar"
    picture = torch.rand(1, 3, 128, 128)
    for mode in (Mode.FLOAT, Mode.QAT):
        if mode is Mode.QAT:
            start_qat(model, QatPolicy(0))
        save_checkpoint(path, Checkpoint("tinystudentmodel", 1, model.state_dict()))
        loaded = load_model(path)
        assert mode_of(loaded) is mode
        with torch.no_grad():
            assert all(map(torch.equal, loaded(picture), model(picture)))


@pytest.mark.long
def test_checkpoints_that_do_not_fit_say_what(tmp_path):
    path, state = tmp_path / "a", TinyStudentModel().state_dict()

    def refusal(changed, arch="TinyStudentModel"):
        save_checkpoint(path, Checkpoint(arch, 1, changed))
        with pytest.raises(InputError) as caught:
            load_model(path)
        return str(caught.value)

    without = {name: tensor for name, tensor in state.items() if name != "heat.op.weight"}
    assert "lacks 1 tensors: heat.op.weight" in refusal(without)
    assert "has unknown 1 tensors: conv9.op.weight" in refusal(
        state | {"conv9.op.weight": torch.ones(1)}
    )
    assert "size mismatch for heat.op.bias" in refusal(state | {"heat.op.bias": torch.ones(3)})
    assert "there is no model 'other'" in refusal(state, arch="other")


def fresh(text):
    """An equal text that is another object."""
    return "".join(list(text))


def test_equal_contents_make_equal_bytes():
    """Whether two texts are one object, or how a tensor lies in memory, is not part of them."""
    weight = torch.arange(8.0).reshape(2, 4, 1, 1)
    one = Checkpoint(
        "net", 3, {"a.op.weight": weight, "a.op.bias": torch.ones(2)},
        {"dataset": "net", "scores": {"net": 0.5, "stage": "qat"}, "names": ("net", "qat")},
        {"state": {0: {"step": torch.tensor(1.0)}}, "param_groups": [{"betas": (0.9, 0.99)}]},
    )  # fmt: skip
    larger = torch.ones(5)
    other = Checkpoint(
        fresh("net"), 3,
        {fresh("a.op.weight"): weight.clone(memory_format=torch.channels_last),
         fresh("a.op.bias"): larger[2:4]},
        {fresh("dataset"): fresh("net"),
         "scores": {fresh("net"): 0.5, fresh("stage"): fresh("qat")},
         "names": [fresh("net"), fresh("qat")]},
        {fresh("state"): {0: {fresh("step"): torch.tensor(1.0)}},
         "param_groups": [{fresh("betas"): [0.9, 0.99]}]},
    )  # fmt: skip
    assert other.state_dict["a.op.weight"].stride() != weight.stride()
    assert checkpoint_bytes(one) == checkpoint_bytes(other)


def test_a_checkpoint_read_and_written_again_has_the_same_bytes(tmp_path):
    torch.manual_seed(2)
    state = nn.Sequential(nn.Conv2d(2, 3, 1), nn.BatchNorm2d(3)).state_dict()
    save_checkpoint(tmp_path / "a", Checkpoint("0", 1, state, {"note": "0.weight"}))
    save_checkpoint(tmp_path / "b", load_checkpoint(tmp_path / "a"))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
