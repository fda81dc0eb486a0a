"""Ctrl-C waits for the emulator, and is not lost."""

import signal

import pytest

from max78000.board.interruption import delayed


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
