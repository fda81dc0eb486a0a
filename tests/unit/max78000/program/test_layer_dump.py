"""Dumps of layers: saved ones are read, the first difference is named, damaged ones are refused."""

import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from max78000.errors import InputError
from max78000.program.layer_dump import difference_of, first_difference, read_dump, save_dump


def ramp(*shape):
    return np.arange(np.prod(shape)).reshape(shape)


LAYERS = {"first": ramp(3, 4, 5), "second": ramp(6, 2) * -100_000, "a/b.npy": ramp(7)}


@given(st.integers(0, 2), st.integers(0, 3), st.integers(0, 4), st.integers(-9, 9).filter(bool))
def test_one_value_is_found(channel, row, column, change):
    right, wrong = ramp(3, 4, 5), ramp(3, 4, 5)
    wrong[channel, row, column] += change
    found = difference_of("conv1", right, wrong)
    assert (found.layer, found.channel, found.row, found.column) == ("conv1", channel, row, column)
    assert found.found - found.expected == change
    place = f"channel {channel} row {row} column {column}"
    assert str(found).startswith(f"layer conv1 {place} is {found.found}, expected ")


def test_the_order_is_that_of_the_first_answer():
    wrong = {name: values + 1 for name, values in reversed(LAYERS.items())}
    assert first_difference(LAYERS, wrong).layer == "first"
    assert first_difference(LAYERS, {**LAYERS, "second": LAYERS["second"] + 1}).layer == "second"


def test_layers_of_one_answer_alone_are_passed_over():
    assert first_difference(LAYERS, {"first": LAYERS["first"], "add": ramp(2, 2, 2)}) is None
    with pytest.raises(InputError, match=r"no layer in both: first, second, a/b.npy, and add"):
        first_difference(LAYERS, {"add": ramp(1)})


def test_other_shapes_are_another_network():
    with pytest.raises(InputError, match="layer first: has shape 3x4x4, expected 3x4x5"):
        first_difference(LAYERS, {"first": ramp(3, 4, 4)})
    assert difference_of("linear", ramp(5), ramp(5, 1, 1)) is None
    assert difference_of("signal", ramp(5, 3), ramp(5, 3, 1)) is None


def test_what_is_saved_is_read(tmp_path):
    save_dump(tmp_path / "a.npz", LAYERS)
    save_dump(tmp_path / "b.npz", {k: v.astype(np.int32) for k, v in LAYERS.items()})
    found = read_dump(tmp_path / "a.npz")
    assert list(found) == list(LAYERS)
    assert found["second"].shape == (6, 2, 1)
    assert first_difference(found, read_dump(tmp_path / "b.npz")) is None
    save_dump(tmp_path / "c.npz", LAYERS)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "c.npz").read_bytes()
    assert len(list(tmp_path.iterdir())) == 3


def test_numpy_reads_and_writes_dumps(tmp_path):
    save_dump(tmp_path / "ours.npz", {"first": LAYERS["first"]})
    with np.load(tmp_path / "ours.npz") as loaded:
        assert np.array_equal(loaded["first"], LAYERS["first"])
    np.savez(tmp_path / "theirs.npz", first=LAYERS["first"])
    assert first_difference(LAYERS, read_dump(tmp_path / "theirs.npz")) is None


def test_what_is_no_dump_is_refused(tmp_path):
    path = tmp_path / "dump.npz"
    np.savez(path, a=np.zeros(3))
    with pytest.raises(InputError, match="float64 are not integers"):
        read_dump(path)
    np.savez(path, a=np.zeros((1, 2, 3, 4), int))
    with pytest.raises(InputError, match=r"is not \(C, H, W\)"):
        read_dump(path)
    np.savez(path, a=np.array([{}], object))
    with pytest.raises(InputError, match="is no dump of layers"):
        read_dump(path)
    save_dump(path, LAYERS)
    whole = path.read_bytes()
    for size in range(0, len(whole), 97):
        path.write_bytes(whole[:size])
        with pytest.raises(InputError, match="is no dump of layers"):
            read_dump(path)
    with zipfile.ZipFile(path, "w") as members:
        members.writestr("a.npy", b"text")
    with pytest.raises(InputError, match="is no dump of layers"):
        read_dump(path)
    with pytest.raises(InputError, match="ai8x dump"):
        read_dump(tmp_path / "missing.npz")


def test_a_folder_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        save_dump(tmp_path / "no" / "dump.npz", LAYERS)
