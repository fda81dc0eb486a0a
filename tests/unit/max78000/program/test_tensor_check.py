"""Files of tensors are looked through without PyTorch; those that it reads pass."""

import collections
import pickle
import re
import subprocess
import sys
import zipfile

import pytest
import torch

from ai8x_models.checkpoint import load_checkpoint
from max78000.errors import InputError
from max78000.program.tensor_check import check_tensors


@pytest.mark.long
@pytest.mark.parametrize("is_zip", [True, False], ids=["zip", "legacy"])
def test_what_torch_writes_passes(tmp_path, is_zip):
    contents = {
        "state_dict": torch.nn.Linear(3, 2).state_dict(),
        "optimizer": torch.optim.Adam([torch.nn.Parameter(torch.ones(2))]).state_dict(),
        "complex": torch.ones(2, dtype=torch.complex64),
        "sparse": torch.eye(3).to_sparse(),
        "dtype": torch.float16,
        "count": collections.Counter("aab"),
    }
    torch.save(contents, tmp_path / "a", _use_new_zipfile_serialization=is_zip)
    check_tensors(tmp_path / "a")


@pytest.mark.parametrize("is_zip", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_protocols_that_pytorch_does_not_read_are_named(tmp_path, protocol, is_zip):
    path = tmp_path / "a"
    how = {"pickle_protocol": protocol, "_use_new_zipfile_serialization": is_zip}
    torch.save({"weight": torch.ones(2)}, path, **how)
    if protocol < 4:
        assert check_tensors(path) is None
        return
    why = f"is pickled by protocol {protocol}; PyTorch reads up to 3 safely"
    with pytest.raises(InputError, match=re.escape(why)):
        check_tensors(path)
    with pytest.raises(InputError, match=re.escape(why)):
        load_checkpoint(path)


def test_a_class_is_code(tmp_path):
    torch.save({"net": torch.nn.Linear(3, 2)}, tmp_path / "a")
    with pytest.raises(InputError, match=r"asks for torch\.nn\.modules\.linear\.Linear, "):
        check_tensors(tmp_path / "a")


def test_an_archive_with_a_method_that_nobody_knows(tmp_path):
    with zipfile.ZipFile(tmp_path / "a", "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({}, 2))
    raw = bytearray((tmp_path / "a").read_bytes())
    raw[raw.index(b"PK\x01\x02") + 10] = 99  # compression, in the list at the end
    (tmp_path / "a").write_bytes(raw)
    with pytest.raises(InputError, match="cut short or damaged"):
        check_tensors(tmp_path / "a")


def test_folders_and_nothing(tmp_path):
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        check_tensors(tmp_path)
    with pytest.raises(InputError, match="cannot be read: No such file"):
        check_tensors(tmp_path / "none")


def test_pytorch_is_not_loaded():
    program = "import sys, max78000.program.tensor_check; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
