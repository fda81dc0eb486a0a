"""Formats that data sets are handed out in: HDF5, MNIST's idx, CIFAR's batches."""

import gzip
import pickle
import struct
from pathlib import Path

import h5py
import numpy as np
import pytest

from ai8x_models.training.data import prepared
from ai8x_models.training.data.open import open_samples
from ai8x_models.training.data.plan import DataPlan
from ai8x_models.training.data.readers import files
from ai8x_models.training.data.readers.idx import read_idx
from max78000.errors import InputError


@pytest.fixture(autouse=True)
def _alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


# -- HDF5 ------------------------------------------------------------------------------------------


def test_hdf5_has_the_names_of_npz():
    inputs = np.arange(40 * 16, dtype=np.uint8).reshape(40, 4, 4)
    with h5py.File("a.h5", "w") as file:
        file["x_train"], file["y_train"] = inputs, np.arange(40) % 4
        file["x_test"], file["y_test"] = inputs[:5], np.arange(5) % 4
        file["classes"] = ["a", "b", "c", "d"]
    train, test = (open_samples(DataPlan("a.h5"), one) for one in ("train", "test"))
    assert (len(train), train.classes) == (36, tuple("abcd"))
    np.testing.assert_array_equal(test.inputs[:, 0], inputs[:5].astype(int) - 128)


def test_hdf5_rows_that_lie_far_apart():
    with h5py.File("a.h5", "w") as file:
        file["inputs"], file["targets"] = np.arange(1000.0).reshape(1000, 1, 1), np.arange(1000)
    plan = DataPlan("a.h5", range=(0.0, 255.0), validation_share=0.01, test_share=0.0)
    found = open_samples(plan, "validation")
    np.testing.assert_array_equal(found.inputs.ravel(), (found.targets - 128).clip(-128, 127))


def test_hdf5_is_read_by_processes(monkeypatch):
    monkeypatch.setattr(prepared, "_N_FEW", 1)
    with h5py.File("a.h5", "w") as file:
        file["inputs"] = np.arange(300, dtype=np.uint8).reshape(300, 1, 1)
        file["targets"] = np.arange(300)
    plan = DataPlan("a.h5", test_share=0.0, workers=2)
    found = open_samples(plan, "train")
    np.testing.assert_array_equal(found.inputs.ravel().astype(int) + 128, found.targets % 256)


# -- idx -------------------------------------------------------------------------------------------


def idx(path, array, kind=8, packed=False):
    head = struct.pack(f">HBB{array.ndim}I", 0, kind, array.ndim, *array.shape)
    content = head + array.tobytes()
    Path(path).write_bytes(gzip.compress(content) if packed else content)


@pytest.mark.parametrize("packed", [False, True])
def test_mnist(packed):
    Path("mnist").mkdir()
    pictures = np.arange(20 * 6, dtype=np.uint8).reshape(20, 2, 3)
    end = ".gz" if packed else ""
    for word, count in (("train", 20), ("t10k", 7)):
        idx(f"mnist/{word}-images-idx3-ubyte{end}", pictures[:count], packed=packed)
        labels = np.arange(count, dtype=np.uint8) % 10
        idx(f"mnist/{word}-labels-idx1-ubyte{end}", labels, packed=packed)
    test = open_samples(DataPlan("mnist"), "test")
    np.testing.assert_array_equal(test.inputs[:, 0], pictures[:7].astype(int) - 128)
    assert test.targets.tolist() == list(range(7))
    assert len(open_samples(DataPlan("mnist"), "train")) == 18


def test_numbers_of_more_bytes_are_turned_around():
    numbers = np.array([[1, -2], [300, 4]])
    idx("a-idx2-int", numbers.astype(">i4"), kind=0x0C)
    np.testing.assert_array_equal(read_idx(Path("a-idx2-int")), numbers)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a readable idx file"),
        (b"\0\0\x08", "is not a readable idx file"),
        (b"\0\0\x99\x01\0\0\0\x01x", "is not a readable idx file"),
        (b"\0\0\x08\x01\0\0\0\x05abc", "announces 5 numbers in 5 bytes, and does not hold them"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "is half of this machine's memory"),
    ],
)
def test_damaged_idx_files(content, message):
    Path("a-idx1-ubyte").write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_idx(Path("a-idx1-ubyte"))


@pytest.mark.parametrize("packed", [False, True])
def test_a_short_idx_file_takes_no_more_memory_than_it_has(packed, monkeypatch):
    monkeypatch.setattr("ai8x_models.training.data.readers.idx.refuse_more_than_memory", print)
    content = b"\0\0\x08\x03" + b"\x7f" * 12  # 9 EB
    path = Path(f"a-idx3-ubyte{'.gz' * packed}")
    path.write_bytes(gzip.compress(content) if packed else content)
    with pytest.raises(InputError, match=r"announces 2139062143x2139062143x2139062143 numbers"):
        read_idx(path)


def test_missing_idx_files():
    Path("mnist").mkdir()
    idx("mnist/t10k-images-idx3-ubyte", np.zeros((2, 2, 2), np.uint8))
    with pytest.raises(InputError, match="mnist: has no t10k-labels"):
        open_samples(DataPlan("mnist"), "train")


# -- CIFAR -----------------------------------------------------------------------------------------


def cifar_10(folder="cifar", extra=None):
    Path(folder).mkdir()
    rng = np.random.default_rng(1)
    pictures = {}
    for name in (*(f"data_batch_{index}" for index in range(1, 6)), "test_batch"):
        pictures[name] = rng.integers(0, 256, (4, 3072), np.uint8)
        batch = {b"data": pictures[name], b"labels": [0, 1, 1, 0], b"filenames": [b"a.png"] * 4}
        Path(folder, name).write_bytes(pickle.dumps(batch | (extra or {}), 4))
    meta = {b"label_names": [b"airplane", b"automobile"], b"num_vis": 3072}
    Path(folder, "batches.meta").write_bytes(pickle.dumps(meta, 4))
    return pictures


def test_cifar_10():
    pictures = cifar_10()
    plan = DataPlan("cifar")
    train, test = open_samples(plan, "train"), open_samples(plan, "test")
    assert (len(train), train.classes) == (18, ("airplane", "automobile"))
    wanted = pictures["test_batch"].reshape(4, 3, 32, 32).astype(int) - 128
    np.testing.assert_array_equal(test.inputs, wanted)


def test_cifar_100_has_fine_classes():
    Path("cifar").mkdir()
    for name in ("train", "test"):
        batch = {b"data": np.zeros((4, 3072), np.uint8), b"fine_labels": [0, 1, 2, 2],
                 b"coarse_labels": [0, 0, 0, 0]}  # fmt: skip
        Path("cifar", name).write_bytes(pickle.dumps(batch, 4))
    Path("cifar/meta").write_bytes(pickle.dumps({b"fine_label_names": [b"a", b"b", b"c"]}, 4))
    assert open_samples(DataPlan("cifar"), "test").targets.tolist() == [0, 1, 2, 2]


def test_batches_as_python_2_pickled_them():
    cifar_10()
    content = bytes(range(256)) * 12
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntU\x01btR"
        b"(I1\n(I1\nI3072\ntcnumpy\ndtype\n(U\x02u1I0\nI1\ntR(I3\nU\x01|NNNI-1\nI-1\nI0\ntb"
        b"I00\nT\x00\x0c\x00\x00" + content + b"tb"
    )
    Path("cifar/test_batch").write_bytes(b"\x80\x02}(U\x04data" + array + b"U\x06labels](I1\neu.")
    test = open_samples(DataPlan("cifar"), "test")
    np.testing.assert_array_equal(test.inputs.ravel().astype(int) + 128, list(content))
    assert test.targets.tolist() == [1]


class Evil:
    def __reduce__(self):
        return (Path.touch, (Path("ran"),))


def test_nothing_in_a_batch_is_run():
    cifar_10(extra={b"other": Evil()})
    with pytest.raises(InputError, match=r"it names pathlib.*, which no batch needs"):
        open_samples(DataPlan("cifar"), "train")
    assert not Path("ran").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a readable batch"),
        (pickle.dumps([1], 4), "holds no dictionary"),
        (pickle.dumps({b"data": np.zeros(3)}, 4), "its array is none of bytes"),
        (
            pickle.dumps({b"data": np.zeros(3, np.uint8), b"labels": [1]}, 4),
            "no pictures of 3x32x32",
        ),
        (pickle.dumps({b"labels": [1]}, 4), "no pictures of 3x32x32"),
    ],
)
def test_damaged_batches(content, message):
    cifar_10()
    Path("cifar/data_batch_3").write_bytes(content)
    with pytest.raises(InputError, match=message):
        open_samples(DataPlan("cifar"), "train")


def test_arrays_that_would_not_fit_are_refused_by_their_headers(monkeypatch):
    np.savez("a.npz", inputs=np.zeros((100, 4, 4)), targets=np.zeros(100, int))
    monkeypatch.setattr(files.os, "sysconf", lambda _: 100)
    with pytest.raises(InputError, match="bytes of numbers, 5,000 is half of this machine's"):
        open_samples(DataPlan("a.npz"), "train")
