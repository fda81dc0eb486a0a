"""What users bring as a checkpoint: read, or refused with the way out; nothing is executed."""

import json
import pickle
import struct

import pytest
import torch
from torch import nn

from ai8x_models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from max78000.errors import InputError

STATE_NAMES = ("output_shift", "weight_bits", "bias_bits", "quantize_activation")


def _refusal(path):
    with pytest.raises(InputError) as caught:
        load_checkpoint(path)
    assert caught.value.where == str(path)
    return str(caught.value)


class Net(nn.Module):
    """To be pickled whole, which needs a class that can be found again."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)


# A plain state dictionary.


@pytest.mark.parametrize("key", [None, "state_dict", "model_state_dict"])
def test_a_plain_state_dict(tmp_path, key):
    state = Net().state_dict()
    torch.save(state if key is None else {key: state, "loss": 0.5}, tmp_path / "net.pth")
    loaded = load_checkpoint(tmp_path / "net.pth")
    assert (loaded.arch, loaded.epoch) == ("", 0)
    assert list(loaded.state_dict) == ["conv.weight", "conv.bias"]
    assert torch.equal(loaded.state_dict["conv.weight"], state["conv.weight"])


@pytest.mark.parametrize("key", ["model", "net", "weights"])
def test_a_state_dict_under_any_name(tmp_path, key):
    """Trainers agree on no name: the one group of tensors in a file is the model's."""
    model = Net()
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    model.conv.weight.sum().backward()
    optimizer.step()
    contents = {"epoch": 3, "args": {"lr": 0.1}, key: model.state_dict()}
    torch.save(contents | {"optimizer": optimizer.state_dict()}, tmp_path / "net.pth")
    loaded = load_checkpoint(tmp_path / "net.pth")
    assert list(loaded.state_dict) == ["conv.weight", "conv.bias"]
    assert loaded.epoch == 3


def test_several_state_dicts_are_refused_with_their_names(tmp_path):
    state = Net().state_dict()
    torch.save({"model": state, "model_ema": state}, tmp_path / "net.pth")
    said = _refusal(tmp_path / "net.pth")
    assert "holds tensors under model and model_ema" in said
    assert "save the one that is meant as `state_dict`" in said


def test_shared_plain_files(cases_dir):
    assert next(iter(load_checkpoint(cases_dir / "mynet.pth").state_dict)) == "features.0.weight"
    assert (
        next(iter(load_checkpoint(cases_dir / "plain_keys.pth.tar").state_dict)) == "conv1.weight"
    )


# A model pickled whole.


class Bare(nn.Module):
    """Holds no module of torch's."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3))


WHOLE = ("zip", "old", "pickle", "in a dictionary", "in a list", "parallel", "compiled", "bare")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch.compile
@pytest.mark.parametrize("form", WHOLE)
@pytest.mark.long
def test_a_whole_model_is_told_what_to_save(tmp_path, form):
    path = tmp_path / "net.pth"
    wrappers = {"parallel": nn.DataParallel, "compiled": torch.compile}
    if form in wrappers:
        torch.save(wrappers[form](Net()), path)
    elif form == "bare":
        torch.save(Bare(), path)
    elif form == "in a list":
        torch.save([3, Net()], path)
    elif form == "pickle":
        path.write_bytes(pickle.dumps(Net()))
    elif form == "in a dictionary":
        torch.save({"epoch": 3, "model": Net()}, path)
    else:
        torch.save(Net(), path, _use_new_zipfile_serialization=form == "zip")
    said = _refusal(path)
    assert "is a whole pickled model" in said
    assert "nothing was executed" in said
    assert "save model.state_dict()" in said


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_torchscript_archive_is_told_what_to_save(tmp_path):
    torch.jit.trace(Net().conv, torch.zeros(1, 1, 3, 3)).save(str(tmp_path / "net.pt"))
    assert "TorchScript" in _refusal(tmp_path / "net.pt")
    assert "save model.state_dict()" in _refusal(tmp_path / "net.pt")


@pytest.mark.long
def test_an_exported_program_is_told_what_to_save(tmp_path):
    program = torch.export.export(Net().conv, (torch.zeros(1, 1, 3, 3),))
    torch.export.save(program, str(tmp_path / "net.pt2"))
    assert "torch.export" in _refusal(tmp_path / "net.pt2")
    assert "save model.state_dict()" in _refusal(tmp_path / "net.pt2")


@pytest.mark.parametrize("name", ["whole.pth", "s275_whole_module.pth.tar"])
def test_shared_whole_models(cases_dir, name):
    assert "save model.state_dict()" in _refusal(cases_dir / name)


# Layers called like an operator.


def _layer(name, weight, bits=4):
    state = {f"{name}.{entry}": torch.tensor([float(bits)]) for entry in STATE_NAMES}
    return state | {f"{name}.op.weight": weight}


@pytest.mark.parametrize("name", ["linear", "conv1d", "conv2d", "convtranspose2d"])
def test_a_layer_may_be_called_like_an_operator(tmp_path, name):
    state = _layer(f"head.{name}", torch.ones(2, 3)) | _layer(name, torch.ones(2, 3))
    save_checkpoint(tmp_path / "a", Checkpoint("net", 1, state))
    assert list(load_checkpoint(tmp_path / "a").state_dict) == list(state)


def test_older_names_of_operators(tmp_path):
    state = {"fc.output_shift": torch.zeros(1), "fc.linear.weight": torch.ones(2, 3)}
    save_checkpoint(tmp_path / "a", Checkpoint("net", 1, state))
    assert list(load_checkpoint(tmp_path / "a").state_dict) == ["fc.output_shift", "fc.op.weight"]


# Prefixes of wrappers.


def test_prefixes_may_be_nested(tmp_path):
    state = {"module._orig_mod.a.op.weight": torch.ones(1), "_orig_mod.b.op.bias": torch.ones(1)}
    save_checkpoint(tmp_path / "a", Checkpoint("net", 1, state))
    assert list(load_checkpoint(tmp_path / "a").state_dict) == ["a.op.weight", "b.op.bias"]


def test_parts_may_be_compiled(tmp_path):
    state = {"a._orig_mod.0.op.weight": torch.ones(1), "b.op.weight": torch.ones(1)}
    save_checkpoint(tmp_path / "a", Checkpoint("net", 1, state))
    assert list(load_checkpoint(tmp_path / "a").state_dict) == ["a.0.op.weight", "b.op.weight"]


def test_two_equal_models_in_a_file_become_one(tmp_path):
    state = {"module.a.op.weight": torch.ones(1), "a.op.weight": torch.ones(1)}
    state["a.op.bias"] = torch.zeros(1)
    save_checkpoint(tmp_path / "a", Checkpoint("net", 1, state))
    loaded = load_checkpoint(tmp_path / "a")
    assert list(loaded.state_dict) == ["a.op.weight", "a.op.bias"]
    (note,) = loaded.notes
    assert "no prefix and `module.` were merged: 1 entries twice" in note
    assert note.endswith("only without it: a.op.bias")


def test_two_different_models_in_a_file_are_refused(tmp_path):
    state = {"module.a.op.weight": torch.ones(1), "a.op.weight": torch.zeros(1)}
    save_checkpoint(tmp_path / "a", Checkpoint("net", 1, state))
    said = _refusal(tmp_path / "a")
    assert "1 entries are there twice and differ: module.a.op.weight and a.op.weight" in said


# What torch has quantized.


@pytest.mark.parametrize(
    "state",
    [
        lambda: {"fc._packed_params.dtype": torch.qint8, "fc.scale": torch.tensor(0.1)},
        lambda: {"c.weight": torch.quantize_per_tensor(torch.ones(2, 2), 0.1, 0, torch.qint8)},
        lambda: {"c.weight": torch.ones(2, 2), "c.activation_post_process.scale": torch.ones(1)},
        lambda: {"c.weight": torch.ones(2, 2), "c.weight_fake_quant.scale": torch.ones(1)},
    ],
    ids=["packed", "qint8", "observed", "fake"],
)
@pytest.mark.filterwarnings("ignore")  # torch's, of its own quantized types
def test_torchs_own_quantization_is_refused(tmp_path, state):
    torch.save(state(), tmp_path / "a")
    said = _refusal(tmp_path / "a")
    assert "torch.ao" in said
    assert "float model" in said


# Safetensors.


def _safetensors(path, entries, data=b"", **texts):
    header = json.dumps(entries | ({"__metadata__": texts} if texts else {})).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + data)
    return path


def _entry(shape, start, end, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


def test_safetensors(tmp_path):
    entries = {
        "module.a.op.weight": _entry([2, 1], 0, 8),
        "module.a.weight_bits": _entry([], 8, 16, "I64"),
        "module.a.none": _entry([0], 16, 16, "F16"),
    }
    data = struct.pack("<ffq", 0.5, -2.0, 4)
    loaded = load_checkpoint(_safetensors(tmp_path / "a", entries, data, arch="net", format="pt"))
    assert loaded.arch == "net"
    assert loaded.state_dict["a.op.weight"].tolist() == [[0.5], [-2.0]]
    assert loaded.state_dict["a.weight_bits"].item() == 4
    assert loaded.state_dict["a.none"].shape == (0,)


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (_entry([2], 0, 16), "cut short or damaged"),  # behind the end
        (_entry([3], 0, 8), "cut short or damaged"),  # another shape
        (_entry([-2], 0, 8), "cut short or damaged"),
        (_entry([2], -8, 0), "cut short or damaged"),
        (_entry([1 << 40, 1 << 40], 0, 8), "cut short or damaged"),
        ({"dtype": "F32"}, "cut short or damaged"),
        ([], "cut short or damaged"),
        (_entry([8], 0, 8, "F8_E4M3"), "is of type F8_E4M3"),
    ],
)
def test_damaged_safetensors(tmp_path, entry, why):
    assert why in _refusal(_safetensors(tmp_path / "a", {"w": entry}, bytes(8)))


def test_safetensors_cut_anywhere(tmp_path):
    whole = _safetensors(tmp_path / "a", {"w": _entry([2], 0, 8)}, bytes(8)).read_bytes()
    for length in range(0, len(whole), 5):
        (tmp_path / "cut").write_bytes(whole[:length])
        assert "cut short or damaged" in _refusal(tmp_path / "cut")
