"""Checkpoint containers: both kinds are read, broken and hostile ones are refused, nothing runs."""

import collections
import contextlib
import io
import os
import pickle
import struct
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from max78000.errors import InputError
from max78000.program.torch_file import LEGACY_MAGIC, Inert, read_torch_file
from networks import write_checkpoint

CONTAINERS = pytest.mark.parametrize("is_legacy", [False, True], ids=["zip", "legacy"])
FIX = "[G25] (write it again; a download may have been cut short)"
CONTENT = {
    "epoch": 3,
    "arch": "tiny",
    "state_dict": collections.OrderedDict(
        {"conv1.op.weight": np.arange(36).reshape(2, 2, 3, 3), "conv1.op.bias": np.array([1, -2])}
    ),
    "optimizer_state_dict": {"param_groups": [{"lr": 0.1}]},
}


def test_safetensors_are_sent_to_the_quantizer(tmp_path):
    path = tmp_path / "net.safetensors"
    header = b'{"a.weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    assert refusal(path) == (
        "is a file of safetensors, which nobody has quantized [G25]"
        " (give it to `ai8x quantize`, which reads it, and name what that writes)"
    )


def refusal(path):
    with pytest.raises(InputError) as error:
        read_torch_file(path)
    assert error.value.exit_code == 2
    return str(error.value).removeprefix(f"{path}: ")


def archive(path, pickled, storages=None, compression=zipfile.ZIP_STORED):
    """A zip container around any pickle."""
    with zipfile.ZipFile(path, "w", compression) as file:
        file.writestr("archive/data.pkl", pickled)
        for key, raw in (storages or {}).items():
            file.writestr(f"archive/data/{key}", raw)
    return path


@CONTAINERS
def test_both_containers(tmp_path, is_legacy):
    root = read_torch_file(write_checkpoint(tmp_path / "a", CONTENT, is_legacy=is_legacy))
    assert (root["epoch"], root["arch"]) == (3, "tiny")
    assert list(root["state_dict"]) == ["conv1.op.weight", "conv1.op.bias"]
    weight = root["state_dict"]["conv1.op.weight"]
    assert weight.dtype == np.float32
    assert not weight.flags.writeable
    np.testing.assert_array_equal(weight, CONTENT["state_dict"]["conv1.op.weight"])
    np.testing.assert_array_equal(root["state_dict"]["conv1.op.bias"], [1, -2])
    assert root["optimizer_state_dict"] == {"param_groups": [{"lr": 0.1}]}


@CONTAINERS
@pytest.mark.parametrize(
    "dtype",
    ["float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8"],
)
def test_element_types(tmp_path, is_legacy, dtype):
    values = [[0, 1, 2], [100, 120, 64]]
    tensor = torch.tensor(values).to(getattr(torch, dtype))
    path = write_checkpoint(tmp_path / "a", {"x": tensor}, is_legacy=is_legacy)
    np.testing.assert_array_equal(read_torch_file(path)["x"], values)


@CONTAINERS
def test_views_share_a_storage(tmp_path, is_legacy):
    base = torch.arange(24.0).reshape(4, 6)
    views = {"t": base.t(), "row": base[2], "step": base[::2, 1::3], "one": base[3, 5]}
    views |= {"wide": torch.ones(1).expand(5), "none": base[:0], "flag": base > 20}
    root = read_torch_file(write_checkpoint(tmp_path / "a", views, is_legacy=is_legacy))
    for name, view in views.items():
        np.testing.assert_array_equal(root[name], view.numpy())


def test_unreadable_elements_do_not_disturb_the_others(tmp_path):
    content = {"complex": torch.ones(3, dtype=torch.complex64), "x": torch.ones(2)}
    root = read_torch_file(write_checkpoint(tmp_path / "a", content))
    assert isinstance(root["complex"], Inert)
    assert root["x"].tolist() == [1, 1]


class Optimizer:
    """Something a training run pickles along; its module does not exist where it is read."""

    def __init__(self):
        self.lr = 0.5


Optimizer.__module__ = "__main__"


def test_foreign_objects_become_inert(tmp_path, monkeypatch):
    import __main__  # noqa: PLC0415 - pickle looks the class up there

    monkeypatch.setattr(__main__, "Optimizer", Optimizer, raising=False)
    content = {
        "extras": Optimizer(),
        "dtype": torch.float32,
        "w": torch.nn.Parameter(torch.ones(2)),
    }
    root = read_torch_file(write_checkpoint(tmp_path / "a", content))
    assert isinstance(root["extras"], Inert)
    assert root["dtype"] is Inert
    assert root["w"].tolist() == [1, 1]


# -- broken ----------------------------------------------------------------------------------------


def test_missing_file_and_folder(tmp_path):
    assert refusal(tmp_path / "no") == "no such file (check --checkpoint-file)"
    assert refusal(tmp_path).startswith("cannot be read: [Errno 21] Is a directory")


@CONTAINERS
def test_cut_short_anywhere(tmp_path, is_legacy):
    whole = write_checkpoint(tmp_path / "a", CONTENT, is_legacy=is_legacy).read_bytes()
    for length in {*range(0, len(whole), 37), len(whole) - 1}:
        path = tmp_path / "cut"
        path.write_bytes(whole[:length])
        assert refusal(path).endswith(FIX)


@pytest.mark.parametrize(
    "content", [b"", b"arch: tiny\n", b"\x89PNG\r\n\x1a\n", b"PK\x03\x04", b"PK"]
)
def test_other_files(tmp_path, content):
    path = tmp_path / "other"
    path.write_bytes(content)
    assert refusal(path).endswith(FIX)


@given(content=st.binary(max_size=200), is_zip=st.booleans())
def test_random_bytes(tmp_path_factory, content, is_zip):
    path = tmp_path_factory.getbasetemp() / "random"
    if is_zip:
        archive(path, content)
    else:
        path.write_bytes(content)
    with contextlib.suppress(InputError):  # a few bytes may be an empty dictionary
        assert isinstance(read_torch_file(path), dict)


@pytest.mark.long
@CONTAINERS
def test_damaged_bytes(tmp_path, is_legacy):
    whole = write_checkpoint(tmp_path / "a", CONTENT, is_legacy=is_legacy).read_bytes()
    rng = np.random.default_rng(0)
    path = tmp_path / "damaged"
    for _ in range(300):
        damaged = bytearray(whole)
        for position in rng.integers(0, len(whole), 3):
            damaged[position] = rng.integers(256)
        path.write_bytes(damaged)
        with contextlib.suppress(InputError):  # harmless in a tensor's elements
            read_torch_file(path)


def test_not_a_dictionary(tmp_path):
    path = write_checkpoint(tmp_path / "a", {"x": 1})
    archive(path, pickle.dumps([1, 2]))
    assert (
        refusal(path) == f"is not a PyTorch checkpoint (ValueError: it holds no dictionary) {FIX}"
    )


def test_a_whole_model(tmp_path):
    torch.save(torch.nn.Linear(3, 2), tmp_path / "a")
    said = refusal(tmp_path / "a")
    assert said.startswith("is an object of some class, such as a whole pickled model; nothing was")
    assert said.endswith("(save model.state_dict(), and give it to `ai8x quantize`)")


def test_archives_that_torch_does_not_write(tmp_path):
    path = archive(tmp_path / "a", pickle.dumps({}), compression=zipfile.ZIP_DEFLATED)
    assert "the archive is compressed, PyTorch's are not" in refusal(path)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("readme.txt", "hello")
    assert "the archive has no data.pkl" in refusal(path)


# -- hostile ---------------------------------------------------------------------------------------


class Call:
    """Pickles as the call of a function, which a careless reader would execute."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


class Restored:
    """Pickles as an object whose state is handed to `__setstate__`."""

    def __init__(self, marker):
        self.marker = marker

    def __setstate__(self, state):
        os.mkdir(state)  # noqa: PTH102 - what an attacker would do

    def __getstate__(self):
        return self.marker


def hostile(marker):
    """Objects that would create `marker` if anything in a file were executed."""
    command = f"touch {marker}"
    return {
        "os.system": Call(os.system, command),
        "os.mkdir": Call(os.mkdir, marker),
        "eval": Call(eval, f"__import__('os').mkdir({marker!r})"),
        "exec": Call(exec, f"import os; os.mkdir({marker!r})"),
        "nested": {"a": [({"b": Call(os.mkdir, marker)},)]},
        "state": Restored(marker),
        "argument": Call(collections.OrderedDict, [("k", Call(os.mkdir, marker))]),
    }


HOSTILE = pytest.mark.parametrize("name", sorted(hostile("")))


@HOSTILE
def test_a_careless_reader_would_execute_it(tmp_path, name):
    marker = tmp_path / "marker"
    pickle.loads(pickle.dumps(hostile(str(marker))[name]))
    assert marker.exists()


@CONTAINERS
@HOSTILE
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_nothing_is_executed(tmp_path, is_legacy, name, protocol):
    marker = tmp_path / "marker"
    content = {"epoch": 1, "evil": hostile(str(marker))[name], "state_dict": {}}
    path = tmp_path / "evil"
    if is_legacy:
        parts = (LEGACY_MAGIC, 1001, {}, content, [])
        path.write_bytes(b"".join(pickle.dumps(part, protocol) for part in parts))
    else:
        archive(path, pickle.dumps(content, protocol))
    root = read_torch_file(path)
    assert root["epoch"] == 1
    assert not marker.exists()


def test_executing_in_place_of_the_state_dict(tmp_path):
    marker = tmp_path / "marker"
    archive(tmp_path / "a", pickle.dumps(Call(os.mkdir, str(marker))))
    assert "is an object of some class" in refusal(tmp_path / "a")
    assert not marker.exists()


class Tensor:
    """Pickles as a tensor of a storage "0" with this element type, offset, shape and strides."""

    def __init__(self, offset, shape, strides, dtype="FloatStorage"):
        self.view = offset, shape, strides
        self.dtype = dtype


ELEMENTS = struct.pack("<4f", 1, 2, 3, 4)


class _TensorPickler(pickle.Pickler):
    """Writes `Tensor` as PyTorch writes tensors; protocol 2."""

    def persistent_id(self, obj):
        if isinstance(obj, tuple) and obj[:1] == ("storage",):
            return obj
        return None

    def reducer_override(self, obj):
        if isinstance(obj, Tensor):
            storage = ("storage", getattr(torch, obj.dtype, obj.dtype), "0", "cpu", 4)
            return torch._utils._rebuild_tensor_v2, (storage, *obj.view, False, {})
        return NotImplemented


def tensor_file(path, tensor, raw=ELEMENTS):
    buffer = io.BytesIO()
    _TensorPickler(buffer, 2).dump({"x": tensor})
    return archive(path, buffer.getvalue(), {"0": raw})


def test_the_hand_made_tensor_is_read(tmp_path):
    root = read_torch_file(tensor_file(tmp_path / "a", Tensor(1, (2,), (2,))))
    assert root["x"].tolist() == [2, 4]


@pytest.mark.parametrize(
    ("tensor", "reason"),
    [
        (Tensor(0, (5,), (1,)), "a tensor of shape (5,) exceeds its storage"),
        (Tensor(4, (1,), (1,)), "a tensor of shape (1,) exceeds its storage"),
        (Tensor(0, (2, 2), (1, 3)), "a tensor of shape (2, 2) exceeds its storage"),
        (Tensor(-1, (1,), (1,)), "a tensor has the impossible shape (1,)"),
        (Tensor(0, (-4,), (1,)), "a tensor has the impossible shape (-4,)"),
        (Tensor(3, (2,), (-1,)), "a tensor has the impossible shape (2,)"),
        (Tensor(0, (1 << 27,), (0,)), "a tensor has the impossible shape (134217728,)"),
        (Tensor(0, (1 << 32, 1 << 32), (0, 0)), "a tensor has the impossible shape "),
        (Tensor(0, (2, 2), (1,)), "zip() argument 2 is shorter than argument 1"),
        (Tensor(0, "ab", (1,)), "invalid literal for int()"),
        (Tensor(0, (1,) * 70, (1,) * 70), "dimension"),
    ],
    ids=lambda value: value.replace(" ", "_")[:30] if isinstance(value, str) else "",
)
def test_tensors_outside_their_storage(tmp_path, tensor, reason):
    assert reason in refusal(tensor_file(tmp_path / "a", tensor))


@pytest.mark.parametrize("dtype", ["O", "V8", "S4", "<M8[s]", "<f4,<f4", "1000000000f4"])
def test_element_types_of_an_attacker(tmp_path, dtype):
    path = tensor_file(tmp_path / "a", Tensor(0, (1,), (1,), dtype))
    assert isinstance(read_torch_file(path)["x"], Inert)


def test_a_storage_that_is_not_whole_elements(tmp_path):
    path = tensor_file(tmp_path / "a", Tensor(0, (1,), (1,)), b"123")
    assert "buffer size must be a multiple of element size" in refusal(path)


@pytest.mark.parametrize(
    ("pickled", "reason"),
    [
        # BINBYTES8, BYTEARRAY8, BINUNICODE of lengths that are not there
        (b"\x80\x04\x8e" + struct.pack("<Q", 1 << 40) + b"x.", "expected 1099511627776 bytes"),
        (b"\x80\x05\x96" + struct.pack("<Q", 1 << 40) + b"x.", "expected 1099511627776 bytes"),
        (b"\x80\x02X" + struct.pack("<I", 1 << 30) + b"x.", "expected 1073741824 bytes"),
        # LONG_BINPUT: room for a memo of two billion objects
        (b"\x80\x02}r" + struct.pack("<I", (1 << 31) - 1) + b".", "index 2147483647 in a file of"),
        (b"\x80\x02}p2147483647\n.", "index 2147483647 in a file of"),
    ],
    ids=["bytes", "bytearray", "text", "memo", "memo of protocol 0"],
)
def test_announced_sizes_take_no_memory(tmp_path, pickled, reason):
    assert reason in refusal(archive(tmp_path / "a", pickled))


def test_dictionaries_within_themselves(tmp_path):
    """One that contains itself, and a chain in which every one holds the one before twice."""
    loop = {}
    loop["self"] = loop
    chain = {}
    for _ in range(12):
        chain = {0: chain, 1: chain}
    root = read_torch_file(archive(tmp_path / "a", pickle.dumps({"loop": loop, "chain": chain})))
    assert root["loop"]["self"] is root["loop"]
    assert root["chain"][0] is root["chain"][1]


@pytest.mark.long
def test_endless_nesting(tmp_path):
    pickled = b"\x80\x02" + b"}K\x00" * 100_000 + b"}" + b"s" * 100_000 + b"."
    assert "RecursionError" in refusal(archive(tmp_path / "a", pickled))
