"""Work shared out to processes, which end with the one that began them.

A terminal says Ctrl-C to every process at once. These do not hear it: the one that began them ends
them, so that none goes on and none tells of it on its own.
"""

import multiprocessing
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Work = TypeVar("Work")
Done = TypeVar("Done")


@contextmanager
def done_by_processes(
    function: Callable[[Work], Done], works: Sequence[Work], n_processes: int, n_at_once: int = 1
) -> Iterator[Iterator[Done]]:
    """Give `function(work)` for every work, in their order.

    Processes are spawned: the caller may hold threads (torch does), which a fork would not survive.

    Args:
        function: of a module, as what it takes and gives is sent to processes.
        works: one for each call.
        n_processes: that work.
        n_at_once: works that are sent together.
    """
    context = multiprocessing.get_context("spawn")
    others = set(multiprocessing.active_children())
    with ProcessPoolExecutor(n_processes, mp_context=context) as pool:
        try:
            with _deaf_to_ctrl_c():
                starts = range(0, len(works), n_at_once)
                shares = [
                    pool.submit(_done, function, works[start : start + n_at_once])
                    for start in starts
                ]
            yield (one for share in shares for one in share.result())
        except BaseException:  # nobody takes the rest
            for process in set(multiprocessing.active_children()) - others:
                process.terminate()
            raise


def _done(function: Callable[[Work], Done], works: Sequence[Work]) -> list[Done]:
    return [function(work) for work in works]


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """What begins meanwhile never hears Ctrl-C; this process hears of it at the end."""
    if sys.platform == "win32":
        yield
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
