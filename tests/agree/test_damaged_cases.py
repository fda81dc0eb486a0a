"""Files that once ended in a traceback, an endless loop or gigabytes: one line each, and exit 2.

The files lie beside the project; without them nothing is run here, and the kinds are held by the
tests of each reader.
"""

import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from brought import beside

ROOT = Path(__file__).resolve().parents[2]
CASES = beside("cases", "damaged")
TINY, DIGITS = "networks/pose_tiny.yaml", "networks/digit_net.yaml"
MOST_CPU_S, MOST_BYTES = 30, 8 << 30  # far above what is allowed: a bomb is stopped, nothing else

# What a name ends or begins with -> under which name it is given to which commands.
COMMANDS = {
    ".pth.tar": (("synthesize", DIGITS, "--check", "--checkpoint-file", "case.pth.tar"),
                 ("ai8x", "quantize", "case.pth.tar", "out.pth.tar")),
    ".npy": (("synthesize", TINY, "--check", "--sample-input", "case.npy"),),
    "fuzz_npy": (("synthesize", TINY, "--check", "--sample-input", "case.npy"),),
    "fuzz_dumps": (("max78000", "compare", "project", "--dump", "case.npz"),),
    "dump_": (("max78000", "compare", "project", "--dump", "case.npz"),),
    "layerlog_digits": (("max78000", "compare", "project", "--console", "case.txt"),),
    "fuzz_onnx": (("ai8x", "describe", "case.onnx"),
                  ("synthesize", DIGITS, "--check", "--checkpoint-file", "case.onnx")),
    "net_wide": (("synthesize", "case.yaml", "--check"),),
    "net_bom16": (("synthesize", "case.yaml", "--check"),),
    "policy_": (("ai8x", "train", "--model", "DigitNet", "--task", "classification", "--data", "x",
                 "--epochs", "1", "--qat-policy", "case.yaml"),),
    "recipe_ctrl": (("ai8x", "train", "case.yaml"),),
    "recipe_deep": (("ai8x", "train", "case.yaml"),),
    "fuzz_recipe": (("ai8x", "train", "case.yaml"),),
    "fuzz_elf": (("max78000", "simulate", "case.elf", "--seconds", "1"),),
    "fuzz_pictures": (("max78000", "simulate", "project", "--input", "case.png"),
                      ("ai8x", "predict", "case.png")),
    ".h5": (("ai8x", "evaluate", "checkpoints/pose_tiny.pth.tar", "--folder", ".",
            "--count", "16"),),
    "fuzz_h5": (("ai8x", "evaluate", "checkpoints/pose_tiny.pth.tar", "--folder", ".",
                 "--count", "16"),),
    "fuzz_state": (("max78000", "simulate", "--state", "case.json"),),
    "state_": (("max78000", "simulate", "--state", "case.json.gz"),),
}  # fmt: skip


def asked():
    """Every file with every command that reads its kind."""
    names = sorted(path.name for path in CASES.iterdir()) if CASES.is_dir() else []
    return [
        pytest.param(name, command, id=f"{name} {command[0]}")
        for name in names
        for kind, commands in COMMANDS.items()
        if name.startswith(kind) or name.endswith(kind)
        for command in commands
    ]


def limited():
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_CPU_S, MOST_CPU_S))
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))


@pytest.mark.slow
@pytest.mark.skipif(not CASES.is_dir(), reason=f"{CASES} is not there")
@pytest.mark.parametrize(("name", "command"), asked())
def test_one_line_and_exit_2(name, command, shipped, tmp_path):
    for folder in ("networks", "checkpoints"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    if "project" in command:
        shutil.copytree(shipped("pose_tiny"), tmp_path / "project")
    cases = [word for word in command if word.startswith("case.")]
    (given,) = cases or ["single-validation-16.h5"]
    shutil.copy(CASES / name, tmp_path / given)
    program = Path(sys.executable).with_name(command[0])
    result = subprocess.run(
        [program, *command[1:]],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limited,
    )
    assert result.returncode == 2, result.stderr
    assert "defect" not in result.stderr
    for problem in result.stderr.strip().splitlines():  # one line each, and nothing else
        assert given in problem
