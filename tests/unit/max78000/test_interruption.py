"""Ctrl-C waits for the emulator and for imports, and is not lost."""

import importlib
import signal
import sys

import pytest

from max78000.errors import interruption
from max78000.errors.interruption import delayed, heeding


@pytest.fixture(autouse=True)
def _as_in_the_foreground():
    """Shells let what they start in the background ignore Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupted(done, error=None):
    with delayed():
        signal.raise_signal(signal.SIGINT)
        done.append("the rest")
        if error is not None:
            raise error


def test_ctrl_c_comes_at_the_end():
    done = []
    with pytest.raises(KeyboardInterrupt):
        interrupted(done)
    assert done == ["the rest"]
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_a_failure_goes_before_it():
    with pytest.raises(ValueError, match="bad"):
        interrupted([], ValueError("bad"))


def test_who_answers_it_goes_on_to():
    heard = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: heard.append(number))
    try:
        interrupted([])
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard == [signal.SIGINT]


# What a module does at which Ctrl-C comes, and whether it comes to its end all the same.
IMPORTED = {
    "drops it": ("try:\n    raise_signal(SIGINT)\nexcept KeyboardInterrupt:\n    pass\n", True),
    "makes a class": (
        "class Field:\n    def __set_name__(self, owner, name):\n        raise_signal(SIGINT)\n"
        "class Owner:\n    field = Field()\n",
        True,
    ),
    "works for ever": ("raise_signal(SIGINT)\nwhile True:\n    pass\n", False),
}


def import_heeding(name):
    with heeding():
        importlib.import_module(name)
        signal.sigtimedwait([], 5)


@pytest.mark.parametrize("case", IMPORTED)
def test_ctrl_c_waits_for_an_import(case, tmp_path, monkeypatch):
    monkeypatch.setattr(interruption, "MOST_WAITS_S", 0.1 if case == "works for ever" else 60)
    monkeypatch.syspath_prepend(tmp_path)
    work, has_end = IMPORTED[case]
    name = f"imported_{len(work)}"
    (tmp_path / f"{name}.py").write_text(f"from signal import SIGINT, raise_signal\n{work}")
    importlib.invalidate_caches()
    with pytest.raises(KeyboardInterrupt):
        import_heeding(name)
    assert (sys.modules.pop(name, None) is not None) == has_end
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
