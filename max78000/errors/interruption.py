"""Ctrl-C: raised where it can be, once it can be, and never lost.

Python lets a signal's handler raise between any two steps of a program. Where importing is the
program, that is lost (C++ that imports drops what is raised), or comes out as another error (a
class that cannot be made), or leaves half a module; in the callbacks of weak references Python says
that it ignores the exception, and goes on.
"""

import _thread
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED = 130  # exit status that shells report for it
MOST_WAITS_S = 1.0  # for imports: a user's file may do all its work in one
_AGAIN_S = 0.01
_IMPORTS = "<frozen importlib._bootstrap>"  # where every import passes


class _Answer:
    """Handler of Ctrl-C: raises `KeyboardInterrupt`, while modules are imported once they are."""

    def __init__(self) -> None:
        self._first_s: float | None = None

    def __call__(self, _number: int, frame: FrameType | None) -> None:
        now_s = time.monotonic()
        if self._first_s is None:
            self._first_s = now_s
        if _is_importing(frame) and now_s < self._first_s + MOST_WAITS_S:
            _give_again()
            return
        self._first_s = None
        raise KeyboardInterrupt


@contextmanager
def heeding() -> Iterator[None]:
    """Let Ctrl-C raise `KeyboardInterrupt`, whatever is going on, soon."""
    told_before = sys.unraisablehook

    def tell(ignored: "sys.UnraisableHookArgs") -> None:
        if issubclass(ignored.exc_type, KeyboardInterrupt):
            _give_again()
        else:
            told_before(ignored)

    sys.unraisablehook = tell
    try:
        with answered_by(_Answer()):
            yield
    finally:
        sys.unraisablehook = told_before


@contextmanager
def answered_by(answer: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Give Ctrl-C another answer, unless somebody else, such as a shell, has seen to it."""
    usual = signal.getsignal(signal.SIGINT)
    is_main = threading.current_thread() is threading.main_thread()
    is_usual = usual is signal.default_int_handler or isinstance(usual, _Answer)
    if not (is_main and is_usual):
        yield
        return
    signal.signal(signal.SIGINT, answer)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)


@contextmanager
def delayed() -> Iterator[None]:
    """Let Ctrl-C wait for the end of what is done; who answers it in a way of their own goes on.

    Raises:
        KeyboardInterrupt: at the end, if it came meanwhile.
    """
    came = threading.Event()
    with answered_by(lambda _number, _frame: came.set()):
        yield
    if came.is_set():
        raise KeyboardInterrupt


def _give_again() -> None:
    """Give Ctrl-C once more, in a moment."""

    def give() -> None:
        time.sleep(_AGAIN_S)
        _thread.interrupt_main()

    _thread.start_new_thread(give, ())


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None and frame.f_code.co_filename != _IMPORTS:
        frame = frame.f_back
    return frame is not None
