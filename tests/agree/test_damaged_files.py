"""A file of every kind that commands take, damaged in the ways that cost others gigabytes.

One line each, exit 2, two seconds of the processor, 200 MB: so no command may load PyTorch, which
takes both by itself, before it has looked at its files. What only PyTorch can tell, such as a
model in a Python file that fails, takes what PyTorch takes, and no more beside it: the last test.
"""

import gzip
import io
import pickle
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from damaged import MOST_CPU_S, MOST_KB, refused
from measured import measured

pytestmark = pytest.mark.long
ROOT = Path(__file__).resolve().parents[2]
PEOPLE = (ROOT / "networks/samples/people.png").read_bytes()
TINY = str(ROOT / "checkpoints/pose_tiny.pth.tar")
INTEGERS = ROOT / "checkpoints/pose_tiny-q.pth.tar"
DIGITS, POSE = ROOT / "networks/digit_net.yaml", ROOT / "networks/pose_tiny.yaml"
HUGE = 10**11
NESTED = b"\x80\x02)" + b"2\x86" * 40 + b"."  # a tuple twice in another, forty times


def archive(**members):
    """A zip file."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as whole:
        for name, contents in members.items():
            whole.writestr(name, contents)
    return file.getvalue()


def npy(descr="|i1", shape=(3, 128, 128), data=b""):
    """An .npy file that says what it likes."""
    file = io.BytesIO()
    header = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue() + data


class Code:
    """Pickles as a call, which a careless reader would make."""

    def __reduce__(self):
        return print, ("code",)


CHECKPOINTS = {
    "empty": b"",
    "text": b"arch: tiny\n",
    "cut": INTEGERS.read_bytes()[:20_000],
    "bomb": archive(**{"archive/data.pkl": NESTED}),
    "code": archive(**{"archive/data.pkl": pickle.dumps({"state_dict": Code()}, 2)}),
    "long number": archive(**{"archive/data.pkl": pickle.dumps({"epoch": 1 << 40_000}, 2)}),
    "header": (1 << 60).to_bytes(8, "little") + b"{" + bytes(100),
    "tensors": (20).to_bytes(8, "little") + b'{"w": {"dtype": 1}}  ',
}
ARRAYS = {
    "empty": b"",
    "huge": npy(shape=(HUGE,)),
    "wide": npy("|V2147483647", (4,)),
    "objects": npy("|O", (4,)),
    "nested": b"\x93NUMPY\x01\x00\xf0\xff" + b"(" * 65520,
    "zip": archive(a=npy()),
}
YAML = {
    "deep": b"a: " + b"[" * 5000,
    "aliases": b"".join(b"a%d: &a%d [%s]\n" % (n + 1, n + 1, b"*a%d, " % n * 9) for n in range(9)),
    "bytes": b"\xff\xfe\x00",
    "control": b"name: \x00\n",
}
YAML["aliases"] = b"a0: &a0 [1]\n" + YAML["aliases"]
PICTURES = {
    "text": b"no picture",
    "cut": PEOPLE[:1000],
    "wide": PEOPLE[:16] + b"\x00\x00\xff\xff" * 2 + b"\x08",
}
DUMPS = {
    "text": b"no dump",
    "bomb": archive(**{"a.npy": npy(shape=(HUGE,))}),
    "empty": archive(),
}
STATES = {
    "text": b"{",
    "deep": b"[" * 100_000,
    "bomb": lambda: gzip.compress(bytes(1 << 28), 9),  # which takes a second
    "cut": gzip.compress(b"{}")[:-6],
}
KINDS = {  # file -> its contents, or what makes them, and the commands that take it
    "case.pth.tar": (
        CHECKPOINTS,
        (
            ("synthesize", DIGITS, "--check", "--checkpoint-file", "case.pth.tar"),
            ("ai8x", "quantize", "case.pth.tar", "out.pth.tar"),
            ("ai8x", "evaluate", "case.pth.tar"),
            ("ai8x", "describe", "DigitNet", "--checkpoint", "case.pth.tar"),
        ),
    ),
    "case.npy": (
        ARRAYS,
        (
            ("synthesize", POSE, "--check", "--checkpoint-file", INTEGERS, "--sample-input",
             "case.npy"),
            ("ai8x", "dump", INTEGERS, "case.npy", "out.npz"),
        ),
    ),
    "case.yaml": (
        YAML,
        (
            ("synthesize", "case.yaml", "--check"),
            ("ai8x", "train", "case.yaml"),
            ("ai8x", "distill", "--config", "case.yaml"),
        ),
    ),
    "case.onnx": (
        {"text": b"no graph", "bytes": b"\x08\x07\x12" + bytes(200)},
        (
            ("ai8x", "describe", "case.onnx"),
            ("synthesize", DIGITS, "--check", "--checkpoint-file", "case.onnx"),
        ),
    ),
    "case.png": (PICTURES, (("ai8x", "predict", "case.png", "--checkpoint", INTEGERS),)),
    "case.npz": (DUMPS, (("max78000", "compare", "project", "--dump", "case.npz"),)),
    "case.json.gz": (STATES, (("max78000", "simulate", "--state", "case.json.gz"),)),
    "case.elf": (
        {"text": b"no firmware", "cut": b"\x7fELF\x01\x01\x01" + bytes(60)},
        (("max78000", "simulate", "case.elf"),),
    ),
    "single-validation-16.h5": (
        {"text": b"no cache", "signature": b"\x89HDF\r\n\x1a\n" + bytes(1000)},
        (("ai8x", "evaluate", TINY, "--folder", ".", "--count", "16"),),
    ),
    "case.json": (
        {"text": b"{", "deep": b"[" * 100_000, "infinite": b'{"images": [1e999]}'},
        (("ai8x", "data", "--images", ".", "--annotations", "case.json"),),
    ),
}  # fmt: skip


def asked():
    """Every damage of every kind, with each command that takes it.

    All with all are slow: before that the first command takes each, and each command the first.
    """
    return [
        pytest.param(
            *(name, contents, command),
            id=f"{name} {damage} {command[0]} {n}",
            marks=[pytest.mark.slow] if n and damage != next(iter(damages)) else [],
        )
        for name, (damages, commands) in KINDS.items()
        for damage, contents in damages.items()
        for n, command in enumerate(commands)
    ]


@pytest.mark.parametrize(("name", "contents", "command"), asked())
def test_damaged_files(name, contents, command, shipped, tmp_path):
    if "project" in command:
        shutil.copytree(shipped("pose_tiny"), tmp_path / "project")
    (tmp_path / name).write_bytes(contents() if callable(contents) else contents)
    before = sorted(path.name for path in tmp_path.iterdir())
    for problem in refused(*command, folder=tmp_path):
        assert name in problem
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def missing():
    """Every command with a file that is not there."""
    return [
        pytest.param(name, command, id=f"{name} {command[0]} {n}")
        for name, (_, commands) in KINDS.items()
        for n, command in enumerate(commands)
        if name != "single-validation-16.h5"  # is then made
    ]


@pytest.mark.parametrize(("name", "command"), missing())
def test_missing_files(name, command, shipped, tmp_path):
    if "project" in command:
        shutil.copytree(shipped("pose_tiny"), tmp_path / "project")
    for problem in refused(*command, folder=tmp_path):
        assert name in problem


def test_what_pytorch_has_to_judge_takes_no_more_than_that_beside_it(tmp_path):
    (tmp_path / "net.py").write_text("from torch import nn\nNet = nn.Fold\n")
    loaded = measured("python", "-c", "import ai8x_models.describe.subject", folder=tmp_path)
    ended = measured("ai8x", "describe", "net.py:Net", "--input", "3x8x8", folder=tmp_path)
    assert ended.status == 2, ended.said
    assert ended.cpu_s - loaded.cpu_s < MOST_CPU_S
    assert ended.peak_kb - loaded.peak_kb < MOST_KB
