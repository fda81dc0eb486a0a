"""Ctrl-C while the emulator runs: raised in one of its callbacks, it can be lost on the way out."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def delayed() -> Iterator[None]:
    """Let Ctrl-C wait for the end of what is done; who answers it in a way of their own goes on.

    Raises:
        KeyboardInterrupt: at the end, if it came meanwhile.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    came = threading.Event()
    signal.signal(signal.SIGINT, lambda _number, _frame: came.set())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if came.is_set():
        raise KeyboardInterrupt
