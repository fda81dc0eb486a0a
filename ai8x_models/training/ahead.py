"""Batches made while the network learns from those before."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Key = TypeVar("Key")
Made = TypeVar("Made")

_N_WAITING = 2  # batches for each thread that are made and not asked for


def made_ahead(make: Callable[[Key], Made], keys: Iterable[Key], n_threads: int) -> Iterator[Made]:
    """Yield `make(key)` for every key, in order, with the next ones being made in threads.

    Threads do, rather than processes: while the network computes, PyTorch leaves Python alone, and
    nothing has to be sent.

    Args:
        make: a function of its argument alone, so that the threads cannot matter.
        keys: what is to be made.
        n_threads: 0: made when asked for.
    """
    if n_threads < 1:
        yield from map(make, keys)
        return
    waiting: deque[Future[Made]] = deque()
    with ThreadPoolExecutor(n_threads, "batches") as pool:
        try:
            for key in keys:
                waiting.append(pool.submit(make, key))
                if len(waiting) > _N_WAITING * n_threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for one in waiting:
                one.cancel()
