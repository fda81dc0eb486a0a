"""The example scripts run as they are."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from installed import needs_gcc

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


@pytest.fixture
def workplace(tmp_path):
    """A folder with the project's networks in it."""
    for name in ("networks", "checkpoints"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


def run(folder, *arguments):
    words = [sys.executable, "-W", "error", *map(str, arguments)]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)


def test_there_are_examples():
    assert [path.name for path in EXAMPLES] == ["digits.py"]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_are_cells_with_titles(path):
    cells = re.findall(r"^# %%(.*)$", path.read_text(), re.MULTILINE)
    assert len(cells) >= 5
    assert all(re.match(r" [A-Z].*\.$", title) for title in cells)


def test_digits(workplace):
    result = run(workplace, ROOT / "examples" / "digits.py")
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    n_right = int(re.search(r"^(\d+) of 12 digits are right", result.stdout, re.MULTILINE)[1])
    assert n_right >= 6  # ten answers are possible: chance is one of 12
    assert "interpreter and PyTorch: equal" in lines
    assert "interpreter and accelerator: equal" in lines
    assert lines[-2].startswith("layer conv3 channel 5 row 2 column 3 is ")
    written = workplace / "build" / "digits" / "project"
    assert {"cnn.c", "main.c", "program.json", "layers.json"} <= {p.name for p in written.iterdir()}


@needs_gcc
@pytest.mark.slow
@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
def test_words(tmp_path):
    folder = tmp_path / "words"
    shutil.copytree(ROOT / "examples" / "words", folder)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    printed = {}
    for block in re.findall(r"```sh\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL):
        for line in block.splitlines():
            result = subprocess.run(
                shlex.split(line),
                cwd=folder,
                env={**os.environ, "PATH": path},
                capture_output=True,
                text=True,
                check=False,
            )
            assert result.returncode == 0, f"{line}\n{result.stderr}"
            printed[line.split()[1]] = result.stdout
    scores = dict(re.findall(r"\((\w+)\): .* right, ([\d.]+)%", printed["evaluate"]))
    assert float(scores["integer"]) > 90  # unseen voices; chance is 10
    assert "PASS" in printed["simulate"]
