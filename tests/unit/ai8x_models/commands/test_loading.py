"""The sign of life while what is slow loads."""

import importlib
import os
import signal
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest

from ai8x_models.commands import loading

BIN = Path(sys.executable).parent


class Terminal(StringIO):
    def isatty(self):
        return True


@pytest.fixture
def slow(tmp_path, monkeypatch):
    """Makes a module that takes a time, and stands in for the slow one."""

    def make(seconds):
        (tmp_path / "slow_one.py").write_text(f"import time\ntime.sleep({seconds})\n")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setattr(loading, "SLOW", "slow_one")
        monkeypatch.delitem(sys.modules, "slow_one", raising=False)
        importlib.invalidate_caches()

    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    yield make
    sys.modules.pop("slow_one", None)


def said(stream):
    loading.watch_loading(stream)
    importlib.import_module("slow_one")
    return stream.getvalue()


def test_a_wheel_turns_and_is_gone(slow):
    slow(0.6)
    words = said(Terminal())
    assert words.startswith("\rloading PyTorch |\rloading PyTorch /")
    assert words.endswith(loading.ERASE_LINE)
    assert words.count(loading.ERASE_LINE) == 1


def test_what_is_quick_needs_no_sign(slow):
    slow(0)
    assert said(Terminal()) == ""


def test_nobody_looks_on(slow):
    slow(0.6)
    before = list(sys.meta_path)
    assert said(StringIO()) == ""
    assert sys.meta_path == before


@pytest.mark.parametrize("stream", ["sys.stderr", "open(os.devnull, 'w')"])
def test_ctrl_c_ends_it_at_once_though_the_module_would_drop_it(tmp_path, stream):
    dropping = "try:\n    signal.raise_signal(signal.SIGINT)\nexcept KeyboardInterrupt:\n    pass\n"
    (tmp_path / "slow_one.py").write_text(f"import signal\n{dropping}")
    words = (
        "import os, signal, sys\nfrom ai8x_models.commands import loading\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"loading.SLOW = 'slow_one'\nloading.watch_loading({stream})\nimport slow_one\n"
    )
    path = os.pathsep.join((str(tmp_path), *filter(None, sys.path)))
    ended = subprocess.run(
        [sys.executable, "-c", words],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, b"", b"")


def test_afterwards_ctrl_c_is_as_before(slow):
    slow(0)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    said(StringIO())
    assert signal.signal(signal.SIGINT, before) is signal.default_int_handler


def test_a_module_that_fails_fails_as_ever(slow, tmp_path):
    slow("x")
    stream = Terminal()
    with pytest.raises(NameError):
        said(stream)
    assert stream.getvalue() == ""


@pytest.mark.long
@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_a_command_on_a_terminal(tmp_path):
    """Standard output has no word of it."""
    ours, theirs = os.openpty()
    words = [BIN / "ai8x", "describe", "DigitNet"]
    run = subprocess.run(
        words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=theirs, check=True, text=True
    )
    os.set_blocking(ours, False)
    shown = os.read(ours, 1 << 16).decode()
    os.close(ours)
    os.close(theirs)
    assert "arch: DigitNet" in run.stdout
    assert "PyTorch" not in run.stdout
    assert shown.startswith("\rloading PyTorch |")
    assert loading.ERASE_LINE in shown
