"""A word that names no network is refused before PyTorch, which takes seconds, is loaded."""

import subprocess
import sys

import pytest

from ai8x_models.describe.reference import check_word
from max78000.errors import InputError

WORDS = {
    "digitnett": "there is no model 'digitnett' (did you mean DigitNet?)",
    "net.py": "net.py: names no class (write net.py:ClassName)",
    "no.py:Net": "no.py: there is no such file (name a file and a class: net.py:Net)",
    "no.onnx": "no.onnx: cannot be read: No such file or directory (name an ONNX file)",
    "net.pth": "net.pth: is neither Python nor ONNX, and no model is in other files (name "
    "FILE.py:CLASS; the weights of a checkpoint are taken with --checkpoint net.pth)",
}
ASK = """
import sys
from click.testing import CliRunner
from ai8x_models.commands.main import cli
for verb in ("describe", "export"):
    for word in sys.argv[1:]:
        print(CliRunner().invoke(cli, [verb, word, "--out", "written"]).exception)
assert "torch" not in sys.modules
"""


def test_words_that_name_no_network(tmp_path):
    for name in ("net.py", "net.pth"):
        (tmp_path / name).touch()
    command = [sys.executable, "-c", ASK, *WORDS]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    said = ended.stdout.splitlines()
    assert len(said) == 2 * len(WORDS)
    for line, expected in zip(said, 2 * tuple(WORDS.values()), strict=True):
        assert line.startswith(expected)
    assert not (tmp_path / "written").exists()


def test_words_that_may_name_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").touch()
    for word in ("DIGITNET", "net.py:Net", "net.py:Net(width=3)", "no.onnx"):
        check_word(word)
    with pytest.raises(InputError, match=r"net\.py: names no class"):
        check_word("net.py")
