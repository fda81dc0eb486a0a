"""How commands begin and end: Ctrl-C at any time, an output that takes no more, a reader gone."""

import gc
import os
import signal
import subprocess
import sys
import time
import weakref
from pathlib import Path
from pkgutil import resolve_name

import click
import pytest

from max78000.command import run
from max78000.commands.start import main

COMMANDS = ("max78000", "ai8x_models", "synthesis")
THREADS = "OPENBLAS_NUM_THREADS"
HEAVY = ("click", "numpy", "torch", "yaml", "jinja2")


@pytest.mark.parametrize("package", COMMANDS)
def test_nothing_is_imported_before_ctrl_c_has_an_answer(package):
    code = f"import {package}.commands.start, sys; print(*sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(HEAVY) & set(ended.stdout.split())


MODULES = """
import atexit, sys
atexit.register(lambda: print(*sys.modules, file=sys.stderr))
from {package}.commands.start import main
sys.argv = {words!r}
main()
"""


@pytest.mark.long
@pytest.mark.parametrize(
    ("package", "words", "heavy"),
    [
        ("synthesis", ["synthesize", "--help"], {*HEAVY[1:], "importlib.metadata"}),
        ("synthesis", ["synthesize", "--version"], {*HEAVY[1:], "importlib.metadata"}),
        ("ai8x_models", ["ai8x", "--help"], set(HEAVY[1:])),
        ("ai8x_models", ["ai8x", "list"], {"numpy", "torch", "jinja2"}),
        ("max78000", ["max78000", "--help"], set(HEAVY[1:])),
        ("max78000", ["max78000", "info", "--help"], {"jinja2", "importlib.metadata"}),
    ],
)
def test_what_computes_nothing_imports_little(package, words, heavy):
    code = MODULES.format(package=package, words=words)
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = ended.stderr.split()
    assert not heavy & set(imported)
    assert sum(name.startswith(COMMANDS) for name in imported) < 40


@pytest.mark.parametrize(
    ("package", "name"), [("synthesis", "synthesize"), ("max78000", "max78000")]
)
@pytest.mark.parametrize("given", [None, "4"])
def test_matrix_products_take_one_thread_unless_asked(monkeypatch, package, name, given):
    environment = {key: value for key, value in os.environ.items() if key != THREADS}
    monkeypatch.setattr(os, "environ", environment | ({} if given is None else {THREADS: given}))
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    monkeypatch.setattr(gc, "set_threshold", lambda _number: None)
    with pytest.raises(SystemExit):
        resolve_name(f"{package}.commands.start:main")()
    assert os.environ[THREADS] == (given or "1")


@pytest.mark.parametrize("is_imported", [False, True])
def test_ctrl_c_while_importing_and_after(monkeypatch, is_imported):
    def interrupted(*_args, **_options):
        raise KeyboardInterrupt

    name = "max78000.commands.main"
    if is_imported:
        monkeypatch.setattr(f"{name}.run", interrupted)
    else:
        monkeypatch.delitem(sys.modules, name, raising=False)
        monkeypatch.setattr("max78000.command.VerbGroup.__init__", interrupted)
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 130


class Referred:
    """Something to which there are weak references."""


@pytest.mark.parametrize("package", COMMANDS)
def test_ctrl_c_where_nothing_can_be_raised(monkeypatch, package):
    """In the callback of a weak reference, as importing a module makes many."""

    def long_work(_command, **_options):
        one = Referred()
        kept = weakref.ref(one, lambda _: signal.raise_signal(signal.SIGINT))
        del one
        time.sleep(5)
        assert kept() is None

    monkeypatch.setattr(click.Command, "main", long_work)
    monkeypatch.setattr(gc, "set_threshold", lambda _number: None)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.raises(SystemExit) as end:
        resolve_name(f"{package}.commands.start:main")()
    signal.signal(signal.SIGINT, before)
    assert end.value.code == 130


def test_other_failures_where_nothing_can_be_raised_are_told(monkeypatch, capsys):
    def failing(_command, **_options):
        one = Referred()
        kept = weakref.ref(one, lambda _: 1 / 0)
        del one
        assert kept() is None

    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
    monkeypatch.setattr(click.Command, "main", failing)
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 0
    assert "ZeroDivisionError" in capsys.readouterr().err


def info(output):
    command = [sys.executable, "-m", "max78000.commands.main", "info"]
    ended = subprocess.run(command, stdout=output, stderr=subprocess.PIPE, text=True, check=False)
    return ended.returncode, ended.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_an_output_that_takes_no_more():
    with Path("/dev/full").open("w") as full:
        message = "max78000: the output cannot be written: No space left on device\n"
        assert info(full) == (2, message)


def test_a_reader_that_has_seen_enough():
    reads, writes = os.pipe()
    os.close(reads)
    assert info(writes) == (141, "")
    os.close(writes)


@pytest.mark.long
@pytest.mark.parametrize(
    ("closing", "status", "said"),
    [
        (">&-", 2, "max78000: the output cannot be written: Bad file descriptor\n"),
        ("2>&- >/dev/null", 0, ""),
        ("<&- >/dev/null", 0, ""),
    ],
)
def test_streams_that_were_closed_before(closing, status, said):
    line = f'"{sys.executable}" -m max78000.commands.main info {closing}'
    ended = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (status, said)


@pytest.mark.long
def test_a_current_folder_that_has_been_removed(tmp_path):
    (tmp_path / "gone").mkdir()
    line = 'cd gone && rmdir ../gone && "$0" new board --app serial --from project'
    command = ["sh", "-c", line, str(Path(sys.executable).with_name("max78000"))]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    said = "the current folder has been removed (cd to a folder that is there)"
    assert (ended.returncode, ended.stderr) == (2, f"max78000: {said}\n")


def test_a_defect_is_one_in_a_removed_folder_too(tmp_path, monkeypatch, capsys):
    def broken():
        raise ValueError("two and two are five")

    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    monkeypatch.setattr("sys.argv", ["tool"])
    with pytest.raises(SystemExit) as end:
        run(click.Command("tool", callback=broken))
    assert end.value.code == 70
    assert "tool: two and two are five\nThis is a defect of tool" in capsys.readouterr().err
